"""From a Great Expectations result to ours: what was met, in words and numbers, with a masked sample.

Belongs here: the meaning of a result. Does not belong here: which checks are run, and on what (`runner.py`).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from expectations.checks import Check, HasColumns, HasRows, Measure, NoGroup, Suite, UniqueKey
from expectations.engine import TableFacts
from expectations.learning import LearnedBounds
from expectations.masking import PersonalDataClasses, scrub
from expectations.report import CheckResult


@dataclass(frozen=True)
class Scene:
    """What judging a check needs to know."""

    suite: Suite
    facts: Mapping[str, TableFacts]
    bounds: Mapping[str, LearnedBounds]
    classes: PersonalDataClasses


def judge(check: Check, settled: Check, outcome: Any, scene: Scene) -> CheckResult:
    """The result of a check: `settled` is what was run, `outcome` what Great Expectations gave."""
    name = str(outcome.expectation_config.type)
    problem = _exception_of(outcome.exception_info)
    if problem is not None:
        return replace(result_of(check, "failed", f"could not be evaluated: {scrub(problem)}"), expectation=name)
    status = "passed" if outcome.success else "failed"
    if isinstance(settled.rule, Measure):
        return _judge_measure(check, settled.rule, outcome, scene.bounds.get(check.id))
    found = dict(outcome.result)
    if isinstance(check.rule, HasRows):
        base = result_of(check, status, f"{scene.facts[check.table].rows:,} rows")
    elif isinstance(check.rule, HasColumns):
        absent = [c for c in check.rule.names if c not in scene.facts[check.table].columns]
        base = result_of(check, status, f"missing: {', '.join(absent)}" if absent else "all there")
    else:
        base = _judge_rows(check, status, found, scene)
    return replace(base, expectation=name)


def _judge_measure(check: Check, rule: Measure, outcome: Any, bounds: LearnedBounds | None) -> CheckResult:
    value = outcome.result.get("observed_value")
    finite = value is not None and math.isfinite(value)
    seen = f"{value:,.4g}" if finite else "not measurable"
    status = "passed" if outcome.success else "failed"
    if bounds is not None and not bounds.is_ready:
        status, seen = "skipped", f"{bounds.basis}; {seen} now"
    return replace(
        result_of(check, status, seen),
        expectation=str(outcome.expectation_config.type),
        expected=rule.sentence() if bounds is None or bounds.is_ready else check.rule.sentence(),
        value=value if finite else None,
        basis=bounds.basis if bounds is not None else None,
    )


def _judge_rows(check: Check, status: str, found: Mapping[str, Any], scene: Scene) -> CheckResult:
    rows = scene.facts[check.table].rows or 0
    count = int(found.get("unexpected_count", 0))
    is_group = isinstance(check.rule, NoGroup)
    unit = "key" if isinstance(check.rule, UniqueKey) else getattr(check.rule, "unit", "row")
    observed = f"{count:,} of {rows:,} rows" if unit == "row" else f"{count:,} {unit}{'' if count == 1 else 's'}"
    sample = tuple(scene.classes.mask_row(check.table, row, is_group) for row in _failing_rows(found))
    return replace(
        result_of(check, status, observed),
        unexpected_count=count,
        unexpected_pct=round(100 * count / rows, 6) if unit == "row" and rows else None,
        sample=sample,
    )


def _failing_rows(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    details = found.get("details") or {}
    rows = details.get("unexpected_rows")
    if rows is None:
        rows = found.get("partial_unexpected_index_list") or []
    return [dict(row) for row in rows]


def _exception_of(info: Mapping[str, Any]) -> str | None:
    """Message of the exception that GX caught, whether it reports one or one for each metric."""
    if "raised_exception" in info:
        return str(info.get("exception_message")) if info["raised_exception"] else None
    return next((str(one["exception_message"]) for one in info.values() if one.get("raised_exception")), None)


def held_before(check: Check, scene: Scene) -> CheckResult:
    """The result of a check on rows that was found to hold before, when nothing was added since."""
    return _judge_rows(check, "passed", {}, scene)


def result_of(check: Check, status: Any, observed: str) -> CheckResult:
    """A result without numbers."""
    return CheckResult(
        id=check.id, table=check.table, expectation=type(check.rule).__name__, severity=check.severity, status=status,
        observed=observed, expected=check.rule.sentence(), why=check.why,
    )  # fmt: skip
