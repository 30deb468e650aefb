"""Results of a validation and where they are kept: one JSON file a boundary and run, never overwritten.

Belongs here: the result types, writing and reading them, the history over runs. Does not belong here: how a check is
run (`runner.py`) or drawn (`docs.py`). Console and orchestration read results through this module.

Layout: `validations/<boundary>/<run_id>.json`; a repeated run id of the same boundary becomes `<run_id>~2.json`.
"""

import json
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from expectations.checks import Severity
from workspace.settings import Settings

Status = Literal["passed", "failed", "skipped"]
#: A status with failed warnings apart from failed errors; `absent` where a run did not know the check.
Mark = Literal["passed", "failed", "warned", "skipped", "absent"]
RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,127}")
FORMAT = 1
#: How a mark is written where there is neither form nor colour.
LETTERS: Mapping[Mark, str] = {"passed": "P", "warned": "W", "failed": "F", "skipped": "-", "absent": ""}


class InvalidRunId(ValueError):
    """A run id cannot name a file."""


@dataclass(frozen=True)
class DayFinding:
    """What a check found on one day, where it did not hold or could not be judged; `observed` says it in words."""

    status: Literal["failed", "skipped"]
    observed: str


@dataclass(frozen=True)
class CheckResult:
    """What one check found.

    Attributes:
        id, table, severity, why: As in the check.
        expectation: Great Expectations' type name of what was run.
        status: `skipped` carries its reason in `observed`.
        observed: What was met, in words.
        expected: What must hold, in words.
        value: The measured number, where the check measures one; history learns from it.
        basis: How a learned bound came about.
        unexpected_count: Offending rows (keys or groups for checks of these); None where rows are not counted.
        unexpected_pct: Their share of the table's rows, 0 to 100; None where it has no meaning.
        sample: At most five of them, masked by personal-data class.
        by_day: ISO day → what was found on it, for days on which the check failed or could not be judged; it held on
            the other days of the table. None: the check says nothing about single days.
    """

    id: str
    table: str
    expectation: str
    severity: Severity
    status: Status
    observed: str
    expected: str
    why: str
    value: float | None = None
    basis: str | None = None
    unexpected_count: int | None = None
    unexpected_pct: float | None = None
    sample: tuple[Mapping[str, str | None], ...] = ()
    by_day: Mapping[str, DayFinding] | None = None

    @property
    def blocks(self) -> bool:
        """Whether this result must stop what is downstream."""
        return self.status == "failed" and self.severity == "error"


@dataclass(frozen=True)
class ValidationReport:
    """All results of one boundary in one run.

    Attributes:
        boundary: Place in the way of the data.
        run_id: The caller's id of the run.
        started: ISO time, UTC.
        seconds: How long validating took.
        rows: Table → rows that were checked; a table that is absent is not in it.
        checks: Results, in the suite's order.
        path: File that holds the report; None before it is written.
        rows_by_day: Table → ISO day → rows, for tables that have days.
        rows_read: Table → rows that checks of rows were run on, where the others were found sound before and lie there
            unchanged; a table that was read whole is not in it.
    """

    boundary: str
    run_id: str
    started: str
    seconds: float
    rows: Mapping[str, int]
    checks: tuple[CheckResult, ...]
    path: Path | None = field(default=None, compare=False)
    rows_by_day: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    rows_read: Mapping[str, int] = field(default_factory=dict)

    @property
    def success(self) -> bool:
        """Whether no check of severity error failed."""
        return not any(check.blocks for check in self.checks)

    @property
    def name(self) -> str:
        """Name of the report: the run id, with `~2` and so on when the run validated the boundary again."""
        return self.path.stem if self.path else self.run_id

    def count(self, status: Status, severity: Severity | None = None) -> int:
        """Checks of a status, and of a severity if named."""
        return sum(c.status == status and severity in (None, c.severity) for c in self.checks)

    def failed(self) -> list[CheckResult]:
        """Failed checks, errors first."""
        return sorted((c for c in self.checks if c.status == "failed"), key=lambda c: c.severity)


@dataclass(frozen=True)
class HistoryRow:
    """One check in one run."""

    boundary: str
    run_id: str
    started: str
    check_id: str
    table: str
    severity: Severity
    status: Status
    value: float | None


@dataclass(frozen=True)
class Matrix:
    """Checks by runs of one boundary, oldest run first.

    Attributes:
        boundary: The boundary.
        runs: Report names, in order of time.
        started: Start of each run, ISO time.
        statuses: Check id → status in each run; None where the run did not know the check.
        severities: Check id → its latest severity.
    """

    boundary: str
    runs: tuple[str, ...]
    started: tuple[str, ...]
    statuses: Mapping[str, tuple[Status | None, ...]]
    severities: Mapping[str, Severity]

    def as_markdown(self) -> str:
        """A table of checks by runs for asset metadata: P passed, W failed warning, F failed error, - skipped."""
        lines = [f"| check | {' | '.join(_short_time(s) for s in self.started)} |", "|---" * (len(self.runs) + 1) + "|"]
        for check, statuses in self.statuses.items():
            marks = (LETTERS[mark_of(status, self.severities[check])] for status in statuses)
            lines.append(f"| {check} | {' | '.join(marks)} |")
        return "\n".join(lines)


def check_run_id(run_id: str) -> None:
    """Refuse a run id that cannot name a file.

    Raises:
        InvalidRunId: it holds other characters, or is empty or too long.
    """
    if not RUN_ID.fullmatch(run_id):
        raise InvalidRunId(
            f"A run id is a letter or digit, then up to 127 of A-Z a-z 0-9 . _ : + -; got {run_id!r}. Rename the run."
        )


def save_report(settings: Settings, report: ValidationReport) -> ValidationReport:
    """Write a report beside those of earlier runs; returns it with its path.

    The file appears whole or not at all, and a name that is taken is never reused: a retried run gets `~2`, `~3`.
    """
    check_run_id(report.run_id)
    folder = settings.paths.validations / report.boundary
    folder.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".writing-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(_as_json(report), stream, ensure_ascii=False, allow_nan=False, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o644)
        path = _link_under_free_name(Path(temporary), folder, report.run_id)
    finally:
        Path(temporary).unlink(missing_ok=True)
    return load_report(path)


def load_report(path: Path) -> ValidationReport:
    """Read one report.

    Raises:
        ValueError: the file is of a later format than this version reads.
    """
    given = json.loads(path.read_text(encoding="utf-8"))
    if given["format"] != FORMAT:
        raise ValueError(f"{path} has format {given['format']}; this version reads {FORMAT}. Upgrade, or move it away.")
    checks = tuple(_check_of(check) for check in given["checks"])
    return ValidationReport(
        boundary=given["boundary"], run_id=given["run_id"], started=given["started"], seconds=given["seconds"],
        rows=given["rows"], checks=checks, path=path, rows_by_day=given.get("rows_by_day", {}),
        rows_read=given.get("rows_read", {}),
    )  # fmt: skip


def _check_of(given: Mapping[str, Any]) -> CheckResult:
    days = given.get("by_day")
    by_day = None if days is None else {day: DayFinding(**found) for day, found in days.items()}
    return CheckResult(**{**given, "sample": tuple(given["sample"]), "by_day": by_day})


def boundaries_with_reports(settings: Settings) -> list[str]:
    """Names of the boundaries that were ever validated."""
    folder = settings.paths.validations
    return sorted({path.parent.name for path in folder.glob("*/*.json") if not path.name.startswith(".")})


def reports(settings: Settings, boundary: str, last: int | None = None) -> list[ValidationReport]:
    """Reports of a boundary in order of time: all, or the `last` that were written."""
    files = [p for p in (settings.paths.validations / boundary).glob("*.json") if not p.name.startswith(".")]
    files.sort(key=lambda path: (path.stat().st_mtime_ns, path.name))
    chosen = files if last is None else files[len(files) - min(last, len(files)) :]
    return sorted((load_report(path) for path in chosen), key=lambda report: (report.started, report.name))


def latest(settings: Settings, boundary: str) -> ValidationReport | None:
    """The newest report of a boundary, if it was ever validated."""
    found = reports(settings, boundary, last=1)
    return found[-1] if found else None


def history(settings: Settings, boundary: str | None = None, last: int = 50) -> list[HistoryRow]:
    """Status of every check in the last runs, one row a boundary, run and check, in order of time."""
    chosen = [boundary] if boundary else boundaries_with_reports(settings)
    return [
        HistoryRow(name, report.name, report.started, c.id, c.table, c.severity, c.status, c.value)
        for name in chosen
        for report in reports(settings, name, last)
        for c in report.checks
    ]


def matrix(settings: Settings, boundary: str, last: int = 20) -> Matrix:
    """The last runs of a boundary as a table of checks by runs."""
    return matrix_of(boundary, reports(settings, boundary, last))


def matrix_of(boundary: str, found: Sequence[ValidationReport]) -> Matrix:
    """Reports of one boundary, in order of time, as a table of checks by runs."""
    severities = {c.id: c.severity for report in found for c in report.checks}
    by_run = [{c.id: c.status for c in report.checks} for report in found]
    statuses = {check: tuple(run.get(check) for run in by_run) for check in severities}
    return Matrix(boundary, tuple(r.name for r in found), tuple(r.started for r in found), statuses, severities)


def _as_json(report: ValidationReport) -> dict[str, Any]:
    given = asdict(report)
    del given["path"]
    return {"format": FORMAT, **given, "success": report.success}


def _link_under_free_name(temporary: Path, folder: Path, run_id: str) -> Path:
    attempt = 1
    while True:
        path = folder / (f"{run_id}.json" if attempt == 1 else f"{run_id}~{attempt}.json")
        try:
            os.link(temporary, path)
            return path
        except FileExistsError:
            attempt += 1


def _short_time(started: str) -> str:
    return datetime.fromisoformat(started).strftime("%m-%d %H:%M")


def mark_of(status: Status | None, severity: Severity) -> Mark:
    """The mark of a status; None is that of a check which the run did not know."""
    if status is None:
        return "absent"
    return "warned" if status == "failed" and severity == "warning" else status
