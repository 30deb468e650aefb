"""What the console needs to know of people, and of the store that keeps them.

Belongs here: the protocol of the store. Does not belong here: the store, its passwords and roles (`workspace.users`).
"""

from typing import Protocol

from workspace.grants import Role as Role
from workspace.keys import Signer
from workspace.users import Person as Person


class People(Protocol):
    """The store of people. Finds only those whose account is open."""

    def is_empty(self) -> bool:
        """Whether nobody has an account yet."""

    def find(self, name: str) -> Person | None:
        """The person of this name."""

    def verify(self, name: str, password: str) -> Person | None:
        """The person of this name, if the password is theirs. Takes as long for a name that does not exist."""

    def signer(self, name: str) -> Signer:
        """The key of a person who gave their password to this process.

        Raises:
            UserRefused: they did not, or the account was closed or its password changed since.
        """

    def is_opened(self, name: str) -> bool:
        """Whether a person gave their password to this process, so that they can sign."""
