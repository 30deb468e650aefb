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
from ml.core.fairness.statistics import NullDraws, expected_and_variance, null_draws, null_statistics, signed_roots

POWER = 0.80
#: Without others in a comparable stratum there is nothing to say; below this share of a group's rows it is not judged.
LEAST_COMPARABLE_SHARE = 0.2
MOST_ROUNDS = 5


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
    data: GroupData,
    *,
    minimum_support: int,
    alpha: float,
    resamples: int,
    seed: int,
    worse_sign: int = 0,
    shown: GroupData | None = None,
) -> Evidence:
    """Infer on one metric.

    The omnibus test takes the smaller p-value of the sum of cubes (several differences) and the maximum (one large
    one), calibrated on the same draws, so that its level is exact. Naming is a step-down maximum test (Westfall & Young
    1993; Romano & Wolf 2005) of the deviations from their size-weighted median.

    Args:
        data: The metric's numbers.
        minimum_support: Fewest rows at which a group is judged.
        alpha: Family-wise error.
        resamples: Draws under the null.
        seed: Seed of the draws.
        worse_sign: 1 if higher is worse, −1 if lower, 0 if neither; decides which of two groups is named.
        shown: The numbers that are printed, where they are not those that are tested (calibration).
    """
    everybody = np.ones(len(data.groups), dtype=bool)
    expected, variance = expected_and_variance(data, everybody)
    comparable = _comparable_share(data)
    supported = (np.minimum(data.group_rows, data.group_n) >= minimum_support) & (data.group_n > 0)
    judged = supported & (comparable >= LEAST_COMPARABLE_SHARE) & (variance > 1e-12)
    shown = data if shown is None else shown
    estimates, heterogeneity = shrunken(shown)
    nothing = np.full(len(data.groups), np.nan)
    if judged.sum() < 2:
        return Evidence(~everybody, comparable, None, nothing, everybody, nothing, nothing, estimates, heterogeneity,
                        nothing, nothing, nothing, nothing, None, None)  # fmt: skip
    rng = np.random.default_rng(seed)
    totals = data.total.sum(axis=0)
    drawn = null_draws(data, resamples, rng)
    null = np.abs(null_statistics(data, drawn, expected, variance))[:, judged]
    observed = np.abs(signed_roots(data, totals, expected, variance))[judged]
    critical = float(np.quantile(null.max(axis=1), 1 - alpha, method="higher"))
    adjusted, reference = _step_down(data, judged, drawn, expected, variance, alpha, worse_sign)
    low, high = value_intervals(shown, judged, alpha)
    difference, difference_low, difference_high = difference_intervals(data, reference, critical)
    size = np.maximum(data.group_n, 1e-9)
    detectable = np.where(judged, (critical + stats.norm.ppf(POWER)) * _full_errors(data, variance), np.nan)
    adjusted_values = data.overall + (totals - expected) / size
    null_values = data.overall + (drawn.totals - expected) / size
    return Evidence(
        judged=judged, comparable=comparable, p=omnibus_p(observed, null), adjusted_p=adjusted, reference=reference,
        low=low, high=high, shrunken=estimates, heterogeneity=heterogeneity,
        difference=np.where(judged, difference, np.nan), difference_low=np.where(judged, difference_low, np.nan),
        difference_high=np.where(judged, difference_high, np.nan), detectable=detectable,
        range=_range(adjusted_values[judged], null_values[:, judged], np.sqrt(variance[judged]) / size[judged], alpha),
        smallest=Detectable(*(float(f(detectable[judged])) for f in (np.min, np.median, np.max))),
    )  # fmt: skip


def omnibus_p(observed: np.ndarray, null: np.ndarray) -> float:
    """P-value of the smaller of the two p-values (sum of cubes, maximum), from draws (B, groups) of |statistic|.

    Cubes lie between squares, which favour differences everywhere, and the maximum: with 3 of 31 groups off they find
    more than squares do (0.64 against 0.59 where both are tuned to 5 %), and lose next to nothing where half are off.
    """
    smaller = np.minimum(
        _upper_tail(np.append((null**3).sum(axis=1), (observed**3).sum())),
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
    drawn: NullDraws,
    expected: np.ndarray,
    variance: np.ndarray,
    alpha: float,
    worse_sign: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Adjusted p-value per group (NaN if not judged) and the mask of groups that make the reference.

    Deviations are taken from their size-weighted median, what the typical row meets: a few groups that truly differ
    hardly move it, so that they do not make good groups look different. Named groups then leave the median, as long as
    half of the rows stay, and all are judged once more, each with itself in the median as in the draws: a good group
    that was named only because the others had moved the median would else stay named, its own weight missing.
    """
    totals = data.total.sum(axis=0)
    everybody = np.ones(len(data.groups), dtype=bool)
    null = _centred(data, drawn, expected, variance, everybody)[:, judged]
    pool, adjusted = everybody, np.full(len(data.groups), np.nan)
    for _ in range(MOST_ROUNDS):
        found = _centred(data, NullDraws(totals[None]), expected, variance, pool)[0]
        for g in np.flatnonzero(~pool):
            itself = pool | (np.arange(len(pool)) == g)
            found[g] = _centred(data, NullDraws(totals[None]), expected, variance, itself)[0, g]
        adjusted[judged] = step_down_p(found[judged], null)
        left = everybody & ~(np.nan_to_num(adjusted, nan=1.0) <= alpha)
        if (left == pool).all() or data.n[:, left].sum() * 2 < data.n.sum():
            break
        pool = left
    if judged.sum() == 2:
        return _of_two(data, judged, adjusted, totals - expected, alpha, worse_sign)
    unnamed = everybody & ~(np.nan_to_num(adjusted, nan=1.0) <= alpha)
    return adjusted, unnamed if unnamed.any() else everybody


def _centred(
    data: GroupData, draws: NullDraws, expected: np.ndarray, variance: np.ndarray, pool: np.ndarray
) -> np.ndarray:
    """Absolute statistic of each deviation from the pool's size-weighted median deviation, shape as the draws."""
    n = np.maximum(data.group_n, 1e-9)
    middle = _weighted_median(((draws.totals - expected) / n)[:, pool], n[pool])[:, None]
    centre = expected + middle * n
    if data.kind == "rate":
        # A shifted expectation must stay a possible count.
        centre = np.clip(centre, 0.5 * np.minimum(expected, 1.0), n - 0.5 * np.minimum(n - expected, 1.0))
    return np.abs(null_statistics(data, draws, centre, variance))


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Median of each row of `values` with a weight per column: half of the weight lies on either side."""
    order = np.argsort(values, axis=1, kind="stable")
    ordered, cumulative = np.take_along_axis(values, order, axis=1), np.cumsum(weights[order], axis=1)
    half = weights.sum() / 2
    low = np.argmax(cumulative >= half * (1 - 1e-12), axis=1)
    high = np.argmax(cumulative > half * (1 + 1e-12), axis=1)
    rows = np.arange(len(values))
    return np.asarray((ordered[rows, low] + ordered[rows, high]) / 2)


def step_down_p(observed: np.ndarray, null: np.ndarray) -> np.ndarray:
    """Family-wise p-values of absolute statistics by the step-down maximum (Westfall & Young 1993, algorithm 2.8).

    Args:
        observed: Statistics, shape (groups,).
        null: Draws of them under the null, shape (draws, groups).
    """
    order = np.argsort(-observed, kind="stable")
    # Maxima over the groups from each rank down: one reversed running maximum instead of one pass a group.
    running = np.maximum.accumulate(null[:, order][:, ::-1], axis=1)[:, ::-1]
    p = np.empty(len(observed))
    p[order] = np.maximum.accumulate((1 + (running >= observed[order] - 1e-9).sum(axis=0)) / (len(null) + 1))
    return p


def _of_two(
    data: GroupData, judged: np.ndarray, adjusted: np.ndarray, deviation: np.ndarray, alpha: float, worse_sign: int
) -> tuple[np.ndarray, np.ndarray]:
    """Two groups are one comparison: the worse one is named (else the smaller one), the other is its reference."""
    first, second = np.flatnonzero(judged)
    p = float(np.nanmin(adjusted))
    key = deviation * worse_sign if worse_sign else -data.group_n
    named, other = (first, second) if key[first] >= key[second] else (second, first)
    result, reference = adjusted.copy(), np.ones(len(judged), dtype=bool)
    result[named], result[other], reference[named] = p, 1.0, p > alpha
    return result, reference


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
