"""Whether the stores of a company are in order.

Belongs here: one finding a store. Does not belong here: repairing what is found.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from workspace.ledger import open_ledger
from workspace.published import find_current, sha256_of_table
from workspace.settings import Settings
from workspace.warehouse import WarehouseBusy, warehouse_lock


@dataclass(frozen=True)
class StoreFinding:
    """One store: whether it is sound, and what was met."""

    store: str
    is_sound: bool
    finding: str

    def as_dict(self) -> dict[str, object]:
        """The finding as JSON values."""
        return asdict(self)


def store_findings(settings: Settings) -> list[StoreFinding]:
    """Findings on the interpreter, the warehouse, the published snapshot and the ledger."""
    return list(_findings(settings))


def _findings(settings: Settings) -> Iterator[StoreFinding]:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    yield StoreFinding("python", version == "3.11", f"runs on {version}; the lock is made for 3.11")
    yield _warehouse(settings)
    yield _snapshot(settings)
    yield _ledger(settings)


def _warehouse(settings: Settings) -> StoreFinding:
    if not settings.paths.warehouse.exists():
        return StoreFinding("warehouse", True, "not built yet")
    try:
        with warehouse_lock(settings.model_copy(update={"writer_wait_seconds": 0.0}), "doctor"):
            return StoreFinding("warehouse", True, f"{settings.paths.warehouse.stat().st_size / 1e6:,.1f} MB, free")
    except WarehouseBusy as busy:
        return StoreFinding("warehouse", True, str(busy))


def _snapshot(settings: Settings) -> StoreFinding:
    try:
        snapshot = find_current(settings.paths.published)
    except (OSError, json.JSONDecodeError) as error:
        return StoreFinding("published snapshot", False, f"cannot be read: {error}")
    if snapshot is None:
        return StoreFinding("published snapshot", True, "nothing published yet")
    changed = [t for t, entry in snapshot.tables.items() if sha256_of_table(snapshot.path(t)) != entry["sha256"]]
    if changed:
        return StoreFinding("published snapshot", False, f"files changed after publication: {', '.join(changed)}")
    return StoreFinding("published snapshot", True, f"{snapshot.version}, {len(snapshot.tables)} tables, digests agree")


def _ledger(settings: Settings) -> StoreFinding:
    ledger = open_ledger(settings)
    try:
        problems = ledger.verify()
        if problems:
            first = problems[0]
            return StoreFinding("ledger", False, f"event {first.sequence} {first.problem} ({len(problems)} findings)")
        return StoreFinding("ledger", True, f"{len(ledger.events())} events, chain whole")
    finally:
        ledger.close()
