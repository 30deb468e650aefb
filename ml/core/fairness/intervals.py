"""Intervals for rates, means and differences at a level that already counts all groups.

Belongs here: Clopper–Pearson, Wilson, hybrid difference intervals. Does not belong here: which level to use
(inference).
"""

import numpy as np
from scipy import stats

from ml.core.fairness.grouped import GroupData


def sidak_level(alpha: float, groups: int) -> float:
    """Error per interval so that `groups` independent ones hold together with 1 − alpha (Šidák 1967, JASA 62)."""
    return float(-np.expm1(np.log1p(-alpha) / max(groups, 1)))


def clopper_pearson(positives: np.ndarray, n: np.ndarray, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Exact binomial interval (Clopper & Pearson 1934, Biometrika 26): never [0, 0] for a group without positives."""
    low = np.where(positives > 0, stats.beta.ppf(alpha / 2, np.maximum(positives, 1e-9), n - positives + 1), 0.0)
    high = np.where(
        positives < n, stats.beta.ppf(1 - alpha / 2, positives + 1, np.maximum(n - positives, 1e-9)), 1.0
    )  # fmt: skip
    return low, high


def wilson(rate: np.ndarray, n: np.ndarray, z: float) -> tuple[np.ndarray, np.ndarray]:
    """Score interval of a rate at critical value `z` (Wilson 1927, JASA 22)."""
    n = np.maximum(n, 1e-9)
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(np.maximum(rate * (1 - rate) / n + z * z / (4 * n * n), 0.0))
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


def value_intervals(data: GroupData, judged: np.ndarray, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Simultaneous interval of each judged group's own rate or mean; NaN for the others. Shape (groups,) each."""
    level = sidak_level(alpha, int(judged.sum()))
    n, values = data.group_n, data.values
    low, high = np.full(n.shape, np.nan), np.full(n.shape, np.nan)
    if data.kind == "rate":
        low[judged], high[judged] = clopper_pearson(data.total.sum(axis=0)[judged], n[judged], level)
    else:
        half = stats.t.ppf(1 - level / 2, np.maximum(n[judged] - 1, 1)) * standard_errors(data)[judged]
        low[judged], high[judged] = values[judged] - half, values[judged] + half
    return low, high


def standard_errors(data: GroupData) -> np.ndarray:
    """Standard error of each group's own value, with half a success and half a failure added for rates."""
    n = np.maximum(data.group_n, 1e-9)
    if data.kind == "rate":
        smooth = (data.total.sum(axis=0) + 0.5) / (n + 1)
        return np.sqrt(smooth * (1 - smooth) / n)
    mean = data.total.sum(axis=0) / n
    variance = np.maximum(data.squares.sum(axis=0) / n - mean**2, 0.0) * n / np.maximum(n - 1, 1)
    return np.sqrt(variance / n)


def difference_intervals(
    data: GroupData, reference: np.ndarray, critical: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Difference of each group from the reference groups other than itself, with a hybrid interval at `critical`.

    Within strata the difference is indirectly standardised: the group's value minus what it would be at the reference's
    level of each stratum. The interval joins the group's and the reference's own ones by the square-and-add rule
    (Newcombe 1998, Statistics in Medicine 17, method 10; Zou & Donner 2008 for the general form).

    Args:
        data: The metric's numbers.
        reference: Mask of the groups that make the reference.
        critical: Critical value that counts all groups.

    Returns:
        difference, low, high; NaN where there is nothing to compare with.
    """
    inside = np.where(reference, 1.0, 0.0)
    n_ref = (data.n * inside).sum(axis=1, keepdims=True) - data.n * inside
    t_ref = (data.total * inside).sum(axis=1, keepdims=True) - data.total * inside
    comparable = (n_ref > 0) & (data.n > 0)
    level = np.divide(t_ref, n_ref, out=np.zeros_like(t_ref), where=comparable)
    n = np.where(comparable, data.n, 0.0)
    size = n.sum(axis=0)
    share = np.divide(n, size, out=np.zeros_like(n), where=size > 0)
    own = np.divide(data.total, data.n, out=np.zeros_like(data.total), where=data.n > 0)
    allowed = 0.0 if data.offset is None else np.divide(data.offset, data.n, out=np.zeros_like(own), where=data.n > 0)
    value, expected = (share * own).sum(axis=0), (share * level).sum(axis=0)
    moved = np.asarray((share * allowed).sum(axis=0))
    difference = np.where(size > 0, value - expected - moved, np.nan)
    if data.kind == "rate":
        low_own, high_own = _stratified_wilson(own, n, share, value, critical)
        low_ref, high_ref = _stratified_wilson(level, np.where(comparable, n_ref, 0.0), share, expected, critical)
        low = difference - np.hypot(value - low_own, high_ref - expected)
        high = difference + np.hypot(high_own - value, expected - low_ref)
        return difference, np.where(size > 0, low, np.nan), np.where(size > 0, high, np.nan)
    within = np.divide(data.squares, data.n, out=np.zeros_like(own), where=data.n > 0) - own**2
    squares_ref = (data.squares * inside).sum(axis=1, keepdims=True) - data.squares * inside
    within_ref = np.divide(squares_ref, n_ref, out=np.zeros_like(own), where=comparable) - level**2
    variance = share**2 * (
        np.divide(np.maximum(within, 0), n, out=np.zeros_like(n), where=n > 0)
        + np.divide(np.maximum(within_ref, 0), n_ref, out=np.zeros_like(n), where=comparable)
    )
    half = critical * np.sqrt(variance.sum(axis=0))
    return difference, difference - np.where(size > 0, half, np.nan), difference + np.where(size > 0, half, np.nan)


def _stratified_wilson(
    rates: np.ndarray, n: np.ndarray, share: np.ndarray, value: np.ndarray, critical: float
) -> tuple[np.ndarray, np.ndarray]:
    """Wilson interval of a weighted sum of stratum rates, at the size whose binomial variance equals the sum's."""
    positive = n > 0
    smooth = np.divide(rates * n + 0.5, n + 1, out=np.zeros_like(rates), where=positive)
    variance = np.divide(share**2 * smooth * (1 - smooth), n, out=np.zeros_like(n), where=positive).sum(axis=0)
    total = n.sum(axis=0)
    smooth_value = np.where(total > 0, (value * total + 0.5) / (total + 1), 0.5)
    size = np.where(variance > 0, smooth_value * (1 - smooth_value) / np.where(variance > 0, variance, 1.0), 1.0)
    return wilson(value, np.minimum(size, total) if rates.shape[0] == 1 else size, critical)
