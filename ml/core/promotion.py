"""The rules of promotion: who may move a version where, applied when events are read.

Belongs here: four eyes, expiry, duties, and folding a list of events into the present state. Does not belong here: the
states and values (ml/core/lifecycle), storing events (ml/io/promotions), gates (ml/core/gates).

The rules hold for reading, not only for writing: an event that breaks one is *void* whoever wrote it, and the fold says
why. A promotion is one event, which retires the champion before it by the same stroke; so is a rollback, which restores
it. There is no moment with no champion between two champions.

Some moves leave a *duty* with a time limit: one person may roll back alone, and another must confirm it afterwards; an
approval may be given under a condition, which somebody must confirm as met. A duty that is overdue raises the alarm.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from ml.core.lifecycle import (
    CONFIRMED,
    FIRST_VERSION_ONLY,
    GATES_ACTOR,
    MOVES,
    ROLES,
    SYSTEM,
    Duty,
    History,
    Move,
    MoveRefused,
    Recorded,
    State,
    Version,
)  # fmt: skip


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
        made_by = {str(move.payload["made_by"])} if move.payload.get("made_by") else set()
        authors = before.authors | {move.actor} | made_by
        after = replace(after, authors=authors, approved_by=None, approval_expires_at=None)
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
