"""The states of a model version and who may move it: the rules, applied when events are read.

Belongs here: states, allowed moves, four eyes, expiry, and folding a list of events into the present state.
Does not belong here: storing events (ml/io/promotions), gates (ml/core/gates).

The rules hold for reading, not only for writing: an event that breaks one is *void* whoever wrote it, and the fold says
why. A promotion is one event, which retires the champion before it by the same stroke; so is a rollback, which restores
it. There is no moment with no champion between two champions.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

SYSTEM = "system:"
GATES_ACTOR = "system:gates"
TRAINING_ACTOR = "system:training"
FIRST_VERSION_ONLY = "first_version_only"


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


@dataclass(frozen=True)
class Move:
    """A move that somebody asks for.

    Attributes:
        model, version: What moves.
        to: State to enter.
        actor: Who asks; `system:` marks a program.
        reason: Why; never empty.
        at: When, UTC.
        payload: `dossier` (SHA-256) for proposed, approved and champion; `expires_at` for approved; `automatic` for an
            approval by the gates; `restores` for rolled_back.
    """

    model: str
    version: str
    to: State
    actor: str
    reason: str
    at: datetime
    payload: Mapping[str, Any] = field(default_factory=dict)


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
    """

    model: str
    versions: Mapping[str, Version] = field(default_factory=dict)
    champions: tuple[str, ...] = ()
    void: Mapping[int, str] = field(default_factory=dict)
    had_champion: bool = False

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

    def version(self, version: str) -> Version:
        """A version; without a state if the ledger does not know it."""
        return self.versions.get(version, Version(version))


def subject_of(model: str, version: str) -> str:
    """The ledger's subject of a version, such as `late-delivery-risk/3`."""
    return f"{model}/{version}"


def fold(model: str, events: Iterable[Recorded]) -> History:
    """Apply the events of a model in order; those that break a rule are set aside as void."""
    history = History(model)
    for event in events:
        name, _, version = event.subject.rpartition("/")
        if name != model:
            continue
        try:
            move = Move(model, version, State(event.kind), event.actor, event.reason,
                        datetime.fromisoformat(event.at), event.payload)  # fmt: skip
            history = apply(history, move)
        except (MoveRefused, ValueError) as error:
            history = replace(history, void={**history.void, event.sequence: str(error)})
    return history


def apply(history: History, move: Move) -> History:
    """The history after a move.

    Raises:
        MoveRefused: the move breaks a rule.
    """
    before = history.version(move.version)
    _require_known_move(before, move)
    if move.to is State.APPROVED:
        _require_four_eyes(history, before, move)
    if move.to in (State.APPROVED, State.SHADOW, State.CHAMPION):
        _require_same_dossier(before, move)
    if move.to in (State.SHADOW, State.CHAMPION):
        _require_valid_approval(before, move)
    champions = _champions_after(history, move)
    versions = {**history.versions, move.version: _version_after(before, move)}
    for name, version in versions.items():
        if name in champions[:-1] and version.state is State.CHAMPION:
            versions[name] = replace(version, state=State.RETIRED)
    if champions:
        versions[champions[-1]] = replace(versions[champions[-1]], state=State.CHAMPION)
    return replace(
        history, versions=versions, champions=champions, had_champion=history.had_champion or bool(champions)
    )


def _require_known_move(before: Version, move: Move) -> None:
    if before.state not in MOVES[move.to]:
        allowed = ", ".join(sorted(str(state) for state in MOVES[move.to] if state)) or "nothing"
        raise MoveRefused(
            f"{move.model}/{move.version} can become {move.to} from {allowed} only; it is {before.state or 'unknown'}."
        )
    if not move.reason.strip():
        raise MoveRefused(f"Making {move.model}/{move.version} {move.to} needs a reason; state it.")
    if not move.actor.strip():
        raise MoveRefused(f"Making {move.model}/{move.version} {move.to} needs an actor; name one.")
    if move.to is State.PROPOSED and not move.payload.get("dossier"):
        raise MoveRefused(f"{move.model}/{move.version} can be proposed with a dossier only; state its SHA-256.")


def _require_four_eyes(history: History, before: Version, move: Move) -> None:
    if move.actor.startswith(SYSTEM):
        if move.actor != GATES_ACTOR or move.payload.get("automatic") != FIRST_VERSION_ONLY or history.had_champion:
            raise MoveRefused(
                f"A program may approve only as {GATES_ACTOR}, under the policy {FIRST_VERSION_ONLY}, while no "
                f"champion has ever been; {move.actor} asked for {move.model}/{move.version}. Let a person approve it."
            )
    elif move.actor in before.authors:
        raise MoveRefused(
            f"Who approves must not be who made or proposed it; {move.actor} did. Ask another person to approve "
            f"{move.model}/{move.version}."
        )
    if not move.payload.get("expires_at"):
        raise MoveRefused(f"An approval of {move.model}/{move.version} must state when it expires.")


def _require_same_dossier(before: Version, move: Move) -> None:
    if move.payload.get("dossier") != before.dossier:
        raise MoveRefused(
            f"{move.model}/{move.version} stands by dossier {before.dossier}; {move.to} names "
            f"{move.payload.get('dossier')}. Propose it anew and decide on that dossier."
        )


def _require_valid_approval(before: Version, move: Move) -> None:
    if before.approval_expires_at is None or move.at > before.approval_expires_at:
        raise MoveRefused(
            f"The approval of {move.model}/{move.version} expired at {before.approval_expires_at}; propose it anew."
        )


def _champions_after(history: History, move: Move) -> tuple[str, ...]:
    if move.to is State.CHAMPION:
        return (*(name for name in history.champions if name != move.version), move.version)
    if move.to is State.ROLLED_BACK:
        if move.version != history.champion or len(history.champions) < 2:
            raise MoveRefused(f"{move.model}/{move.version} has no champion before it to roll back to.")
        if move.payload.get("restores") != history.champions[-2]:
            raise MoveRefused(
                f"Rolling back {move.model}/{move.version} restores {history.champions[-2]}, the champion before it; "
                f"asked for {move.payload.get('restores')}."
            )
        return history.champions[:-1]
    return history.champions


def _version_after(before: Version, move: Move) -> Version:
    after = replace(before, state=move.to)
    if move.to in (State.REGISTERED, State.EVALUATED, State.PROPOSED):
        after = replace(after, authors=before.authors | {move.actor}, approved_by=None, approval_expires_at=None)
    if move.to is State.EVALUATED:
        after = replace(after, evaluated=dict(move.payload), dossier=None)
    if move.to is State.PROPOSED:
        after = replace(after, dossier=str(move.payload["dossier"]))
    if move.to is State.APPROVED:
        expires_at = datetime.fromisoformat(str(move.payload["expires_at"]))
        after = replace(after, approved_by=move.actor, approval_expires_at=expires_at)
    return after


def expiry(at: datetime, days: int) -> str:
    """When an approval given at `at` expires, ISO."""
    return (at + timedelta(days=days)).isoformat()
