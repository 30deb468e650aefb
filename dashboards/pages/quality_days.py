"""Checks by day: one table's checks beside its days, and what earlier runs said of the same days."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import APIRouter, Query, Request, Response

from dashboards.access.gate import require
from dashboards.access.people import Role
from dashboards.console import Console, console_of
from dashboards.pages.quality import RUNS_SHOWN, in_order
from expectations.day_matrix import DayMatrix, DayRow, day_matrix
from expectations.report import Mark

router = APIRouter(dependencies=[require(Role.VIEWER)])

#: Days of one page, whole weeks.
DAYS_SHOWN = 28
CODE = r"^[a-z0-9_.]*$"


@dataclass(frozen=True)
class RunLine:
    """What one run said of one check on each day."""

    started: str
    marks: tuple[Mark, ...]


@router.get("/quality/days")
def days(
    request: Request,
    table: str = Query(default="", max_length=120, pattern=CODE),
    check: str = Query(default="", max_length=200, pattern=CODE),
    until: date | None = None,
) -> Response:
    """Checks of one table by its days; with `check`, that check by days and runs.

    Args:
        request: What was asked.
        table: `<boundary>.<table>`; the first when empty or unknown.
        check: Id of a check of the table; empty for all.
        until: The newest day shown; the newest there is when empty or before all days.
    """
    console = console_of(request)
    return console.page(request, "quality_days.html", "quality", lambda _: _values(console, table, check, until))


def _values(console: Console, table: str, check: str, until: date | None) -> dict[str, Any]:
    runs = {name: console.evidence.validations(name, RUNS_SHOWN) for name in in_order(console.evidence.boundaries())}
    choices = [f"{name}.{t}" for name, found in runs.items() for t in sorted({t for r in found for t in r.rows_by_day})]
    if not choices:
        return {"choices": [], "matrix": None}
    chosen = table if table in choices else choices[0]
    boundary, _, name = chosen.partition(".")
    known = sorted({day for run in runs[boundary] for day in run.rows_by_day.get(name, {})})
    newest = until.isoformat() if until and until.isoformat() >= known[0] else ""
    matrix = day_matrix(runs[boundary], name, DAYS_SHOWN, newest)
    row = next((row for row in matrix.rows if row.check.id == check), None)
    return {
        "choices": choices, "chosen": chosen, "matrix": matrix, "row": row,
        "lines": _lines(matrix, row) if row else [],
        "older": max((day for day in known if day < matrix.days[0]), default=""),
        "newer": _newer(known, matrix),
    }  # fmt: skip


def _newer(days: list[str], matrix: DayMatrix) -> str:
    """The newest day of the page after this one; empty on the newest page."""
    later = [day for day in days if day > matrix.days[-1]]
    return later[min(DAYS_SHOWN, len(later)) - 1] if later else ""


def _lines(matrix: DayMatrix, row: DayRow) -> list[RunLine]:
    """What each run said of a check, newest run first."""
    return [
        RunLine(run.started, tuple(cell.marks[number] for cell in row.cells)) for number, run in enumerate(matrix.runs)
    ][::-1]
