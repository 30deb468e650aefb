"""The promotion ledger: the stream `promotions` of the append-only ledger, read and written by the rules of promotion.

Belongs here: appending moves, the present history, dossiers by digest. Does not belong here: the rules themselves
(ml/core/promotion), the alias (ml/io/registry), which is only a projection of this.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ml.core.promotion import History, Move, MoveRefused, State, apply, fold, subject_of
from workspace.files import canonical_json, sha256_of_json, write_atomically
from workspace.ledger import Event, Finding, Ledger

STREAM = "promotions"


class DossierBroken(RuntimeError):
    """A dossier is absent or is not the one that was signed."""


class PromotionLedger:
    """Moves of model versions at a ledger's URL, and the dossiers that they name."""

    def __init__(self, url: str, dossiers: Path) -> None:
        self._ledger = Ledger(url)
        self._dossiers = dossiers

    def history(self, model: str) -> History:
        """What the events of a model add up to."""
        return fold(model, self._ledger.events(stream=STREAM))

    def events(self, model: str, version: str | None = None) -> list[Event]:
        """Events of a model or of one version, in order."""
        events = self._ledger.events(stream=STREAM, subject=subject_of(model, version) if version else None)
        return [event for event in events if event.subject.rpartition("/")[0] == model]

    def move(self, model: str, version: str, to: State, actor: str, reason: str,
             payload: Mapping[str, Any] | None = None) -> Event:  # fmt: skip
        """Record a move.

        Raises:
            MoveRefused: the move breaks a rule, or another writer was faster and it does so now.
        """
        move = self.require(model, version, to, actor, reason, payload)
        event = self._ledger.append(STREAM, to.value, subject_of(model, version), actor, reason, move.payload)
        void = self.history(model).void.get(event.sequence)
        if void:
            raise MoveRefused(f"Another writer was faster; the event {event.sequence} is void: {void}")
        return event

    def require(self, model: str, version: str, to: State, actor: str, reason: str,
                payload: Mapping[str, Any] | None = None) -> Move:  # fmt: skip
        """The move, if the rules allow it now; records nothing.

        Raises:
            MoveRefused: the move breaks a rule.
        """
        move = Move(model, version, to, actor, reason, datetime.now(UTC), dict(payload or {}))
        apply(self.history(model), move)
        return move

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

    def verify(self) -> list[Finding]:
        """Where the chain of the whole ledger does not hold."""
        return self._ledger.verify()

    def close(self) -> None:
        """Let go of all connections."""
        self._ledger.close()
