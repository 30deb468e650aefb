"""What the console needs to know of people, and of the store that keeps them.

Belongs here: roles, and the protocol of the store. Does not belong here: the store, or its passwords.
"""

from collections.abc import Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Role(StrEnum):
    """What a person may do. Roles do not imply each other, except that every role may look."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ML_ENGINEER = "ml_engineer"
    REVIEWER = "reviewer"
    ADMIN = "admin"


@dataclass(frozen=True)
class Person:
    """Somebody with an account.

    Attributes:
        name: The name that the ledger holds.
        roles: What they may do.
        stamp: Changes with the password and ends sessions that began before.
    """

    name: str
    roles: Set[Role]
    stamp: str


class People(Protocol):
    """The store of people. Finds only those whose account is open."""

    def is_empty(self) -> bool:
        """Whether nobody has an account yet."""

    def find(self, name: str) -> Person | None:
        """The person of this name."""

    def verify(self, name: str, password: str) -> Person | None:
        """The person of this name, if the password is theirs. Takes as long for a name that does not exist."""


class Nobody:
    """A store without anybody: the console can be looked at, and no more."""

    def is_empty(self) -> bool:
        """True."""
        return True

    def find(self, name: str) -> Person | None:
        """None."""

    def verify(self, name: str, password: str) -> Person | None:
        """None."""
