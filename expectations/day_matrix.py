"""Checks of a table by its days, over the last runs: which held on which day, and what the runs before said of it.

Belongs here: the matrix and its short form for asset metadata. Does not belong here: judging days (`day_checks.py`), or
the page that shows it (dashboards).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from expectations.report import LETTERS, CheckResult, Mark, ValidationReport, mark_of


@dataclass(frozen=True)
class DayCell:
    """One check on one day.

    Attributes:
        marks: What each run said of it, oldest first; `absent` where a run did not know the check or the day.
        observed: What the newest run that knew it met, where the check did not simply pass.
    """

    marks: tuple[Mark, ...]
    observed: str

    @property
    def mark(self) -> Mark:
        """What the newest run that knew it said."""
        return next((mark for mark in reversed(self.marks) if mark != "absent"), "absent")


@dataclass(frozen=True)
class DayRow:
    """One check over the days of the matrix."""

    check: CheckResult
    cells: tuple[DayCell, ...]


@dataclass(frozen=True)
class DayMatrix:
    """Checks by days of one table.

    Attributes:
        boundary, table: Where.
        runs: The runs that the cells' marks are of, oldest first.
        days: ISO days, oldest first.
        counts: Rows of each day in the newest run that knew it.
        rows: Checks that can be told by day, as the newest run has them.
    """

    boundary: str
    table: str
    runs: tuple[ValidationReport, ...]
    days: tuple[str, ...]
    counts: tuple[int, ...]
    rows: tuple[DayRow, ...]

    def as_markdown(self) -> str:
        """Checks by days for asset metadata: P passed, W failed warning, F failed error, - not evaluated."""
        heads = [f"| check | {' | '.join(day[5:] for day in self.days)} |", "|---" * (len(self.days) + 1) + "|"]
        counts = f"| rows | {' | '.join(f'{count:,}' for count in self.counts)} |"
        rows = [f"| {r.check.id} | {' | '.join(LETTERS[cell.mark] for cell in r.cells)} |" for r in self.rows]
        return "\n".join([*heads, counts, *rows])


def tables_with_days(report: ValidationReport) -> list[str]:
    """Tables of a report that were judged by day."""
    return list(report.rows_by_day)


def day_matrix(runs: Sequence[ValidationReport], table: str, last: int, until: str = "") -> DayMatrix:
    """Checks of a table by days.

    Args:
        runs: Reports of one boundary, oldest first; at least one.
        table: A table of the newest that was judged by day.
        last: How many days.
        until: The newest day to show, in ISO form; empty for the newest there is.
    """
    newest = runs[-1]
    counts: dict[str, int] = {}
    for run in runs:
        counts.update(run.rows_by_day.get(table, {}))
    days = sorted(day for day in counts if not until or day <= until)[-last:]
    told = [{check.id: check for check in run.checks if check.by_day is not None} for run in runs]
    rows = []
    for check in newest.checks:
        if check.table == table and check.id in told[-1]:
            found = [results.get(check.id) for results in told]
            rows.append(DayRow(check, tuple(_cell(runs, found, table, day) for day in days)))
    return DayMatrix(
        newest.boundary, table, tuple(runs), tuple(days), tuple(counts[day] for day in days), tuple(rows)
    )  # fmt: skip


def _cell(runs: Sequence[ValidationReport], found: Sequence[CheckResult | None], table: str, day: str) -> DayCell:
    """One check on one day; `found` is its result in each of the runs."""
    marks: list[Mark] = []
    observed = ""
    for run, check in zip(runs, found, strict=True):
        rows = run.rows_by_day.get(table, {}).get(day)
        if check is None or check.by_day is None or rows is None:
            marks.append("absent")
            continue
        finding = check.by_day.get(day)
        observed = finding.observed if finding else ""
        marks.append(mark_of(finding.status, check.severity) if finding else "passed" if rows else "skipped")
    return DayCell(tuple(marks), observed)
