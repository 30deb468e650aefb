"""What can be concluded about one metric: omnibus test, named groups, intervals, corrected range, detectable gap.

Belongs here: the inference on `GroupData`. Does not belong here: verdicts over several metrics (audit).
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from ml.core.fairness.grouped import GroupData
from ml.core.fairness.intervals import difference_intervals, value_intervals
from ml.core.fairness.results import Detectable, Range
from ml.core.fairness.shrinkage import shrunken
from ml.core.fairness.statistics import expected_and_variance, null_totals, signed_roots

POWER = 0.80
#: Without others in a comparable stratum there is nothing to say; below this share of a group's rows it is not judged.
LEAST_COMPARABLE_SHARE = 0.2
#: Share of all rows that the reference keeps while named groups leave it.
LEAST_REFERENCE_SHARE = 0.2


@dataclass(frozen=True)
class Evidence:
    """The inference on one metric. Arrays have one entry a group; NaN where a group is not judged."""

    judged: np.ndarray
    comparable: np.ndarray
    p: float | None
    adjusted_p: np.ndarray
    reference: np.ndarray
    low: np.ndarray
    high: np.ndarray
    shrunken: np.ndarray
    heterogeneity: float
    difference: np.ndarray
    difference_low: np.ndarray
    difference_high: np.ndarray
    detectable: np.ndarray
    range: Range | None
    smallest: Detectable | None


def assess(
    data: GroupData, *, minimum_support: int, alpha: float, resamples: int, seed: int, worse_sign: int = 0
) -> Evidence:
    """Infer on one metric.

    The omnibus test takes the smaller p-value of the sum of squares (many small differences) and the maximum (few large
    ones), calibrated on the same draws, so that its level is exact. Naming is a step-down maximum test (Westfall &
    Young 1993; Romano & Wolf 2005) in which a named group also leaves the reference, so that truly different groups
    do not make good ones look different.

    Args:
        data: The metric's numbers.
        minimum_support: Fewest rows at which a group is judged.
        alpha: Family-wise error.
        resamples: Draws under the null.
        seed: Seed of the draws.
        worse_sign: 1 if higher is worse, −1 if lower, 0 if neither; decides which of two groups is named.
    """
    everybody = np.ones(len(data.groups), dtype=bool)
    expected, variance = expected_and_variance(data, everybody)
    comparable = _comparable_share(data)
    supported = (np.minimum(data.group_rows, data.group_n) >= minimum_support) & (data.group_n > 0)
    judged = supported & (comparable >= LEAST_COMPARABLE_SHARE) & (variance > 1e-12)
    estimates, heterogeneity = shrunken(data)
    nothing = np.full(len(data.groups), np.nan)
    if judged.sum() < 2:
        return Evidence(judged, comparable, None, nothing, everybody, nothing, nothing, estimates, heterogeneity,
                        nothing, nothing, nothing, nothing, None, None)  # fmt: skip
    rng = np.random.default_rng(seed)
    totals = data.total.sum(axis=0)
    drawn = null_totals(data, resamples, rng)
    null = np.abs(signed_roots(data, drawn, expected, variance))[:, judged]
    observed = np.abs(signed_roots(data, totals, expected, variance))[judged]
    critical = float(np.quantile(null.max(axis=1), 1 - alpha, method="higher"))
    adjusted, reference = _step_down(data, judged, null, rng, resamples, alpha, worse_sign)
    low, high = value_intervals(data, judged, alpha)
    difference, difference_low, difference_high = difference_intervals(data, reference, critical)
    size = np.maximum(data.group_n, 1e-9)
    detectable = np.where(judged, (critical + stats.norm.ppf(POWER)) * _full_errors(data, variance), np.nan)
    adjusted_values = data.overall + (totals - expected) / size
    null_values = data.overall + (drawn - expected) / size
    return Evidence(
        judged=judged, comparable=comparable, p=omnibus_p(observed, null), adjusted_p=adjusted, reference=reference,
        low=low, high=high, shrunken=estimates, heterogeneity=heterogeneity,
        difference=np.where(judged, difference, np.nan), difference_low=np.where(judged, difference_low, np.nan),
        difference_high=np.where(judged, difference_high, np.nan), detectable=detectable,
        range=_range(adjusted_values[judged], null_values[:, judged], np.sqrt(variance[judged]) / size[judged], alpha),
        smallest=Detectable(*(float(f(detectable[judged])) for f in (np.min, np.median, np.max))),
    )  # fmt: skip


def omnibus_p(observed: np.ndarray, null: np.ndarray) -> float:
    """P-value of the smaller of the two p-values (sum of squares, maximum), from draws (B, groups) of |statistic|."""
    smaller = np.minimum(
        _upper_tail(np.append((null**2).sum(axis=1), (observed**2).sum())),
        _upper_tail(np.append(null.max(axis=1), observed.max())),
    )
    # The observed value counts among the draws: exact, never 0 (Phipson & Smyth 2010).
    return float((smaller <= smaller[-1] + 1e-12).mean())


def _upper_tail(values: np.ndarray) -> np.ndarray:
    """Share of values at least as large as each; a hair of slack makes equal draws tie."""
    ordered = np.sort(values)
    return 1 - np.searchsorted(ordered, values - 1e-9, side="left") / len(values)


def _comparable_share(data: GroupData) -> np.ndarray:
    """Share of each group's size that lies in strata where other groups are found too."""
    others = data.n.sum(axis=1, keepdims=True) - data.n
    size = data.group_n
    met = np.where(others > 0, data.n, 0.0).sum(axis=0)
    return np.divide(met, size, out=np.zeros_like(size), where=size > 0)


def _full_errors(data: GroupData, variance: np.ndarray) -> np.ndarray:
    """Standard error of a group's difference from the others, from the null variance of its deviation from all."""
    size = np.maximum(data.group_n, 1e-9)
    share = np.minimum(size / max(float(data.n.sum()), 1.0), 0.999)
    return np.sqrt(variance) / size / (1 - share)


def _step_down(
    data: GroupData,
    judged: np.ndarray,
    null: np.ndarray,
    rng: np.random.Generator,
    resamples: int,
    alpha: float,
    worse_sign: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Adjusted p-value per group (NaN if not judged) and the mask of groups that remain the reference.

    The first step uses the draws of the full pool and is exact. When the number of named groups doubles the draws are
    made anew on the pool that is left, so that a shifted overall rate does not distort them.
    """
    totals, positions = data.total.sum(axis=0), np.flatnonzero(judged)
    adjusted = np.full(len(data.groups), np.nan)
    pool, left = np.ones(len(data.groups), dtype=bool), judged.copy()
    largest_p, redraw_at = 0.0, 1
    while left.any():
        expected, variance = expected_and_variance(data, pool)
        found = np.abs(signed_roots(data, totals, expected, variance))
        candidate = _most_extreme(data, found, left, pool, totals - expected, worse_sign)
        columns = left[positions]
        p = float((1 + (null[:, columns].max(axis=1) >= found[candidate] - 1e-9).sum()) / (resamples + 1))
        largest_p = max(largest_p, p)
        adjusted[candidate] = largest_p
        left[candidate] = False
        if largest_p > alpha:
            _finish(adjusted, left, found, null, positions, largest_p)
            break
        if (pool & judged).sum() == 2:
            # Two groups are one comparison: the other one is the reference, not a second finding.
            pool[candidate] = False
            adjusted[left] = 1.0
            break
        if _may_leave(data, pool, judged, candidate):
            pool[candidate] = False
        named = int(judged.sum() - left.sum())
        if named >= redraw_at and left.any() and not pool.all():
            redraw_at = named * 2
            null = np.abs(_redraw(data, pool, positions, resamples, rng))
    return adjusted, pool


def _most_extreme(
    data: GroupData, found: np.ndarray, left: np.ndarray, pool: np.ndarray, deviation: np.ndarray, worse_sign: int
) -> int:
    """Position of the group to test next; of a pool of two, the worse one, else the smaller one."""
    if left.sum() == 2 and (left & pool).sum() == 2:
        pair = np.flatnonzero(left)
        key = deviation[pair] * worse_sign if worse_sign else -data.group_n[pair]
        return int(pair[np.argmax(key)])
    return int(np.argmax(np.where(left, found, -1.0)))


def _may_leave(data: GroupData, pool: np.ndarray, judged: np.ndarray, candidate: int) -> bool:
    """Whether the reference stays a reference without the candidate: half of the judged groups and some rows remain."""
    groups_left = int((pool & judged).sum()) - 1
    rows_left = float(data.n[:, pool].sum() - data.n[:, candidate].sum())
    return groups_left * 2 >= int(judged.sum()) and rows_left >= LEAST_REFERENCE_SHARE * float(data.n.sum())


def _finish(
    adjusted: np.ndarray, left: np.ndarray, found: np.ndarray, null: np.ndarray, positions: np.ndarray, floor: float
) -> None:
    """Adjusted p-values of the groups that remain after the first one that is not named."""
    order = np.flatnonzero(left)[np.argsort(-found[left], kind="stable")]
    if not len(order):
        return
    place = {position: column for column, position in enumerate(positions)}
    columns = [place[g] for g in order]
    # Maxima over the groups from each rank down: one reversed running maximum instead of one pass a group.
    running = np.maximum.accumulate(null[:, columns][:, ::-1], axis=1)[:, ::-1]
    p = (1 + (running >= found[order] - 1e-9).sum(axis=0)) / (null.shape[0] + 1)
    adjusted[order] = np.maximum.accumulate(np.maximum(p, floor))


def _redraw(
    data: GroupData, pool: np.ndarray, positions: np.ndarray, resamples: int, rng: np.random.Generator
) -> np.ndarray:
    """Draws of the statistic for all judged groups when those in the pool share one level."""
    part = GroupData(
        data.kind, tuple(np.array(data.groups, dtype=object)[pool]),
        data.rows[:, pool], data.n[:, pool], data.total[:, pool], data.squares[:, pool],
    )  # fmt: skip
    expected, variance = expected_and_variance(part, np.ones(int(pool.sum()), dtype=bool))
    drawn = np.zeros((resamples, len(data.groups)))
    drawn[:, pool] = signed_roots(part, null_totals(part, resamples, rng), expected, variance)
    outside = np.flatnonzero(~pool)
    # Groups outside the pool are already named or wait as the minority; their statistic is near normal.
    drawn[:, outside] = rng.standard_normal((resamples, len(outside)))
    return drawn[:, positions]


def _range(values: np.ndarray, null_values: np.ndarray, errors: np.ndarray, alpha: float) -> Range:
    """Spread of the judged values, corrected for the spread that chance makes.

    Lower bound: by the triangle inequality the observed range is at most the true one plus that of the noise. Upper
    bound: at the two truly extreme groups the observed difference misses the true one only by the noise of those two.
    """
    observed = float(values.max() - values.min())
    chance = null_values.max(axis=1) - null_values.min(axis=1)
    two_largest = np.sort(errors)[-2:]
    low = max(0.0, observed - float(np.quantile(chance, 1 - alpha / 2, method="higher")))
    high = observed + float(stats.norm.ppf(1 - alpha / 2) * np.hypot(*two_largest))
    mean = float(chance.mean())
    return Range(observed, mean, max(0.0, observed - mean), (low, high))
