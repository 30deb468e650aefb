"""How commands find out who is at the terminal: a name, and the password that opens its key.

Belongs here: asking for passwords, and opening keys by them. Does not belong here: accounts (`workspace.users`), what
is signed.
"""

import getpass
import os
import sys
from contextlib import closing

from workspace.failures import Failures
from workspace.keys import Signer
from workspace.ledger import open_ledger
from workspace.settings import load_settings
from workspace.users import UserRefused, Users

ACCESS, COMMANDS_ACTOR = "access", "system:commands"
PASSWORD, NEW_PASSWORD = "OI_PASSWORD", "OI_NEW_PASSWORD"


def users() -> Users:
    """The user store of this home."""
    return Users(load_settings().home)


def sign_in(store: Users, name: str) -> Signer:
    """The key of `name`, or of the user of this machine if it is empty, opened by the password that they give.

    Wrong passwords are kept in the ledger's stream `access`; after several the name has to wait, as at the console.

    Raises:
        UserRefused: there is no such account, the password is another one, or too many were wrong.
    """
    settings, name = load_settings(), name or getpass.getuser()
    if store.is_empty():
        raise UserRefused(f"Nobody has an account yet; begin with `oi users add {name} --role admin`.")
    failures = Failures(settings.home)
    if wait := failures.wait(name):
        raise UserRefused(f"Too many wrong passwords for {name!r}; try again in {-(-wait // 60)} minutes.")
    if store.verify(name, ask_password(name)) is None:
        failures.failed(name)
        with closing(open_ledger(settings)) as ledger:
            ledger.append(ACCESS, "refused", "oi", COMMANDS_ACTOR, f"wrong password for {name[:80]!r}", {})
        raise UserRefused(f"No open account of {name!r} has this password; `oi users list` shows who has one.")
    failures.succeeded(name)
    return store.signer(name)


def ask_password(name: str) -> str:
    """The password of `name`: from OI_PASSWORD, else asked for.

    Raises:
        UserRefused: it is not given and there is no terminal to ask at.
    """
    return _asked(PASSWORD, f"Password of {name}: ")


def ask_new_password(name: str) -> str:
    """A new password for `name`: from OI_NEW_PASSWORD, else asked for twice.

    Raises:
        UserRefused: it is not given and there is no terminal to ask at, or the two differ.
    """
    password = _asked(NEW_PASSWORD, f"New password for {name}: ")
    if NEW_PASSWORD not in os.environ and getpass.getpass("Once more: ") != password:
        raise UserRefused("The two passwords differ; nothing was changed.")
    return password


def _asked(variable: str, prompt: str) -> str:
    given = os.environ.get(variable)
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise UserRefused(f"There is no terminal to ask for a password at; give it in {variable}.")
    return getpass.getpass(prompt)
