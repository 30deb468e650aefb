"""Validating one boundary: data found, checks run in DuckDB, results judged, masked and kept.

Belongs here: the order of the work. Does not belong here: the checks (`suites/`), the engine (`engine.py`), what a
result means (`judging.py`), the files of results (`report.py`).
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from expectations.boundaries import default_files, is_append_only, reads_warehouse, suite_for
from expectations.carried import Carried, keep, look
from expectations.checks import (
    Check,
    FiniteNumbers,
    HasColumns,
    HasRows,
    LearnedMeasure,
    Measure,
    RowRule,
    Suite,
    quoted,
)  # fmt: skip
from expectations.day_checks import judge_days
from expectations.engine import Database, TableFacts, database_over, open_database
from expectations.judging import Scene, held_before, judge, result_of
from expectations.learning import LearnedBounds, learn
from expectations.masking import PersonalDataClasses, scrub
from expectations.report import CheckResult, ValidationReport, check_run_id, reports, save_report
from sources.contracts import load_contract
from workspace.settings import Settings
from workspace.warehouse import warehouse_lock

FLOATING_TYPES = ("DOUBLE", "FLOAT")


class NothingToValidate(ValueError):
    """The data that a boundary is validated on is not there, or was named twice."""


@dataclass(frozen=True)
class _Verdict:
    """What was found of one table.

    Attributes:
        results: One a check.
        settled: The checks as they were run, or would have been.
        rows_by_day: Rows of its days, if it has any.
        rows_read: Rows that were read, where others were found sound before; None for all.
    """

    results: list[CheckResult]
    settled: tuple[Check, ...] = ()
    rows_by_day: Mapping[str, int] = field(default_factory=dict)
    rows_read: int | None = None


def validate(
    settings: Settings,
    boundary: str,
    database: Path | None = None,
    files: Mapping[str, Path] | None = None,
    run_id: str | None = None,
) -> ValidationReport:
    """Run a boundary's suite and keep its report.

    Reads either a DuckDB file or Parquet files. Of landing, rows that were found sound and lie there unchanged are not
    read again (`carried.py`). Without both: the company's warehouse (`master_data`, `marts`,
    `features`), all of landing (`landing`), or the batch that was scored last (`predictions`). The warehouse is read
    under its lock, which the caller must not hold.

    Args:
        settings: Whose data and where results are kept.
        boundary: One of `boundaries.BOUNDARIES`.
        database: DuckDB file with the tables; opened read-only, closed on return.
        files: Table → Parquet file, folder or glob pattern.
        run_id: Name of the run; default is the time.

    Returns:
        The report as written; `report.success` is False when a check of severity error failed.

    Raises:
        UnknownBoundary: no suite has that name.
        NothingToValidate: the database is absent, or both `database` and `files` are given.
        WarehouseBusy: another process keeps the warehouse.
    """
    suite = suite_for(boundary)
    started = datetime.now(UTC)
    run_id = run_id or started.strftime("%Y%m%dT%H%M%S%fZ")
    check_run_id(run_id)
    clock = time.perf_counter()
    bounds = _learned_bounds(settings, suite)
    is_carried = database is None and files is None and is_append_only(boundary)
    carried = look(settings, boundary, default_files(settings, boundary)) if is_carried else Carried()
    with _opened(settings, boundary, database, files, carried) as (opened, unreadable):
        facts = opened.facts(suite.read_tables)
        facts |= {table: TableFacts({}, None, problem) for table, problem in unreadable.items()}
        scene = Scene(suite, facts, bounds, PersonalDataClasses(load_contract()))
        verdicts = {table: _validate_table(opened, scene, carried, table, started) for table in suite.tables}
    results = [result for verdict in verdicts.values() for result in verdict.results]
    by_id = {result.id: result for result in results}
    unreadable_tables = [result for result in results if result.id.endswith(".readable")]
    report = ValidationReport(
        boundary=boundary,
        run_id=run_id,
        started=started.isoformat(),
        seconds=round(time.perf_counter() - clock, 3),
        rows={table: facts[table].rows or 0 for table in suite.tables if table in facts},
        checks=(*unreadable_tables, *(by_id[check.id] for check in suite.checks)),
        rows_by_day={table: verdict.rows_by_day for table, verdict in verdicts.items() if verdict.rows_by_day},
        rows_read={table: verdict.rows_read for table, verdict in verdicts.items() if verdict.rows_read is not None},
    )
    saved = save_report(settings, report)
    if is_carried:
        keep(settings, boundary, carried, [check for v in verdicts.values() for check in v.settled], results)
    return saved


@contextmanager
def _opened(
    settings: Settings, boundary: str, database: Path | None, files: Mapping[str, Path] | None, carried: Carried
) -> Iterator[tuple[Database, dict[str, str]]]:
    if database is not None and files is not None:
        raise NothingToValidate("A boundary is read from a database or from files; both were given. Give one.")
    if database is None and (files is not None or not reads_warehouse(boundary)):
        chosen = files if files is not None else default_files(settings, boundary)
        with (
            database_over(settings, chosen, carried.added()) as (path, unreadable),
            open_database(settings, path) as opened,
        ):
            yield opened, unreadable
        return
    path = database or settings.paths.warehouse
    if not path.exists():
        raise NothingToValidate(f"The database to validate must exist; {path} does not. Build it first.")
    if path == settings.paths.warehouse:
        with warehouse_lock(settings, f"validate {boundary}"), open_database(settings, path) as opened:
            yield opened, {}
        return
    with open_database(settings, path) as opened:
        yield opened, {}


def _learned_bounds(settings: Settings, suite: Suite) -> dict[str, LearnedBounds]:
    learners = {check.id: check.rule for check in suite.checks if isinstance(check.rule, LearnedMeasure)}
    if not learners:
        return {}
    past: dict[str, list[float]] = {id: [] for id in learners}
    for report in reports(settings, suite.boundary, last=max(rule.window for rule in learners.values())):
        for result in report.checks:
            if result.id in past and result.value is not None:
                past[result.id].append(result.value)
    return {id: learn(rule, past[id]) for id, rule in learners.items()}


def _validate_table(opened: Database, scene: Scene, carried: Carried, table: str, started: datetime) -> _Verdict:
    checks = [check for check in scene.suite.checks if check.table == table]
    facts = scene.facts.get(table)
    if facts is not None and facts.problem is not None:
        reason = f"{table} cannot be read"
        return _Verdict([_unreadable(table, facts.problem), *(result_of(check, "skipped", reason) for check in checks)])
    settled = {check.id: _settle(check, scene, started) for check in checks}
    decided = {check.id: _decide_without_running(check, scene) for check in checks}
    runnable = [settled[id] for id, result in decided.items() if result is None]
    shown = tuple(c for c in scene.suite.identity.get(table, ()) if facts is not None and c in facts.columns)
    held = [check for check in runnable if carried.holds(check)]
    outcomes = opened.run(table, [check for check in runnable if check not in held], shown)
    rows_read = opened.count_added(table) if held else None
    if rows_read:
        outcomes |= opened.run(table, held, shown, only_added=True)
    results = [
        decided[check.id]
        or (
            judge(check, settled[check.id], outcomes[check.id], scene)
            if check.id in outcomes
            else held_before(check, scene)
        )
        for check in checks
    ]
    found = _Verdict(results, tuple(settled.values()), rows_read=rows_read)
    day = scene.suite.days.get(table)
    if not runnable or day is None or facts is None or not facts.rows or day not in facts.columns:
        return found
    ran = [(check, settled[check.id]) for check in checks if decided[check.id] is None]
    rows_by_day, findings = judge_days(opened, table, day, ran, results)
    results = [replace(result, by_day=findings.get(result.id)) for result in results]
    return replace(found, results=results, rows_by_day=rows_by_day)


def _settle(check: Check, scene: Scene, started: datetime) -> Check:
    """The check with what only the run knows filled in: learned bounds, the run's start, the table's own columns."""
    columns = scene.facts[check.table].columns if check.table in scene.facts else {}
    if isinstance(check.rule, FiniteNumbers):
        numbers = [quoted(name) for name, kind in columns.items() if kind in FLOATING_TYPES]
        condition = " and ".join(f"coalesce(isfinite({name}), true)" for name in numbers) or "true"
        return replace(check, rule=RowRule(condition))
    if isinstance(check.rule, LearnedMeasure):
        moment = f"timestamp '{started.replace(tzinfo=None).isoformat(sep=' ')}'"
        empty = " + ".join(f"({quoted(name)} is null)::int" for name in columns) or "null"
        expression = check.rule.expression.replace("{started}", moment)
        expression = expression.replace("{empty_share}", f"avg(({empty}) / {max(1, len(columns))})")
        bounds = scene.bounds[check.id]
        return replace(check, rule=Measure(check.rule.name, expression, bounds.low, bounds.high, check.rule.columns))
    return check


def _decide_without_running(check: Check, scene: Scene) -> CheckResult | None:
    """The result of a check that cannot or need not be run, else None."""
    facts = scene.facts.get(check.table)
    if facts is None or not facts.rows:
        return _decide_on_emptiness(check, scene, facts)
    for other in check.needs:
        found = scene.facts.get(other)
        if found is None or not found.rows:
            return result_of(check, "skipped", _emptiness(other, scene.suite, found))
    if isinstance(check.rule, HasColumns):
        return None
    missing = [column for column in check.rule.columns if column not in facts.columns]
    if missing:
        return result_of(check, "skipped", f"{check.table} has no column {', '.join(missing)}")
    return None


def _decide_on_emptiness(check: Check, scene: Scene, facts: TableFacts | None) -> CheckResult | None:
    reason = _emptiness(check.table, scene.suite, facts)
    if not isinstance(check.rule, HasRows):
        return result_of(check, "skipped", reason)
    return result_of(check, "failed", reason) if facts is None else None


def _emptiness(table: str, suite: Suite, facts: TableFacts | None) -> str:
    state = f"{table} is not there" if facts is None else f"{table} has no rows"
    if facts is not None and facts.problem is not None:
        state = f"{table} cannot be read"
    consequence = suite.absent.get(table)
    return f"{state}: {consequence}" if consequence else state


def _unreadable(table: str, problem: str) -> CheckResult:
    return CheckResult(
        id=f"{table}.readable", table=table, expectation="readable", severity="error", status="failed",
        observed=scrub(problem), expected="the table can be read",
        why="Nothing can be said about data that cannot be read; a file is cut short or is not Parquet.",
    )  # fmt: skip
