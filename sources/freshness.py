"""Whether each source brought something new in the time that its manifest says it should.

Belongs here: the age of what an input brought last. Does not belong here: the age of rows (the landing suite's own
checks learn that), and telling somebody (orchestration, dashboards).
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from sources.history import landing_history
from sources.manifest import Adapter, NoAdapter, load_adapter
from sources.record import LandingReport
from workspace.settings import Settings

State = Literal["on_time", "overdue", "unpromised"]


@dataclass(frozen=True)
class Arrival:
    """The landing that first met an input's newest content: its UTC time, and the last of the new files by name."""

    at: datetime
    file: str


@dataclass(frozen=True)
class Freshness:
    """How fresh one input is.

    Attributes:
        adapter, input: Which.
        place: Where it comes from: a glob, or the table or resource that is asked for.
        tables: Tables of the contract whose rows come from it.
        due_hours: Hours after which something new is overdue; None where nothing is promised.
        newest: Its newest content; None if it never brought any.
        age_hours: Hours since then.
        refused_at: UTC time of the adapter's last landing, where that was refused: what is new may lie there, unread.
    """

    adapter: str
    input: str
    place: str
    tables: tuple[str, ...]
    due_hours: float | None
    newest: Arrival | None
    age_hours: float | None
    refused_at: datetime | None

    @property
    def due_at(self) -> datetime | None:
        """UTC time by which something new should have come; None where nothing is promised or nothing ever came."""
        return self.newest.at + timedelta(hours=self.due_hours) if self.newest and self.due_hours else None

    @property
    def state(self) -> State:
        """Whether something new should have come by now. What never came is overdue."""
        if self.due_hours is None:
            return "unpromised"
        return "overdue" if self.age_hours is None or self.age_hours > self.due_hours else "on_time"

    @property
    def is_overdue(self) -> bool:
        """Whether something new should have come by now."""
        return self.state == "overdue"


def known_adapters(settings: Settings) -> list[Adapter]:
    """The adapters that the company landed with, as they are now.

    An adapter that was moved or removed since has no policy any more.

    Raises:
        AdapterError: an adapter's manifest or SQL does not hold together.
    """
    history = [report for report in landing_history(settings) if report.status != "replayed"]
    adapters = []
    for name, folder in {report.adapter: report.adapter_folder for report in history}.items():
        with suppress(NoAdapter):
            adapters.append(load_adapter(folder or name))
    return adapters


def source_freshness(settings: Settings, now: datetime | None = None) -> list[Freshness]:
    """Every input of the adapters that the company landed with.

    Raises:
        AdapterError: an adapter's manifest or SQL does not hold together.
    """
    return freshness_of(known_adapters(settings), landing_history(settings), now or datetime.now(UTC))


def freshness_of(
    adapters: Iterable[Adapter], history: Sequence[LandingReport], now: datetime
) -> list[Freshness]:  # fmt: skip
    """Every input, in the manifests' order.

    Args:
        adapters: The adapters.
        history: Landings of the company, oldest first.
        now: With zone.
    """
    found = []
    for adapter in adapters:
        landings = [r for r in history if r.adapter == adapter.name and r.status != "replayed"]
        newest = _newest_by_input([r for r in landings if r.status == "landed"])
        refused = landings[-1] if landings and landings[-1].status == "refused" else None
        for name, policy in adapter.manifest.sources.items():
            arrival = newest.get(name)
            found.append(Freshness(
                adapter.name, name, policy.place, adapter.manifest.tables_from(name), policy.due_hours, arrival,
                (now - arrival.at).total_seconds() / 3600 if arrival else None,
                datetime.fromisoformat(refused.started_at) if refused else None,
            ))  # fmt: skip
    return found


def _newest_by_input(landings: Sequence[LandingReport]) -> dict[str, Arrival]:
    """Input → the last landing that read bytes of it which none had read before."""
    seen: set[tuple[str, str]] = set()
    newest: dict[str, Arrival] = {}
    for report in landings:
        for file in sorted(report.files, key=lambda f: f.name):
            if (file.logical, file.sha256) not in seen:
                seen.add((file.logical, file.sha256))
                newest[file.logical] = Arrival(datetime.fromisoformat(report.started_at), file.name)
    return newest
