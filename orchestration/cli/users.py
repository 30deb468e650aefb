"""`oi users`: accounts, their roles and passwords.

Belongs here: the commands, and asking for passwords. Does not belong here: the store and its rules (`workspace.users`).

Every change but the first needs an admin's password, and is an event of the current company's ledger. Passwords are
asked for; scripts give the admin's in OI_PASSWORD and a new one in OI_NEW_PASSWORD.

Exit codes: 0 done · 1 refused · 2 wrong usage.
"""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from workspace.grants import Grant, Role
    from workspace.keys import Signer
    from workspace.users import Users

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name, as the ledger will hold it.")]
Roles = Annotated[list[str], typer.Option("--role", help="viewer, operator, ml_engineer, reviewer, admin; repeatable.")]
Admin = Annotated[str, typer.Option("--as", help="The admin who changes it; not needed for the first account.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


@app.callback()
def _root() -> None:
    """Accounts: add, list, role, disable, passwd."""


@app.command()
def add(name: Name, role: Roles, admin: Admin = "", as_json: AsJson = False) -> None:
    """Open an account. The first one must be an admin's."""
    from orchestration.cli.signing import ask_new_password, users

    store = users()
    by = _signed_in(store, admin)
    _done(store, "added", store.add(name, _roles(role), ask_new_password(name), by), by, as_json)


@app.command("list")
def list_accounts(as_json: AsJson = False) -> None:
    """Accounts, with who granted what since when."""
    from orchestration.cli.printing import print_json, print_table
    from orchestration.cli.signing import users

    rows = [
        {"name": name, "roles": list(grant.roles), "open": bool(grant.public), "key": grant.public[:12],
         "by": grant.by, "since": grant.at[:16].replace("T", " ")}
        for name, grant in users().accounts().items()
    ]  # fmt: skip
    if as_json:
        print_json(rows)
        return
    headings = {"name": "name", "roles": "roles", "open": "open", "key": "key", "by": "granted by", "since": "at (UTC)"}
    print_table("Accounts", rows, headings)


@app.command("role")
def set_roles(name: Name, role: Roles, admin: Admin = "", as_json: AsJson = False) -> None:
    """Give a person these roles and no others."""
    from orchestration.cli.signing import sign_in, users

    store = users()
    by = sign_in(store, admin)
    _done(store, "roles", store.set_roles(name, _roles(role), by), by, as_json)


@app.command()
def disable(name: Name, admin: Admin = "", as_json: AsJson = False) -> None:
    """Close an account and destroy its key; what it signed stays valid."""
    from orchestration.cli.signing import sign_in, users

    store = users()
    by = sign_in(store, admin)
    _done(store, "disabled", store.disable(name, by), by, as_json)


@app.command()
def passwd(
    name: Name,
    reset: Annotated[bool, typer.Option("--reset", help="The password was lost: an admin gives a new key.")] = False,
    admin: Admin = "",
    as_json: AsJson = False,
) -> None:
    """Change one's own password, or reset somebody's."""
    from orchestration.cli.signing import ask_new_password, ask_password, sign_in, users

    store = users()
    if reset:
        by = sign_in(store, admin)
        _done(store, "reset", store.reset(name, ask_new_password(name), by), by, as_json)
        return
    old, new = ask_password(name), ask_new_password(name)
    store.change_password(name, old, new)
    store.verify(name, new)
    _done(store, "password", store.accounts()[name], store.signer(name), as_json)


def _signed_in(store: "Users", admin: str) -> "Signer | None":
    from orchestration.cli.signing import sign_in

    return None if store.is_empty() else sign_in(store, admin)


def _roles(names: list[str]) -> "list[Role]":
    from workspace.grants import Role

    unknown = sorted(set(names) - set(Role))
    if unknown:
        typer.echo(f"oi: no role {', '.join(unknown)}; there are: {', '.join(Role)}.", err=True)
        raise typer.Exit(2)
    return [Role(name) for name in names]


def _done(store: "Users", kind: str, grant: "Grant", by: "Signer | None", as_json: bool) -> None:
    """Tell the current company's ledger, and the person at the terminal."""
    from contextlib import closing

    from orchestration.cli.printing import RESULTS, print_json
    from workspace.ledger import open_ledger
    from workspace.settings import load_settings

    with closing(open_ledger(load_settings(), store)) as ledger:
        payload = {"grant": grant.digest, "roles": list(grant.roles), "public": grant.public}
        ledger.append("people", kind, grant.name, by or grant.name, f"oi users: {kind}", payload)
    if as_json:
        print_json({"name": grant.name, "roles": list(grant.roles), "open": bool(grant.public), "changed": kind})
    else:
        state = ", ".join(grant.roles) if grant.public else "closed"
        RESULTS.print(f"{grant.name}: {state or 'no role'} ({kind}, by {by.name if by else grant.name})", markup=False)
