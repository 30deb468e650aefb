"""How one metric is judged: from evidence to a verdict with its sentence, group by group.

Belongs here: `Judge` and the correction over metrics. Does not belong here: the statistics (inference), the verdict
over all metrics (audit).
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from ml.core.fairness.cells import Cells
from ml.core.fairness.grouped import GroupData, calibration_data, group_data
from ml.core.fairness.inference import Evidence, assess
from ml.core.fairness.metrics import METRICS, Metric
from ml.core.fairness.results import GroupResult, MetricResult, Range, Status, Verdict
from ml.core.fairness.statements import Statement

Outcome = Literal["harm", "benefit", "neutral"]
#: With no tolerance stated, an audit that could not see a typical group 20 points off says nothing about a rate.
BLIND_ABOVE = 0.20
MOST_NAMES = 8
CALIBRATION = "calibration_error"
METHODS = {
    "rate": "permutation of group totals given both margins, within strata of the control",
    "mean": "studentised permutation to the second order, within strata of the control",
}
METHOD_CALIBRATION = "permutation of outcomes given both margins, within bins of equal score and strata of the control"


class Judge:
    """Parameters of an audit, and how one metric is judged under them."""

    def __init__(
        self, outcome: Outcome, minimum_support: int, tolerance: float, alpha: float, seed: int, resamples: int,
        hidden: frozenset[str],
    ) -> None:  # fmt: skip
        self.outcome, self.minimum_support, self.tolerance = outcome, minimum_support, tolerance
        self.alpha, self.seed, self.resamples, self.hidden = alpha, seed, resamples, hidden

    def all_metrics(self, cells: Cells, names: Sequence[str]) -> dict[str, MetricResult]:
        """Judge several metrics of the same cells, corrected for their number."""
        shown = {name: group_data(cells, METRICS[name]) for name in names}
        tested = {name: calibration_data(cells) if name == CALIBRATION else shown[name] for name in names}
        evidence = {
            name: assess(
                tested[name], shown=shown[name], minimum_support=self.minimum_support, alpha=self.alpha,
                resamples=self.resamples, seed=self.seed, worse_sign=self.worse_sign(METRICS[name]),
            )
            for name in names
        }  # fmt: skip
        adjusted = holm({name: e.p for name, e in evidence.items() if e.p is not None})
        return {name: self.metric(METRICS[name], shown[name], evidence[name], adjusted.get(name)) for name in names}

    def worse_sign(self, metric: Metric) -> int:
        """1 if higher is worse for the people of a group, −1 if lower, 0 if neither."""
        sign = {"higher": 1, "lower": -1, "either": 0}[metric.worse]
        if metric.name == "base_rate":
            return sign * {"harm": 1, "benefit": -1, "neutral": 0}[self.outcome]
        return sign

    def metric(self, metric: Metric, data: GroupData, evidence: Evidence, adjusted: float | None) -> MetricResult:
        """One metric's result; `adjusted` is its omnibus p-value after the correction over metrics."""
        found = adjusted is not None and adjusted <= self.alpha
        groups = self._groups(metric, data, evidence, found)
        verdict, reason = self._verdict(data, evidence, groups, found)
        reference = float(data.total[:, evidence.reference].sum() / max(data.n[:, evidence.reference].sum(), 1e-9))
        sign = self.worse_sign(metric)
        return MetricResult(
            name=metric.name, layer=metric.layer, kind=metric.kind,
            worse={1: "higher", -1: "lower", 0: "either"}[sign], verdict=verdict, reason=reason,
            method=METHOD_CALIBRATION if metric.name == CALIBRATION else METHODS[metric.kind],
            n=int(data.group_rows.sum()), overall=None if verdict == "undefined" else _number(data.overall),
            reference=reference if evidence.p is not None else None, p=evidence.p, adjusted_p=adjusted,
            range=evidence.range, heterogeneity=evidence.heterogeneity if evidence.p is not None else None,
            smallest_detectable_gap=evidence.smallest, worst=_worst_group(groups, sign), groups=groups,
        )  # fmt: skip

    def _groups(self, metric: Metric, data: GroupData, evidence: Evidence, found: bool) -> tuple[GroupResult, ...]:
        ratios = self._impact_ratios(metric, data, evidence)
        return tuple(self._group(g, metric, data, evidence, found, ratios) for g in range(len(data.groups)))

    def _group(
        self, g: int, metric: Metric, data: GroupData, evidence: Evidence, found: bool, ratios: np.ndarray
    ) -> GroupResult:
        name, n = data.groups[g], int(data.group_rows[g])
        if name in self.hidden:
            return GroupResult(name, "suppressed")
        positives = round(float(data.total[:, g].sum())) if metric.kind == "rate" and n else None
        if not evidence.judged[g]:
            supported = min(data.group_rows[g], data.group_n[g]) >= self.minimum_support
            status: Status = "undefined" if n == 0 or supported else "insufficient"
            shrunken = _number(evidence.shrunken[g]) if status == "insufficient" and evidence.p is not None else None
            return GroupResult(name, status, n=n, positives=positives, shrunken=shrunken)
        p = float(evidence.adjusted_p[g])
        return GroupResult(
            name, "judged", n=n, positives=positives, rate=float(data.values[g]),
            interval=(float(evidence.low[g]), float(evidence.high[g])), shrunken=float(evidence.shrunken[g]),
            difference=float(evidence.difference[g]),
            difference_interval=(float(evidence.difference_low[g]), float(evidence.difference_high[g])),
            impact_ratio=_number(ratios[g]), adjusted_p=p,
            named=bool(found and p <= self.alpha and abs(evidence.difference[g]) > self.tolerance),
            detectable=float(evidence.detectable[g]),
        )  # fmt: skip

    def _impact_ratios(self, metric: Metric, data: GroupData, evidence: Evidence) -> np.ndarray:
        """Favourable rate over the best judged group's (the four-fifths measure); NaN where it does not apply."""
        nothing = np.full(len(data.groups), np.nan)
        if metric.kind != "rate" or metric.layer == "prediction" or not evidence.judged.any():
            return nothing
        favourable = 1 - data.values if self.outcome == "harm" else data.values
        best = float(np.max(favourable[evidence.judged]))
        return favourable / best if best > 0 else nothing

    def _verdict(
        self, data: GroupData, evidence: Evidence, groups: tuple[GroupResult, ...], found: bool
    ) -> tuple[Verdict, Statement]:
        if data.group_rows.sum() == 0:
            return "undefined", Statement("nothing_counted")
        if (data.group_rows > 0).sum() < 2:
            return "undefined", Statement("one_group_counted")
        if evidence.p is None or evidence.smallest is None or evidence.range is None:
            return self._why_not_judged(data, evidence)
        if found:
            return self._size_of_gap(groups, evidence.range)
        detectable = evidence.smallest.typical
        limit = self.tolerance or (BLIND_ABOVE if data.kind == "rate" else np.inf)
        if detectable > limit:
            return "insufficient_evidence", Statement(
                "too_coarse", {"detectable": _shown(detectable, data.kind), "limit": _shown(float(limit), data.kind)}
            )
        return "no_gap_found", Statement("nothing_found", {"detectable": _shown(detectable, data.kind)})

    def _why_not_judged(self, data: GroupData, evidence: Evidence) -> tuple[Verdict, Statement]:
        supported = np.minimum(data.group_rows, data.group_n) >= self.minimum_support
        if supported.sum() < 2:
            facts = {"supported": int(supported.sum()), "groups": int((data.group_rows > 0).sum()),
                     "minimum": self.minimum_support}  # fmt: skip
            return "insufficient_evidence", Statement("little_support", facts)
        if (evidence.comparable[supported] < 1).any():
            return "undefined", Statement("control_determines_group")
        return "undefined", Statement("one_value")

    def _size_of_gap(self, groups: tuple[GroupResult, ...], corrected: Range) -> tuple[Verdict, Statement]:
        named = sorted((g for g in groups if g.named), key=lambda g: -abs(g.difference or 0.0))
        if named:
            judged = sum(g.status == "judged" for g in groups)
            shown = [g.group for g in named[:MOST_NAMES]] + (["…"] if len(named) > MOST_NAMES else [])
            return "gap", Statement("groups_named", {"named": len(named), "judged": judged, "groups": shown})
        if corrected.excess > self.tolerance:
            return "gap", Statement("none_singled_out")
        return "no_gap_found", Statement("within_tolerance", {"tolerance": self.tolerance})


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Holm's step-down adjustment (1979, Scandinavian Journal of Statistics 6)."""
    adjusted: dict[str, float] = {}
    largest = 0.0
    for rank, (name, p) in enumerate(sorted(p_values.items(), key=lambda item: (item[1], item[0]))):
        largest = max(largest, min(1.0, p * (len(p_values) - rank)))
        adjusted[name] = largest
    return adjusted


def _worst_group(groups: Sequence[GroupResult], sign: int) -> str | None:
    judged = [g for g in groups if g.status == "judged" and g.difference is not None]
    if not judged:
        return None
    return max(judged, key=lambda g: (g.named and (g.difference or 0) * (sign or 1) != 0 and _badness(g, sign) > 0,
                                      _badness(g, sign), g.group)).group  # fmt: skip


def _badness(group: GroupResult, sign: int) -> float:
    difference = group.difference or 0.0
    return abs(difference) if sign == 0 else difference * sign


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _shown(value: float, kind: str) -> str:
    """A gap as a sentence shows it: percentage points for rates."""
    return f"{100 * value:.1f} pp" if kind == "rate" else f"{value:.3g}"
