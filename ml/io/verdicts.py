"""The stewards' ledger: the stream `master_data` of the append-only ledger.

Belongs here: appending verdicts and what matching changed, reading both. Does not belong here: which verdicts fit
together (ml/core/matching/verdicts).
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from ml.core.matching.verdicts import VerdictRefused, Verdicts, fold, give, ordered
from workspace.keys import Signer
from workspace.ledger import Ledger, open_ledger
from workspace.links import Event
from workspace.settings import Settings

STREAM = "master_data"
#: Kind of the event that a run of matching leaves when ids were merged or split.
IDS_CHANGED = "ids_changed"
MATCHER = "system:matching"


class VerdictLedger:
    """Verdicts on pairs of records, in a ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def events(self, entity: str) -> list[Event]:
        """Everything that was decided and changed about an entity, oldest first."""
        return [event for event in self._ledger.events(stream=STREAM) if event.payload.get("entity") == entity]

    def verdicts(self, entity: str) -> Verdicts:
        """The verdicts that hold."""
        return fold(_decision(event) for event in self.events(entity) if event.kind != IDS_CHANGED)

    def give(self, entity: str, verdict: str, left: str, right: str, actor: Signer | str, reason: str) -> Event:
        """Enter a verdict; `actor` is the person with their key, or the name of a program.

        Raises:
            VerdictRefused: it contradicts others, or another writer was faster and it does so now.
        """
        give(self.verdicts(entity), verdict, left, right)
        pair = ordered(left, right)
        payload = {"entity": entity, "left": pair[0], "right": pair[1]}
        event = self._ledger.append(STREAM, verdict, subject_of(entity, *pair), actor, reason, payload)
        void = self.verdicts(entity).void.get(event.sequence)
        if void:
            raise VerdictRefused(f"Another writer was faster; the event {event.sequence} is void: {void}")
        return event

    def note_changes(self, entity: str, run: str, changes: Sequence[Mapping[str, Any]], digest: str) -> Event:
        """Enter that a run changed ids; the rows themselves lie in `identity_changes`, bound by their digest."""
        counts = {kind: sum(change["kind"] == kind for change in changes) for kind in ("merged", "split")}
        return self._ledger.append(
            STREAM, IDS_CHANGED, f"{entity}/{run}", MATCHER, "records changed, or a steward decided",
            {"entity": entity, "run": run, "sha256": digest, **counts},
        )  # fmt: skip

    def close(self) -> None:
        """Let go of all connections."""
        self._ledger.close()


def subject_of(entity: str, left: str, right: str) -> str:
    """Subject of the events about a pair: codes may be longer than a subject is, so it is a digest."""
    return f"{entity}/{hashlib.sha256(f'{left} {right}'.encode()).hexdigest()[:24]}"


def _decision(event: Event) -> dict[str, object]:
    return {"sequence": event.sequence, "verdict": event.kind,
            "left": event.payload["left"], "right": event.payload["right"]}  # fmt: skip


def open_verdicts(settings: Settings) -> VerdictLedger:
    """The stewards' ledger of the company."""
    return VerdictLedger(open_ledger(settings))
