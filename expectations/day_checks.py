"""Checks by day partition: on which days of a table a check holds, and on which it does not.

Belongs here: judging days. Does not belong here: judging the table (`runner.py`), or days beside each other over the
runs (`day_matrix.py`).

What holds for a whole table holds on each of its days, so rows are looked at again only where a check failed. Measures
that learn are told for each day and compared with the days before it, in the same pass that counts the days' rows.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise

from expectations.checks import Check, LearnedMeasure, Measure, NotNull, UniqueKey, quoted
from expectations.conditions import breaks
from expectations.engine import Database
from expectations.learning import learn
from expectations.report import CheckResult, DayFinding

#: Newest days of a table that are judged, and the longest gap that counts as days without rows.
DAYS_JUDGED, LONGEST_GAP = 400, 31

Findings = Mapping[str, DayFinding]


def judge_days(
    database: Database,
    table: str,
    day_column: str,
    checks: Sequence[tuple[Check, Check]],
    results: Sequence[CheckResult],
) -> tuple[dict[str, int], dict[str, Findings]]:
    """Judge a table's checks on each of its days.

    Args:
        database: Holds the table.
        table: The table; it has rows.
        day_column: Its date or time, whose day is the partition. Rows without one belong to no day.
        checks: Those that were run, each as it stands in the suite and as it was settled for this run.
        results: What they found over the whole table.

    Returns:
        Day in ISO form → rows, days without any between others included; and check id → days on which it failed or
        could not be judged. Checks that speak of the table alone are not in it.
    """
    by_id = {result.id: result for result in results}
    checks = [(check, settled) for check, settled in checks if _was_evaluated(by_id[check.id])]
    learners = [(check, check.rule, settled) for check, settled in checks if isinstance(check.rule, LearnedMeasure)]
    learners = [found for found in learners if "{started}" not in found[1].expression]
    measured = [settled.rule.expression for _, _, settled in learners if isinstance(settled.rule, Measure)]
    day = f"cast({quoted(day_column)} as date)"
    found = database.rows(
        f"select {', '.join([f'{day} as day', 'count(*)', *measured])} from {quoted(table)} "
        f"where {quoted(day_column)} is not null group by 1 order by 1 desc limit {DAYS_JUDGED}"
    )
    values = {row[0]: row[1:] for row in reversed(found)}
    counts = {at: int(values[at][0]) if at in values else 0 for at in _calendar(list(values))}
    findings: dict[str, Findings] = {}
    for place, (check, rule, _) in enumerate(learners, start=1):
        series = {at: values[at][place] if at in values else _of_no_rows(check) for at in counts}
        findings[check.id] = _judge_series(rule, series)
    for check, settled in checks:
        offending = _offending_rows(table, day, settled)
        if offending is not None:
            is_sound = by_id[check.id].status != "failed" and not _has_tolerance(check)
            broken = {} if is_sound else dict(database.rows(offending))
            findings[check.id] = _judge_counts(check, {at: int(broken.get(at, 0)) for at in counts}, counts)
    return {at.isoformat(): rows for at, rows in counts.items()}, findings


def _was_evaluated(result: CheckResult) -> bool:
    """Whether the database could answer: a failure that counts no rows and measures nothing is an error of the SQL."""
    return result.status != "failed" or result.unexpected_count is not None or result.value is not None


def _has_tolerance(check: Check) -> bool:
    return isinstance(check.rule, NotNull) and check.rule.at_least < 1


def _offending_rows(table: str, day: str, check: Check) -> str | None:
    """The query for offending rows by day; None for a rule that is not about rows."""
    if isinstance(check.rule, UniqueKey):
        counted = f"select {day} as day, count(*) over (partition by {quoted(*check.rule.columns)}) as n"
        return f"select day, count(*) from ({counted} from {quoted(table)}) where n > 1 group by 1"
    condition = breaks(check.rule)
    return f"select {day} as day, count(*) from {quoted(table)} where {condition} group by 1" if condition else None


def _judge_counts(check: Check, broken: Mapping[date, int], counts: Mapping[date, int]) -> Findings:
    allowed = 1 - check.rule.at_least if isinstance(check.rule, NotNull) else 0.0
    return {
        at.isoformat(): DayFinding("failed", f"{rows:,} of {counts[at]:,} rows")
        for at, rows in broken.items() if rows > allowed * counts[at]
    }  # fmt: skip


def _of_no_rows(check: Check) -> float | None:
    """A day without rows has a volume of nought, and no rate or mean."""
    return 0.0 if isinstance(check.rule, LearnedMeasure) and check.rule.expression == "count(*)" else None


def _judge_series(rule: LearnedMeasure, series: Mapping[date, float | None]) -> Findings:
    """Each day beside the days before it; the newest is not judged, since it may not be over."""
    findings: dict[str, DayFinding] = {}
    past: list[float] = []
    newest = max(series, default=None)
    for at, value in series.items():
        bounds = learn(rule, past[-rule.window :], unit="days")
        if value is None:
            findings[at.isoformat()] = DayFinding("skipped", "not measurable")
            continue
        seen = f"{value:,.4g}"
        if at == newest:
            findings[at.isoformat()] = DayFinding("skipped", f"{seen}; the newest day may not be over")
        elif not bounds.is_ready:
            findings[at.isoformat()] = DayFinding("skipped", f"{seen}; {bounds.basis}")
        elif not bounds.hold(value):
            findings[at.isoformat()] = DayFinding("failed", f"{seen}; {bounds.basis}")
        past.append(float(value))
    return findings


def _calendar(days: Sequence[date]) -> list[date]:
    """The days, and those between them where the gap is no longer than `LONGEST_GAP`."""
    whole: list[date] = list(days[:1])
    for before, at in pairwise(days):
        if (at - before).days <= LONGEST_GAP:
            whole += [before + timedelta(days=n) for n in range(1, (at - before).days)]
        whole.append(at)
    return whole
