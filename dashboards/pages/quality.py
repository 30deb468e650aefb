"""Data quality: where rows went, whether sources are on time, what the checks found, which codes are unmapped."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response

from dashboards.access.gate import require
from dashboards.access.people import Role
from dashboards.console import Console, console_of
from dashboards.pages.period import as_of
from dashboards.queries import quality as queries
from dashboards.queries.overview import SPAN
from dashboards.store import Reader
from decisions.unmapped import unmapped_codes
from expectations.report import CheckResult, Mark, ValidationReport, mark_of
from sources.freshness import Freshness, freshness_of, known_adapters
from sources.manifest import AdapterError
from sources.reconciliation import BuiltRows, FileFate, add_up, reconcile
from sources.record import LandingReport
from workspace.settings import Settings

router = APIRouter(dependencies=[require(Role.VIEWER)])

RUNS_SHOWN = 12
WORST_FIRST: tuple[Mark, ...] = ("failed", "warned", "passed", "skipped")
LANDINGS_SHOWN = 20
#: Unmapped codes shown, those with the greatest impact.
CODES_SHOWN = 25

#: Boundaries in the order of the data's way; others follow by name.
ORDER_OF_BOUNDARIES = (
    "landing", "master_data", "marts", "features", "predictions", "stock_forecasts", "lead_time_forecasts",
)  # fmt: skip


@dataclass(frozen=True)
class TableRows:
    """Rows of one contract table over all landings."""

    name: str
    read: int
    landed: int
    quarantined: int
    reasons: list[tuple[str, int]]
    warnings: list[tuple[str, int]]

    @property
    def adds_up(self) -> bool:
        """Whether no row was lost."""
        return self.read == self.landed + self.quarantined


@dataclass(frozen=True)
class CheckRow:
    """One check over the last runs of its boundary, oldest first."""

    latest: CheckResult
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class BoundaryView:
    """One boundary: its latest report and its checks over the last runs."""

    name: str
    latest: ValidationReport
    runs: tuple[ValidationReport, ...]
    run_marks: tuple[Mark, ...]
    checks: list[CheckRow]
    counts: dict[Mark, int]

    @property
    def has_days(self) -> bool:
        """Whether some of its tables were judged by day."""
        return any(run.rows_by_day for run in self.runs)


@router.get("/quality")
def quality(request: Request) -> Response:
    """The state of the data, from landing to publication."""
    console = console_of(request)
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    return console.page(
        request, "quality.html", "quality", lambda reader: _values(console, reader, now), moment=now.isoformat()
    )


def _values(console: Console, reader: Reader, now: datetime) -> dict[str, Any]:
    landings = console.evidence.landings()
    boundaries = [boundary_view(name, console.evidence.validations(name, RUNS_SHOWN))
                  for name in in_order(console.evidence.boundaries())]  # fmt: skip
    span = reader.row(SPAN)
    return {
        "tables": rows_by_table(landings),
        "sources": sources_view(console.settings, landings, now),
        "fates": _fates(console, landings, reader),
        "landings": landings[:LANDINGS_SHOWN],
        "count_landings": len(landings),
        "boundaries": boundaries,
        "failing": sorted(
            ((b, check) for b in boundaries for check in b.latest.failed()), key=lambda pair: pair[1].severity
        ),
        "unmapped": _unmapped(reader, console.settings.paths.plans),
        "codes_shown": CODES_SHOWN,
        "as_of": as_of(reader.snapshot.notes, span["latest"]) if span["latest"] else None,
        "freshness": _freshness(reader, span["latest"]),
    }


def rows_by_table(landings: list[LandingReport]) -> list[TableRows]:
    """Counts of every contract table over all landings, by name. A replay is no new reading."""
    counts: dict[str, Counter[str]] = {}
    reasons: dict[str, Counter[str]] = {}
    warnings: dict[str, Counter[str]] = {}
    for landing in landings:
        if landing.status == "replayed":
            continue
        for name, table in landing.tables.items():
            total = table.total
            parts = {"read": total.read, "landed": total.landed, "quarantined": total.quarantined}
            counts.setdefault(name, Counter()).update(parts)
            reasons.setdefault(name, Counter()).update(table.reasons)
            warnings.setdefault(name, Counter()).update({code: w.count for code, w in table.warnings.items()})
    return [
        TableRows(
            name, c["read"], c["landed"], c["quarantined"], reasons[name].most_common(), warnings[name].most_common()
        )
        for name, c in sorted(counts.items())
        if c["read"]
    ]


@dataclass(frozen=True)
class TableFates:
    """Where the rows of one contract table went, in all and by file."""

    table: str
    total: FileFate
    files: list[FileFate]


def fates_by_table(fates: list[FileFate]) -> list[TableFates]:
    """Fates of files, summed by contract table."""
    grouped: dict[str, list[FileFate]] = {}
    for fate in fates:
        grouped.setdefault(fate.table, []).append(fate)
    return [TableFates(table, add_up(table, files), files) for table, files in grouped.items()]


def _fates(console: Console, landings: list[LandingReport], reader: Reader) -> list[TableFates]:
    built = [BuiltRows(**row) for table, query in queries.BUILT.items() if reader.has(table)
             for row in reader.rows(query)]  # fmt: skip
    return fates_by_table(reconcile(landings, console.evidence.refused_rows(), built))


@dataclass(frozen=True)
class SourcesView:
    """Sources that promise a time, the most urgent first, and those that promise none.

    Attributes:
        now: UTC time that the ages count to.
        problem: Why nothing can be said: an adapter's manifest or SQL does not hold together.
    """

    now: datetime
    promised: list[Freshness]
    unpromised: list[Freshness]
    problem: str = ""

    @property
    def count_overdue(self) -> int:
        """Sources of which something new should have come by now."""
        return sum(source.is_overdue for source in self.promised)


def sources_view(settings: Settings, landings: list[LandingReport], now: datetime) -> SourcesView:
    """Whether the company's sources are on time; `landings` newest first."""
    try:
        found = freshness_of(known_adapters(settings), landings[::-1], now)
    except AdapterError as error:
        return SourcesView(now, [], [], str(error))
    never = datetime.min.replace(tzinfo=UTC)
    promised = sorted((s for s in found if s.due_hours), key=lambda s: (s.due_at or never, s.adapter, s.input))
    return SourcesView(now, promised, [s for s in found if not s.due_hours])


def in_order(names: list[str]) -> list[str]:
    """Boundaries along the data's way."""
    known = [name for name in ORDER_OF_BOUNDARIES if name in names]
    return known + sorted(set(names) - set(known))


def boundary_view(name: str, runs: list[ValidationReport]) -> BoundaryView:
    """The checks of the latest run, failing ones first, each with its mark in the runs before."""
    latest = runs[-1]
    marks = [{check.id: mark_of(check.status, check.severity) for check in run.checks} for run in runs]
    rows = [CheckRow(check, tuple(run.get(check.id, "absent") for run in marks)) for check in latest.checks]
    weight: dict[Mark, int] = {"failed": 0, "warned": 1, "skipped": 2, "passed": 3, "absent": 4}
    rows.sort(key=lambda row: (weight[row.marks[-1]], row.latest.table, row.latest.id))
    counts = Counter(row.marks[-1] for row in rows)
    return BoundaryView(name, latest, tuple(runs), tuple(_worst(run) for run in runs), rows, dict(counts))


def _worst(run: ValidationReport) -> Mark:
    found = {mark_of(check.status, check.severity) for check in run.checks}
    return next((mark for mark in WORST_FIRST if mark in found), "skipped")


def _unmapped(reader: Reader, plans: Path) -> dict[str, Any] | None:
    if not reader.has("unmapped_codes", "fct_orders"):
        return None
    return {
        "rows": unmapped_codes(reader.snapshot, plans, CODES_SHOWN),
        "totals": reader.rows(queries.UNMAPPED_TOTALS),
        "count_orders": reader.snapshot.tables["fct_orders"]["rows"],
    }


def _freshness(reader: Reader, newest_order: datetime | None) -> list[dict[str, Any]]:
    rows = []
    moment = as_of(reader.snapshot.notes, newest_order) if newest_order else None
    for table, (column, query) in queries.FRESHNESS.items():
        if not reader.has(table):
            rows.append({"table": table, "column": column, "is_published": False})
            continue
        span = reader.row(query)
        behind = (moment - span["latest"]).total_seconds() / 3600 if moment and span["latest"] else None
        rows.append({
            "table": table, "column": column, "is_published": True, "behind": behind,
            "rows": reader.snapshot.tables[table]["rows"], **span,
        })  # fmt: skip
    return rows
