"""Whether each source brought something new in the time that its manifest says it should.

Belongs here: the age of what an input brought last. Does not belong here: the age of rows (the landing suite's own
checks learn that), and telling somebody (orchestration).
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from sources.history import landing_history
from sources.manifest import Adapter, NoAdapter, load_adapter
from sources.record import LandingReport
from workspace.settings import Settings


@dataclass(frozen=True)
class Freshness:
    """One input with a policy.

    Attributes:
        adapter, input: Which.
        tables: Tables of the contract whose rows come from it.
        due_hours: Hours after which something new is overdue.
        newest_at: UTC time of the landing that first met its newest content; None if it never brought any.
        age_hours: Hours since then.
    """

    adapter: str
    input: str
    tables: tuple[str, ...]
    due_hours: float
    newest_at: datetime | None
    age_hours: float | None

    @property
    def is_overdue(self) -> bool:
        """Whether something new should have come by now."""
        return self.age_hours is None or self.age_hours > self.due_hours


def source_freshness(settings: Settings, now: datetime | None = None) -> list[Freshness]:
    """Every input with a policy of the adapters that the company landed with.

    An adapter that was moved or removed since has no policy any more.

    Raises:
        AdapterError: an adapter's manifest or SQL does not hold together.
    """
    history = landing_history(settings)
    places = {report.adapter: report.adapter_folder for report in history if report.status != "replayed"}
    adapters = []
    for name, folder in places.items():
        with suppress(NoAdapter):
            adapters.append(load_adapter(folder or name))
    return freshness_of(adapters, history, now or datetime.now(UTC))


def freshness_of(
    adapters: Iterable[Adapter], history: Sequence[LandingReport], now: datetime
) -> list[Freshness]:  # fmt: skip
    """Every input with a policy, in the manifests' order.

    Args:
        adapters: The adapters.
        history: Landings of the company, oldest first.
        now: With zone.
    """
    found = []
    for adapter in adapters:
        newest = _newest_by_input([r for r in history if r.adapter == adapter.name and r.status == "landed"])
        for name, hours in adapter.manifest.due_hours.items():
            at = newest.get(name)
            age = (now - at).total_seconds() / 3600 if at else None
            tables = tuple(t for t, mapping in adapter.manifest.tables.items() if name in mapping.inputs)
            found.append(Freshness(adapter.name, name, tables, hours, at, age))
    return found


def _newest_by_input(landings: Sequence[LandingReport]) -> dict[str, datetime]:
    """Input → start of the last landing that read bytes of it which none had read before."""
    seen: set[tuple[str, str]] = set()
    newest: dict[str, datetime] = {}
    for report in landings:
        for file in report.files:
            if (file.logical, file.sha256) not in seen:
                seen.add((file.logical, file.sha256))
                newest[file.logical] = datetime.fromisoformat(report.started_at)
    return newest
