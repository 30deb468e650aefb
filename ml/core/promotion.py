"""The states of a model version and who may move it: the rules, applied when events are read.

Belongs here: states, allowed moves, roles, four eyes, expiry, and folding a list of events into the present state.
Does not belong here: storing events (ml/io/promotions), gates (ml/core/gates), signatures (workspace/ledger).

The rules hold for reading, not only for writing: an event that breaks one is *void* whoever wrote it, and the fold says
why. A promotion is one event, which retires the champion before it by the same stroke; so is a rollback, which restores
it. There is no moment with no champion between two champions.

Some moves leave a *duty* with a time limit: one person may roll back alone, and another must confirm it afterwards; an
approval may be given under a condition, which somebody must confirm as met. A duty that is overdue raises the alarm.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
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
            for rolled_back.
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


def fold(model: str, events: Iterable[Recorded]) -> History:
    """Apply the events of a model in order; those that break a rule are set aside as void."""
    history = History(model)
    for event in events:
        name, _, version = event.subject.rpartition("/")
        if name != model:
            continue
        try:
            if event.flaw:
                raise MoveRefused(f"it {event.flaw}")
            to = event.kind if event.kind == CONFIRMED else State(event.kind)
            move = Move(model, version, to, event.actor, event.reason, datetime.fromisoformat(event.at), event.payload,
                        event.roles, event.is_own)  # fmt: skip
            history = apply(history, move)
        except (MoveRefused, ValueError) as error:
            history = replace(history, void={**history.void, event.sequence: str(error)})
    return history


def apply(history: History, move: Move) -> History:
    """The history after a move or a confirmation.

    Raises:
        MoveRefused: the move breaks a rule.
    """
    before = history.version(move.version)
    _require_words(move)
    _require_authority(move)
    if not isinstance(move.to, State):
        return replace(history, duties=_duties_without(history, move))
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
        history, versions=versions, champions=champions, had_champion=history.had_champion or bool(champions),
        duties=(*_duties_kept(history, move), *_duties_left(move)),
    )  # fmt: skip


def _require_words(move: Move) -> None:
    if not move.reason.strip():
        raise MoveRefused(f"Making {move.model}/{move.version} {move.to} needs a reason; state it.")
    if not move.actor.strip():
        raise MoveRefused(f"Making {move.model}/{move.version} {move.to} needs an actor; name one.")


def _require_authority(move: Move) -> None:
    """A program is believed for what the rules let programs do; a person must hold a role and sign themselves."""
    if move.actor.startswith(SYSTEM):
        return
    wanted = ROLES.get(move.to, frozenset())
    if not wanted & set(move.roles):
        takes = " or ".join(sorted(wanted)) or "of a program"
        raise MoveRefused(
            f"{move.actor} may not make {move.model}/{move.version} {move.to}: it takes a person with the role "
            f"{takes}, and {move.actor} is {', '.join(sorted(move.roles)) or 'none'}."
        )
    if not move.is_own:
        raise MoveRefused(
            f"Making {move.model}/{move.version} {move.to} takes the signature of {move.actor}; let them sign in."
        )


def _require_known_move(before: Version, move: Move) -> None:
    may_come_from = MOVES[State(move.to)]
    if before.state not in may_come_from:
        allowed = ", ".join(sorted(str(state) for state in may_come_from if state)) or "nothing"
        raise MoveRefused(
            f"{move.model}/{move.version} can become {move.to} from {allowed} only; it is {before.state or 'unknown'}."
        )
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
    if bool(move.payload.get("condition")) is not bool(move.payload.get("due_at")):
        raise MoveRefused(f"A condition on {move.model}/{move.version} must state what is to be met and by when.")


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
        if not move.payload.get("due_at"):
            raise MoveRefused(
                f"Rolling back {move.model}/{move.version} must state by when another person confirms it."
            )
        return history.champions[:-1]
    return history.champions


def _version_after(before: Version, move: Move) -> Version:
    after = replace(before, state=State(move.to))
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


def _duties_without(history: History, move: Move) -> tuple[Duty, ...]:
    own = [duty for duty in history.duties if duty.version == move.version]
    if not own:
        raise MoveRefused(f"Nothing about {move.model}/{move.version} waits to be confirmed.")
    if own[0].by == move.actor or move.actor in history.version(move.version).authors - {own[0].by}:
        raise MoveRefused(
            f"Who confirms must be neither who left the duty nor who made or proposed {move.model}/{move.version}; "
            f"{move.actor} did. Ask another reviewer."
        )
    return tuple(duty for duty in history.duties if duty is not own[0])


def _duties_kept(history: History, move: Move) -> tuple[Duty, ...]:
    """A condition ends with the approval that it hung on; a rollback stays to be confirmed."""
    ends = move.to not in (State.CHAMPION, State.SHADOW)
    return tuple(d for d in history.duties if d.version != move.version or d.what == "rollback" or not ends)


def _duties_left(move: Move) -> tuple[Duty, ...]:
    if move.to is State.ROLLED_BACK:
        what, text = "rollback", move.reason
    elif move.to is State.APPROVED and move.payload.get("condition"):
        what, text = "condition", str(move.payload["condition"])
    else:
        return ()
    return (Duty(move.version, what, text, move.actor, datetime.fromisoformat(str(move.payload["due_at"]))),)


def expiry(at: datetime, days: float) -> str:
    """When something that begins at `at` and holds for some days ends, ISO."""
    return (at + timedelta(days=days)).isoformat()
