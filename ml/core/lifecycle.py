"""What a version under promotion is: its states, who may move it where, the moves asked for, what they add up to.

Belongs here: states, allowed moves, roles, and the values that the rules work on. Does not belong here: the rules
themselves (ml/core/promotion), storing events (ml/io/promotions).

A version is of a model or of a policy: the same states, roles and events carry both.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

SYSTEM = "system:"
GATES_ACTOR = "system:gates"
TRAINING_ACTOR = "system:training"
FIRST_VERSION_ONLY = "first_version_only"
#: The kind of an event that confirms a duty. It moves no version.
CONFIRMED = "confirmed"
OPERATOR, ML_ENGINEER, REVIEWER = "operator", "ml_engineer", "reviewer"


class State(StrEnum):
    """Where a version stands."""

    REGISTERED = "registered"
    EVALUATED = "evaluated"
    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"
    SHADOW = "shadow"
    CHAMPION = "champion"
    RETIRED = "retired"
    ROLLED_BACK = "rolled_back"


#: State to enter → states that it may be entered from. `retired` is never entered by an event of its own.
MOVES: Mapping[State, frozenset[State | None]] = {
    State.REGISTERED: frozenset({None}),
    State.EVALUATED: frozenset({State.REGISTERED, State.EVALUATED, State.PROPOSED, State.APPROVED}),
    State.PROPOSED: frozenset({State.EVALUATED, State.PROPOSED, State.APPROVED}),
    State.APPROVED: frozenset({State.PROPOSED}),
    State.REJECTED: frozenset({State.EVALUATED, State.PROPOSED, State.APPROVED, State.SHADOW}),
    State.SHADOW: frozenset({State.APPROVED}),
    State.CHAMPION: frozenset({State.APPROVED, State.SHADOW}),
    State.ROLLED_BACK: frozenset({State.CHAMPION}),
    State.RETIRED: frozenset(),
}


#: State to enter → roles of which a person must hold one. What is missing here is for programs only.
ROLES: Mapping[str, frozenset[str]] = {
    State.PROPOSED: frozenset({ML_ENGINEER, REVIEWER}),
    State.APPROVED: frozenset({REVIEWER}),
    State.REJECTED: frozenset({REVIEWER}),
    State.SHADOW: frozenset({ML_ENGINEER, REVIEWER}),
    State.CHAMPION: frozenset({ML_ENGINEER, REVIEWER}),
    State.ROLLED_BACK: frozenset({OPERATOR, ML_ENGINEER, REVIEWER}),
    CONFIRMED: frozenset({REVIEWER}),
}


class MoveRefused(RuntimeError):
    """A move breaks a rule of promotion; the message says which, and what to do."""


class Recorded(Protocol):
    """What the fold needs of a ledger event."""

    @property
    def sequence(self) -> int:
        """Place in the ledger, from 1."""

    @property
    def kind(self) -> str:
        """State entered."""

    @property
    def subject(self) -> str:
        """`<model>/<version>`."""

    @property
    def actor(self) -> str:
        """Who did it."""

    @property
    def at(self) -> str:
        """ISO time, UTC."""

    @property
    def reason(self) -> str:
        """Why."""

    @property
    def payload(self) -> Mapping[str, Any]:
        """As in `Move`."""

    @property
    def flaw(self) -> str:
        """Why the event is not to be believed; empty if it is sound."""

    @property
    def is_own(self) -> bool:
        """Whether the actor signed it with their own key."""

    @property
    def roles(self) -> Set[str]:
        """Roles that the actor held then."""


@dataclass(frozen=True)
class Move:
    """A move that somebody asks for.

    Attributes:
        model, version: What moves.
        to: State to enter, or `CONFIRMED`.
        actor: Who asks; `system:` marks a program.
        reason: Why; never empty.
        at: When, UTC.
        payload: `dossier` (SHA-256) for proposed, approved and champion; `expires_at` for approved; `automatic` for an
            approval by the gates; `condition` and `due_at` for an approval under a condition; `restores` and `due_at`
            for rolled_back; `made_by` for what a program registers for a person, who counts as its author.
        roles: Roles that the actor holds; none for a program.
        is_own: Whether the actor signs with their own key; a program does with the platform's.
    """

    model: str
    version: str
    to: State | str
    actor: str
    reason: str
    at: datetime
    payload: Mapping[str, Any] = field(default_factory=dict)
    roles: Set[str] = frozenset()
    is_own: bool = False


@dataclass(frozen=True)
class Duty:
    """What somebody else must confirm about a version, and by when.

    Attributes:
        version: Which version.
        what: `rollback` or `condition`.
        text: The reason of the rollback, or the condition.
        by: Who left it; they cannot confirm it.
        due_at: When it becomes overdue, UTC.
    """

    version: str
    what: str
    text: str
    by: str
    due_at: datetime


@dataclass(frozen=True)
class Version:
    """A version as the ledger knows it."""

    version: str
    state: State | None = None
    authors: frozenset[str] = frozenset()
    dossier: str | None = None
    approved_by: str | None = None
    approval_expires_at: datetime | None = None
    evaluated: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class History:
    """What the events of one model add up to.

    Attributes:
        model: Registered model.
        versions: Version → where it stands.
        champions: Versions that are or were champion and may be rolled back to, oldest first; the last one is champion.
        void: Sequence of each event that broke a rule → why.
        duties: What waits to be confirmed, oldest first.
    """

    model: str
    versions: Mapping[str, Version] = field(default_factory=dict)
    champions: tuple[str, ...] = ()
    void: Mapping[int, str] = field(default_factory=dict)
    had_champion: bool = False
    duties: tuple[Duty, ...] = ()

    @property
    def champion(self) -> str | None:
        """The champion's version."""
        return self.champions[-1] if self.champions else None

    @property
    def challenger(self) -> str | None:
        """The newest version that waits for a decision or is in shadow."""
        waiting = (State.PROPOSED, State.APPROVED, State.SHADOW)
        open_versions = [name for name, version in self.versions.items() if version.state in waiting]
        return max(open_versions, key=int) if open_versions else None

    def overdue(self, now: datetime) -> tuple[Duty, ...]:
        """Duties whose time has passed."""
        return tuple(duty for duty in self.duties if duty.due_at < now)

    def version(self, version: str) -> Version:
        """A version; without a state if the ledger does not know it."""
        return self.versions.get(version, Version(version))


def subject_of(model: str, version: str) -> str:
    """The ledger's subject of a version, such as `late-delivery-risk/3`."""
    return f"{model}/{version}"


def expiry(at: datetime, days: float) -> str:
    """When something that begins at `at` and holds for some days ends, ISO."""
    return (at + timedelta(days=days)).isoformat()
