"""Grants: who holds which roles and which public key from when on, as a journal that admins sign.

Belongs here: roles, the journal's lines and the rule that each must keep. Does not belong here: passwords, keys and
changing anything (`workspace.users`).

Each line is chained to the one before it and signed by a person who was an admin by then; the first line is the first
admin's own. A line added by hand gives nobody a role, and an old event is judged by what held when it was written.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from workspace.files import canonical_json, sha256_of_json
from workspace.keys import is_signed

START = "0" * 64


class UsersTampered(RuntimeError):
    """The journal of grants was changed by something other than `oi users`."""


class Role(StrEnum):
    """What a person may do. Roles do not imply each other, except that every role may look."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ML_ENGINEER = "ml_engineer"
    REVIEWER = "reviewer"
    ADMIN = "admin"


@dataclass(frozen=True)
class Grant:
    """One line of the journal: what a person holds from `at` on.

    Attributes:
        name: Who holds it.
        roles: Their roles.
        public: Public half of their key in hex; empty closes the account.
        at: ISO time, UTC.
        by: The admin who gave it.
        previous: SHA-256 of the line before it.
        signature: Of all that, by the admin's key.
    """

    name: str
    roles: tuple[Role, ...]
    public: str
    at: str
    by: str
    previous: str
    signature: str = ""

    def message(self) -> bytes:
        """What the admin signs."""
        return canonical_json({k: v for k, v in asdict(self).items() if k != "signature"}).encode()

    @property
    def digest(self) -> str:
        """SHA-256 of the whole line, which the next one names."""
        return sha256_of_json(asdict(self))


@dataclass(frozen=True)
class Identities:
    """Who may sign for whom, as the user store says at one moment.

    Attributes:
        service: Public half of the platform's key.
        grants: Name → what that person held, oldest first.
    """

    service: str
    grants: Mapping[str, tuple[Grant, ...]]

    def holding(self, name: str, at: str) -> Grant | None:
        """What a person held at an ISO time; None before they had an account."""
        moment = datetime.fromisoformat(at)
        return next((g for g in reversed(self.grants.get(name, ())) if datetime.fromisoformat(g.at) <= moment), None)

    def roles_at(self, name: str, at: str) -> frozenset[Role]:
        """Roles that a person held at an ISO time."""
        held = self.holding(name, at)
        return frozenset(held.roles) if held else frozenset()

    def key_problem(self, name: str, public: str, at: str) -> str:
        """Why a key may not sign for this name at this ISO time; empty if it may."""
        if public == self.service:
            return ""
        held = self.holding(name, at)
        if held is None or held.public != public:
            return f"is signed with a key that {name} did not hold then"
        return ""


@lru_cache(maxsize=16)
def read_journal(content: bytes) -> tuple[Grant, ...]:
    """The grants of a journal's text, oldest first.

    Raises:
        UsersTampered: a line is no grant, or breaks the rule of `problem_of`.
    """
    grants: list[Grant] = []
    present: dict[str, Grant] = {}
    for number, line in enumerate(content.splitlines(), start=1):
        try:
            value = json.loads(line)
            grant = Grant(**{**value, "roles": tuple(Role(role) for role in value["roles"])})
        except (ValueError, TypeError, KeyError) as error:
            raise UsersTampered(f"Line {number} of users.jsonl is no grant; restore the file from a copy.") from error
        problem = problem_of(present, grants[-1] if grants else None, grant)
        if problem:
            raise UsersTampered(f"Line {number} of users.jsonl does not hold: {problem}. Restore the file from a copy.")
        grants.append(grant)
        present[grant.name] = grant
    return tuple(grants)


def problem_of(present: Mapping[str, Grant], last: Grant | None, grant: Grant) -> str:
    """Why a grant may not follow the journal so far; empty if it may."""
    if grant.previous != (last.digest if last else START):
        return "it does not follow the grant before it"
    if last is None:
        if grant.by != grant.name or Role.ADMIN not in grant.roles:
            return f"the first account must be an admin's, and {grant.name} is none"
        admin = grant
    elif grant.by not in present or Role.ADMIN not in present[grant.by].roles or not present[grant.by].public:
        return f"accounts are changed by an admin, and {grant.by} is none"
    else:
        admin = present[grant.by]
    if not is_signed(admin.public, grant.signature, grant.message()):
        return f"it is not signed with the key of {grant.by}"
    return ""
