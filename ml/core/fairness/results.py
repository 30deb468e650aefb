"""What an audit says: frozen, with a stable JSON form.

Belongs here: the result types and their serialisation. Does not belong here: how the numbers come about, or how a page
shows them.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal

from ml.core.fairness.statements import Statement

Verdict = Literal["gap", "no_gap_found", "insufficient_evidence", "undefined"]
Status = Literal["judged", "insufficient", "undefined", "suppressed"]
Interval = tuple[float, float]


@dataclass(frozen=True)
class GroupResult:
    """One group under one metric. Numbers are None where there is no evidence for them.

    Attributes:
        group: Name as it stands in the table.
        status: `judged`; `insufficient` (under the minimum support: no rate, only the shrunken one); `undefined`
            (nothing to count from, or nothing to compare with); `suppressed` (too few rows to print anything).
        n: Rows that the metric counts from.
        positives: Rows counted, for rates (weighted tables: effective number, rounded).
        rate: The rate or mean.
        interval: Simultaneous interval of the rate or mean over all judged groups.
        shrunken: Empirical-Bayes estimate, drawn to the overall value as far as chance explains the spread.
        difference: From the reference, after the control columns when there are any.
        difference_interval: Simultaneous interval of that difference.
        impact_ratio: Favourable rate divided by the best judged group's; for label and decision rates only.
        adjusted_p: Step-down p-value, family-wise over the groups of this metric.
        named: Whether the group is named as differing.
        detectable: Smallest difference that would have been found in this group with 80 % power.
    """

    group: str
    status: Status
    n: int | None = None
    positives: int | None = None
    rate: float | None = None
    interval: Interval | None = None
    shrunken: float | None = None
    difference: float | None = None
    difference_interval: Interval | None = None
    impact_ratio: float | None = None
    adjusted_p: float | None = None
    named: bool = False
    detectable: float | None = None


@dataclass(frozen=True)
class Range:
    """Spread between the highest and the lowest judged group, with what chance alone would show.

    `excess` is observed − expected_by_chance, at least 0; the true range lies in `interval` with simultaneous
    confidence.
    """

    observed: float
    expected_by_chance: float
    excess: float
    interval: Interval


@dataclass(frozen=True)
class Detectable:
    """Smallest detectable gap (80 % power at the simultaneous level) of the best, the median and the weakest group."""

    best: float
    typical: float
    weakest: float


@dataclass(frozen=True)
class MetricResult:
    """One metric over all groups.

    Attributes:
        p: Omnibus p-value: does any group differ?
        adjusted_p: The same after Holm's correction over the metrics of the audit.
        reference: Value that differences are taken from: the groups that were not named, put together.
        heterogeneity: Estimated standard deviation of the true values between groups.
        worst: Judged group whose difference goes farthest in the worse direction.
        reliability: For score metrics, per score bin: mean score, observed rate, rows.
    """

    name: str
    layer: str
    kind: str
    worse: str
    verdict: Verdict
    reason: Statement
    method: str
    n: int
    overall: float | None
    reference: float | None
    p: float | None
    adjusted_p: float | None
    range: Range | None
    heterogeneity: float | None
    smallest_detectable_gap: Detectable | None
    worst: str | None
    groups: tuple[GroupResult, ...]

    def group(self, name: str) -> GroupResult:
        """The result of one group.

        Raises:
            KeyError: no group has this name.
        """
        for result in self.groups:
            if result.group == name:
                return result
        raise KeyError(f"Metric {self.name} has no group {name!r}.")

    @property
    def named(self) -> tuple[str, ...]:
        """Names of the groups that are named as differing."""
        return tuple(g.group for g in self.groups if g.named)


@dataclass(frozen=True)
class Worst:
    """The gap that the first page shows: the widest one that is proven, else the widest one that was judged."""

    metric: str
    group: str
    difference: float
    interval: Interval
    named: bool


@dataclass(frozen=True)
class AuditResult:
    """The whole audit.

    Attributes:
        verdict: Over all metrics; with control columns, of the conditional comparison.
        reason: One sentence.
        layers: Verdict per layer: label, prediction, decision.
        metrics: The comparison that the verdict rests on: conditional where control columns were named.
        unconditional: With control columns, the same metrics without them; else empty.
        groups: All group names, sorted.
        unknown_count: Rows without a group.
        suppressed: Groups of which nothing is printed.
        not_assessed: What could not be judged, in words, for the first page.
        smallest_detectable_gap: Per judged metric, the typical group's.
        intersections: Results by combination of group columns, such as `region × tier`.
        parameters: Everything that a repeated run needs.
        counts: Rows by fate.
        notes: Facts a reader must know, such as a control that leaves nothing to compare.
    """

    verdict: Verdict
    reason: Statement
    layers: Mapping[str, Verdict]
    metrics: Mapping[str, MetricResult]
    unconditional: Mapping[str, MetricResult]
    groups: tuple[str, ...]
    unknown_count: int
    suppressed: tuple[str, ...]
    not_assessed: tuple[Statement, ...]
    smallest_detectable_gap: Mapping[str, float]
    worst: Worst | None
    parameters: Mapping[str, Any]
    counts: Mapping[str, int]
    reliability: tuple[Mapping[str, float | int | None], ...] = ()
    notes: tuple[Statement, ...] = ()
    intersections: Mapping[str, "AuditResult"] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON values; equal audits give equal bytes. Numbers keep 12 significant digits."""
        plain: dict[str, Any] = json_values(self)
        return plain

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON."""
        return digest_of(self.to_dict())


def json_values(value: Any) -> Any:
    """`value` as JSON can hold it: no tuples, no NaN, numbers rounded to 12 significant digits."""
    if isinstance(value, Statement):
        return json_values(value.to_dict())
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: json_values(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): json_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_values(item) for item in value]
    if isinstance(value, bool | str | int) or value is None:
        return value
    number = float(value)
    return float(f"{number:.12g}") if math.isfinite(number) else None


def digest_of(value: Any) -> str:
    """SHA-256 of canonical JSON (sorted keys, no white space)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
