"""The promotion ledger: the stream `promotions` of the append-only ledger, read and written by the rules of promotion.

Belongs here: appending moves, the present history, dossiers by digest. Does not belong here: the rules themselves
(ml/core/promotion), the alias (ml/io/registry), which is only a projection of this.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ml.core.lifecycle import ROLES, History, Move, MoveRefused, State, subject_of
from ml.core.promotion import apply, fold
from workspace.files import canonical_json, sha256_of_json, write_atomically
from workspace.kept_head import Head
from workspace.keys import Signer
from workspace.ledger import Finding, Ledger, open_ledger
from workspace.links import Event
from workspace.settings import Settings
from workspace.users import Users

STREAM = "promotions"
#: What was asked for and refused. No rule reads it.
REFUSALS = "refusals"
#: What does not hold any more, and when it held again. No rule reads it.
ALARMS = "alarms"
WATCH_ACTOR = "system:watch"


class DossierBroken(RuntimeError):
    """A dossier is absent or is not the one that was signed."""


class PromotionLedger:
    """Moves of model versions in a ledger, and the dossiers that they name."""

    def __init__(self, ledger: Ledger, users: Users, dossiers: Path) -> None:
        self._ledger = ledger
        self._users = users
        self._dossiers = dossiers

    def history(self, model: str) -> History:
        """What the events of a model add up to."""
        return fold(model, self._ledger.events(stream=STREAM))

    def events(self, model: str, version: str | None = None) -> list[Event]:
        """Events of a model or of one version, in order."""
        events = self._ledger.events(stream=STREAM, subject=subject_of(model, version) if version else None)
        return [event for event in events if event.subject.rpartition("/")[0] == model]

    def move(self, model: str, version: str, to: State | str, actor: str | Signer, reason: str,
             payload: Mapping[str, Any] | None = None) -> Event:  # fmt: skip
        """Record a move, or that it was refused.

        Args:
            model: Which model.
            version: Which version of it moves.
            to: State to enter, or `CONFIRMED`.
            actor: A person with their key, or the name of a program.
            reason: Why.
            payload: As in `ml.core.lifecycle.Move`.

        Raises:
            MoveRefused: the move breaks a rule, or another writer was faster and it does so now.
        """
        move = self.require(model, version, to, actor, reason, payload)
        event = self._ledger.append(STREAM, str(to), subject_of(model, version), actor, reason, move.payload)
        void = self.history(model).void.get(event.sequence)
        if void:
            raise MoveRefused(f"The event {event.sequence} is void, because another writer was faster: {void}")
        return event

    def require(self, model: str, version: str, to: State | str, actor: str | Signer, reason: str,
                payload: Mapping[str, Any] | None = None) -> Move:  # fmt: skip
        """The move, if the rules allow it now.

        Raises:
            MoveRefused: the move breaks a rule; the ledger keeps that it was asked for.
        """
        now, name = datetime.now(UTC), name_of(actor)
        identities = self._users.identities()
        roles = identities.roles_at(name, now.isoformat())
        move = Move(model, version, to, name, reason, now, dict(payload or {}), roles, isinstance(actor, Signer))
        with self.refusals_kept(model, version, str(to), name):
            flaw = identities.key_problem(name, actor.public, now.isoformat()) if isinstance(actor, Signer) else ""
            if flaw:
                raise MoveRefused(f"What {name} asked for {flaw}; sign in anew.")
            apply(self.history(model), move)
        return move

    def require_role(self, model: str, to: State, person: Signer) -> None:
        """Refuse somebody who holds no role that this state takes, before anything is made for them.

        Raises:
            MoveRefused: they hold none; the ledger keeps that they asked.
        """
        with self.refusals_kept(model, "", to, person.name):
            held = self._users.identities().roles_at(person.name, datetime.now(UTC).isoformat())
            if not ROLES[to] & held:
                raise MoveRefused(
                    f"{person.name} may not make a version of {model}: it takes {' or '.join(ROLES[to])}."
                )

    @contextmanager
    def refusals_kept(self, model: str, version: str, asked: str, actor: str) -> Iterator[None]:
        """Whatever refuses what is done in here is recorded with its rule, and raised on."""
        try:
            yield
        except Exception as error:
            if not getattr(error, "is_recorded", False) and type(error).__module__.split(".")[0] in ("ml", "workspace"):
                self._ledger.append(REFUSALS, asked[:64], subject_of(model, version)[:256], actor[:128],
                                    str(error), {"rule": type(error).__name__})  # fmt: skip
                error.is_recorded = True  # type: ignore[attr-defined]
            raise

    def record_alarm(self, model: str, problems: Sequence[str]) -> Event | None:
        """Enter what does not hold, or that all holds again; None if that is what was entered last."""
        known = self._ledger.events(stream=ALARMS, subject=model)
        if list(problems) == (known[-1].payload["problems"] if known else []):
            return None
        kind, reason = ("raised", "; ".join(problems)) if problems else ("cleared", "everything holds again")
        return self._ledger.append(ALARMS, kind, model, WATCH_ACTOR, reason, {"problems": list(problems)})

    def save_dossier(self, dossier: Mapping[str, Any]) -> str:
        """Store a dossier under its SHA-256, which is what people decide on; returns it."""
        digest = sha256_of_json(dossier)
        write_atomically(self._dossiers / f"{digest}.json", canonical_json(dossier))
        return digest

    def dossier(self, digest: str) -> dict[str, Any]:
        """The dossier with this SHA-256.

        Raises:
            DossierBroken: it is absent, or its content has another digest.
        """
        path = self._dossiers / f"{digest}.json"
        if not (len(digest) == 64 and digest.isalnum() and path.is_file()):
            raise DossierBroken(f"There is no dossier {digest} in {self._dossiers}. Restore it from a copy of reports.")
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if sha256_of_json(found) != digest:
            raise DossierBroken(f"Dossier {digest} was changed after it was signed. Restore it from a copy of reports.")
        return found

    def newest(self) -> Head | None:
        """The newest link of the whole ledger."""
        return self._ledger.newest()

    def excerpt(self, model: str, version: str) -> dict[str, Any]:
        """A version's events, and the links from the first of them to the head, which prove their places."""
        subject = subject_of(model, version)
        events = self._ledger.events(stream=STREAM, subject=subject)
        links = self._ledger.links(events[0].sequence) if events else []
        bodies = [
            {"sequence": event.sequence, "kind": event.kind, "subject": event.subject, "actor": event.actor,
             "at": event.at, "reason": event.reason, "payload": canonical_json(event.payload), "flaw": event.flaw,
             "is_own": event.is_own, "roles": sorted(event.roles)}
            for event in events
        ]  # fmt: skip
        head = {name: links[-1][name] for name in ("sequence", "hash", "signature")} if links else {}
        return {"subject": subject, "events": bodies, "links": links, "head": head}

    def verify(self) -> list[Finding]:
        """Where the chain of the whole ledger does not hold."""
        return self._ledger.verify()

    def close(self) -> None:
        """Let go of all connections."""
        self._ledger.close()


def open_promotions(settings: Settings) -> PromotionLedger:
    """The promotion ledger of the company that `settings` work on."""
    users = Users(settings.home)
    return PromotionLedger(open_ledger(settings, users), users, settings.paths.reports / "dossiers")


def name_of(actor: str | Signer) -> str:
    """The name that the ledger holds for an actor."""
    return actor.name if isinstance(actor, Signer) else actor
