"""People with an account: their roles, their passwords, and the keys that they sign with.

Belongs here: the store of a home, and what it may be asked. Does not belong here: what a grant must keep to
(`workspace.grants`), sessions (`dashboards.access`), what a role may do (each room says that itself).

`users.jsonl` is the journal of grants. `signing-keys/NAME.json` is a person's secret: the hash of their password and
their key, sealed by it; a changed hash opens no key. The platform's own key signs for its programs, and attests what
people did without signing themselves.
"""

import fcntl
import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from workspace.files import canonical_json
from workspace.grants import START, Grant, Identities, Role, problem_of, read_journal
from workspace.keys import KeyNotOpened, Signer, new_signer, opened, sealed, write_secret

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 1024
SERVICE = "system:platform"
_hasher = PasswordHasher()


class UserRefused(ValueError):
    """An account cannot be made, changed or used like this; the message says why."""


@dataclass(frozen=True)
class Person:
    """Somebody with an open account.

    Attributes:
        name: The name that the ledger holds.
        roles: What they may do.
        stamp: Changes with the password and ends sessions that began before.
    """

    name: str
    roles: Set[Role]
    stamp: str


class Users:
    """The user store of a home. Safe to share between threads and processes."""

    def __init__(self, home: Path) -> None:
        self._journal = home / "users.jsonl"
        self._lock = home / "users.lock"
        self._secrets = home / "signing-keys"
        self._opened: dict[str, tuple[str, Signer]] = {}
        self._service_public = ""

    def is_empty(self) -> bool:
        """Whether nobody has an account yet."""
        return not self._grants()

    def grants(self) -> tuple[Grant, ...]:
        """The whole journal, oldest first.

        Raises:
            UsersTampered: a line was changed, removed or added by hand.
        """
        return self._grants()

    def accounts(self) -> dict[str, Grant]:
        """Name → what that person holds now, closed accounts as well, by name."""
        return dict(sorted({grant.name: grant for grant in self._grants()}.items()))

    def find(self, name: str) -> Person | None:
        """The person of this name; None if they have no open account."""
        grant = self.accounts().get(name)
        secret = self._secret(name) if grant and grant.public else None
        return Person(name, frozenset(grant.roles), _stamp(secret)) if grant and secret else None

    def verify(self, name: str, password: str) -> Person | None:
        """The person of this name, if the password is theirs; their key stays opened for `signer`.

        Takes as long for a name that does not exist.
        """
        person = self.find(name)
        secret = (self._secret(name) if person else None) or {"password_hash": _nobodys_hash()}
        try:
            _hasher.verify(secret["password_hash"], password[:LONGEST_PASSWORD])
            if person is None or len(password) > LONGEST_PASSWORD:
                return None
            signer = opened(name, secret["key"], password)
        except (Argon2Error, InvalidHashError, KeyNotOpened):
            return None
        if signer.public != self.accounts()[name].public:
            return None
        self._opened[name] = (person.stamp, signer)
        return person

    def signer(self, name: str) -> Signer:
        """The opened key of a person who gave their password to this process.

        Raises:
            UserRefused: they did not, or the account was closed or its password changed since.
        """
        stamp, signer = self._opened.get(name, ("", None))
        person = self.find(name)
        if signer is None or person is None or person.stamp != stamp:
            self._opened.pop(name, None)
            raise UserRefused(f"This is signed with the key of {name!r}, which their password opens; sign in with it.")
        return signer

    def is_opened(self, name: str) -> bool:
        """Whether this process may ask for the key of a person: they gave it their password."""
        try:
            self.signer(name)
        except UserRefused:
            return False
        return True

    def service(self, name: str = SERVICE) -> Signer:
        """The platform's own key, made on first use, signing in the name of one of its programs."""
        path = self._secrets / "service.pem"
        if not path.exists():
            with self._alone():
                if not path.exists():
                    write_secret(path, sealed(new_signer(SERVICE)))
        return opened(SERVICE, path.read_text(encoding="ascii")).acting_as(name)

    def service_public(self) -> str:
        """Public half of the platform's key; empty while there is none."""
        if not self._service_public and (self._secrets / "service.pem").exists():
            self._service_public = self.service().public
        return self._service_public

    def identities(self) -> Identities:
        """Who may sign for whom, as of now."""
        grants: dict[str, list[Grant]] = {}
        for grant in self._grants():
            grants.setdefault(grant.name, []).append(grant)
        return Identities(self.service_public(), {name: tuple(held) for name, held in grants.items()})

    def add(self, name: str, roles: Iterable[Role], password: str, by: Signer | None = None) -> Grant:
        """Open an account with a new key; a closed one is opened again.

        Args:
            name: Letters, digits and `._@+-`, at most 64.
            roles: What they may do.
            password: At least 12 characters.
            by: The admin who adds them; None for the first account, which must be an admin's.

        Raises:
            UserRefused: the name, the password or the admin is not acceptable, or the account is open already.
        """
        _require_name(name)
        with self._alone():
            present = self.accounts().get(name)
            if present is not None and present.public:
                raise UserRefused(f"{name} has an account already; change its roles or its password instead.")
            return self._give_key(name, roles, password, by)

    def set_roles(self, name: str, roles: Iterable[Role], by: Signer) -> Grant:
        """Give a person these roles and no others.

        Raises:
            UserRefused: there is no such account, `by` is no admin, or no admin would be left.
        """
        with self._alone():
            return self._append(name, roles, self._present(name).public, by)

    def disable(self, name: str, by: Signer) -> Grant:
        """Close an account and destroy its key; what it signed before stays valid.

        Raises:
            UserRefused: there is no such account, `by` is no admin, or no admin would be left.
        """
        with self._alone():
            self._present(name)
            grant = self._append(name, (), "", by)
            self._secret_file(name).unlink(missing_ok=True)
            return grant

    def change_password(self, name: str, old: str, new: str) -> None:
        """Seal a person's key under another password; ends their sessions.

        Raises:
            UserRefused: the old password is wrong, or the new one not acceptable.
        """
        _require_password(new)
        if self.verify(name, old) is None:
            raise UserRefused(f"The password of {name} is another one; nothing was changed.")
        with self._alone():
            self._write_secret(self.signer(name), new)

    def reset(self, name: str, password: str, by: Signer) -> Grant:
        """Give a person who lost their password another one, and with it another key.

        Raises:
            UserRefused: there is no such account, `by` is no admin, or the password is not acceptable.
        """
        with self._alone():
            return self._give_key(name, self._present(name).roles, password, by)

    def _give_key(self, name: str, roles: Iterable[Role], password: str, by: Signer | None) -> Grant:
        _require_password(password)
        signer = new_signer(name)
        grant = self._append(name, roles, signer.public, signer if by is None and self.is_empty() else by)
        self._write_secret(signer, password)
        return grant

    def _append(self, name: str, roles: Iterable[Role], public: str, by: Signer | None) -> Grant:
        if by is None:
            raise UserRefused("Accounts are changed by an admin; nobody signed in. Name one with --as.")
        grants = self._grants()
        grant = Grant(name, tuple(sorted(set(roles))), public, datetime.now(UTC).isoformat(), by.name,
                      grants[-1].digest if grants else START)  # fmt: skip
        grant = replace(grant, signature=by.sign(grant.message()))
        problem = problem_of({g.name: g for g in grants}, grants[-1] if grants else None, grant)
        if problem:
            raise UserRefused(f"The account of {name} was not changed: {problem}.")
        left = {**{g.name: g for g in grants}, name: grant}
        if not any(Role.ADMIN in held.roles and held.public for held in left.values()):
            raise UserRefused(f"{name} is the last admin; make another one first.")
        with self._journal.open("ab") as stream:
            stream.write(canonical_json(asdict(grant)).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        return grant

    def _present(self, name: str) -> Grant:
        grant = self.accounts().get(name)
        if grant is None or not grant.public:
            raise UserRefused(f"{name!r} has no open account; `oi users list` shows who has.")
        return grant

    def _grants(self) -> tuple[Grant, ...]:
        try:
            return read_journal(self._journal.read_bytes())
        except FileNotFoundError:
            return ()

    def _secret_file(self, name: str) -> Path:
        return self._secrets / f"{_require_name(name)}.json"

    def _secret(self, name: str) -> dict[str, str] | None:
        try:
            found: dict[str, str] = json.loads(self._secret_file(name).read_text(encoding="utf-8"))
        except (FileNotFoundError, UserRefused):
            return None
        return found

    def _write_secret(self, signer: Signer, password: str) -> None:
        secret = {"password_hash": _hasher.hash(password), "key": sealed(signer, password)}
        write_secret(self._secret_file(signer.name), json.dumps(secret))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _require_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise UserRefused(
            f"A name is a letter or digit, then up to 63 of letters, digits and ._@+-; got {name[:80]!r}."
        )
    return name


def _require_password(password: str) -> None:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise UserRefused(
            f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters; this one has {len(password)}."
        )


def _stamp(secret: Mapping[str, str]) -> str:
    return hashlib.sha256(secret["password_hash"].encode()).hexdigest()[:16]


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return _hasher.hash(secrets.token_hex())
