"""The statistic of each group against the others, and its distribution when no group differs.

Belongs here: signed-root statistics and null draws for rates and means, with and without strata.
Does not belong here: what is concluded from them (inference).

Null hypothesis: within each stratum, group and outcome are independent. For rates the group totals are then
multivariate hypergeometric given both margins, which is the permutation distribution of the rows and is drawn exactly
(Fisher 1935; for strata: Mantel & Haenszel 1959; Agresti 2013, Categorical Data Analysis, §6.4). Where exact draws
would be too many, and for means, the draws are normal with the permutation covariance, or each group's own variance
(Chung & Romano 2013, Annals of Statistics 41(2): studentised permutation tests hold when variances differ).
"""

from dataclasses import dataclass

import numpy as np

from ml.core.fairness.grouped import GroupData

#: Exact draws cost strata × groups × resamples; above this the normal limit with the same covariance is drawn.
MOST_EXACT_DRAWS = 12_000_000
#: numpy's marginal method refuses larger populations.
LARGEST_EXACT_POPULATION = 900_000_000
#: A drawn variance is at least this share of the true one.
LEAST_ERROR_FACTOR = 0.05


def expected_and_variance(data: GroupData, pool: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Expected total and its null variance per group, given that the groups in `pool` (mask) share one rate or mean.

    For a group outside the pool the variance includes that of the pool's own value. Shape (groups,) each.
    """
    n_pool = data.n[:, pool].sum(axis=1, keepdims=True)
    t_pool = data.total[:, pool].sum(axis=1, keepdims=True)
    level = np.divide(t_pool, n_pool, out=np.zeros_like(t_pool), where=n_pool > 0)
    comparable = (n_pool > 0) & np.where(pool, n_pool > data.n, True)
    n = np.where(comparable, data.n, 0.0)
    expected = (n * level + np.where(comparable, 0.0, data.total)).sum(axis=0)
    share = np.divide(n, n_pool, out=np.zeros_like(n), where=n_pool > 0)
    if data.kind == "rate":
        spread = level * (1 - level)
        inside = n * (1 - share) * np.divide(n_pool, n_pool - 1, out=np.ones_like(n_pool), where=n_pool > 1)
        variance = np.where(pool, inside, n * (1 + share)) * spread
        return expected + _allowed(data, comparable), variance.sum(axis=0)
    own = _within_variance(data)
    pool_variance = (np.where(pool, data.n, 0.0) * own).sum(axis=1, keepdims=True)
    pool_variance = np.divide(pool_variance, n_pool, out=np.zeros_like(n_pool), where=n_pool > 0)
    rest = np.where(pool, pool_variance * n_pool - data.n * own, pool_variance * n_pool)
    variance = np.where(pool, n * (1 - share) ** 2 * own + share**2 * rest, n * own + share**2 * rest)
    return expected, np.maximum(variance, 0.0).sum(axis=0)


def _allowed(data: GroupData, comparable: np.ndarray) -> np.ndarray:
    return np.zeros(data.n.shape[1]) if data.offset is None else np.where(comparable, data.offset, 0.0).sum(axis=0)


def _within_variance(data: GroupData) -> np.ndarray:
    """Sample variance of the values per stratum and group, shrunk to the stratum's where a cell is small."""
    centred = data.squares - np.divide(data.total**2, data.n, out=np.zeros_like(data.total), where=data.n > 0)
    pooled = centred.sum(axis=1, keepdims=True) / np.maximum((data.n - 1).clip(min=0).sum(axis=1, keepdims=True), 1)
    prior = 5.0
    return (np.maximum(centred, 0.0) + prior * pooled) / np.maximum(data.n - 1 + prior, prior)


def signed_roots(data: GroupData, totals: np.ndarray, expected: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """How far each total lies from its expectation, on the scale of a standard normal; 0 where nothing can vary.

    For rates it is the signed root of the binomial deviance, scaled to the null variance: closer to normal in the
    tails of rare events than (O − E)/σ, so that small groups do not dominate a maximum (McCullagh & Nelder 1989, §4.4).

    Args:
        data: The metric's numbers.
        totals: Observed or drawn totals, shape (…, groups).
        expected: Expected totals, shape as `variance` or as `totals`.
        variance: Null variance of the totals, from `expected_and_variance`.
    """
    usable = variance > 1e-12
    deviation = totals - expected
    if data.kind == "mean":
        return np.where(usable, deviation / np.sqrt(np.where(usable, variance, 1.0)), 0.0)
    n = data.group_n
    binomial = expected * (1 - expected / np.where(n > 0, n, 1.0))
    usable = usable & (binomial > 1e-12)
    scale = np.where(usable, binomial / np.where(usable, variance, 1.0), 0.0)
    deviance = 2 * (_times_log_ratio(totals, expected) + _times_log_ratio(n - totals, n - expected))
    return np.sign(deviation) * np.sqrt(np.maximum(deviance, 0.0) * scale)


def _times_log_ratio(observed: np.ndarray, expected: np.ndarray) -> np.ndarray:
    ratio = np.where((observed > 0) & (expected > 0), observed / np.where(expected > 0, expected, 1.0), 1.0)
    return observed * np.log(np.where(ratio > 0, ratio, 1.0))


@dataclass(frozen=True)
class NullDraws:
    """Draws under the null, shape (resamples, groups): totals, and by which factor a drawn standard error is off."""

    totals: np.ndarray
    error_factor: np.ndarray | None = None


def null_draws(data: GroupData, resamples: int, rng: np.random.Generator) -> NullDraws:
    """Draw what the groups would show if none differed."""
    if data.kind == "mean":
        return _mean_draws(data, resamples, rng)
    return NullDraws(_rate_totals(data, resamples, rng) + data.group_offset)


def null_statistics(data: GroupData, draws: NullDraws, centre: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Statistic of each draw, shape (resamples, groups)."""
    found = signed_roots(data, draws.totals, centre, variance)
    return found if draws.error_factor is None else found / draws.error_factor


def _rate_totals(data: GroupData, resamples: int, rng: np.random.Generator) -> np.ndarray:
    strata, groups = data.n.shape
    populations = data.n.sum(axis=1)
    exact = strata * groups * resamples <= MOST_EXACT_DRAWS and populations.max(initial=0) < LARGEST_EXACT_POPULATION
    if exact:
        drawn = np.zeros((resamples, groups))
        for sizes, positives in zip(data.n.astype(np.int64), data.total.sum(axis=1).astype(np.int64), strict=True):
            if 0 < positives < sizes.sum():
                drawn += rng.multivariate_hypergeometric(sizes, positives, size=resamples, method="marginals")
            else:
                drawn += sizes * (positives > 0)
        return drawn
    return _normal_totals(data, resamples, rng)


def _normal_totals(data: GroupData, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Normal draws of rates with the permutation covariance, stratum by stratum.

    Each group's total is disturbed by its own noise; taking the stratum's total disturbance back in proportion to size
    gives the covariance of sampling without replacement.
    """
    drawn = np.zeros((resamples, data.n.shape[1]))
    for sizes, totals in zip(data.n, data.total, strict=True):
        population = sizes.sum()
        if population <= 1:
            drawn += totals
            continue
        level = totals.sum() / population
        spread = level * (1 - level) * population / (population - 1)
        drawn += _without_replacement(
            rng.standard_normal((resamples, len(sizes))), sizes, level, np.sqrt(sizes * spread)
        )
    return np.clip(drawn, 0.0, data.group_n)


def _mean_draws(data: GroupData, resamples: int, rng: np.random.Generator) -> NullDraws:
    """Draws of means with each group's own variance, right to the second order for skewed values.

    A sum of n values with skewness γ is its Cornish–Fisher expansion Z + γ (Z² − 1) / 6√n, and its standard error moves
    with it: s²/σ² ≈ 1 + γ Z / √n + noise of the kurtosis (Hall 1992, The Bootstrap and Edgeworth Expansion, §2.6).
    Leaving either out doubles the false alarms for rare events in groups of a hundred rows.
    """
    drawn, own = np.zeros((resamples, data.n.shape[1])), _within_variance(data)
    combined = np.zeros_like(drawn)
    for s, sizes in enumerate(data.n):
        population = sizes.sum()
        if population <= 1:
            drawn += data.total[s]
            continue
        root = np.sqrt(np.maximum(sizes, 1.0))
        z = rng.standard_normal((resamples, len(sizes)))
        skewed = z + data.skewness * (z**2 - 1) / (6 * root)
        level, error = data.total[s].sum() / population, np.sqrt(sizes * own[s])
        drawn += _without_replacement(skewed, sizes, level, error)
        combined += z * error
    size = np.maximum(data.group_n, 1.0)
    total_error = np.sqrt(np.maximum((data.n * own).sum(axis=0), 1e-300))
    noise = np.sqrt(max(data.kurtosis + 2 - data.skewness**2, 0.0) / size) * rng.standard_normal(drawn.shape)
    squared = 1 + data.skewness * (combined / total_error) / np.sqrt(size) + noise
    return NullDraws(drawn, np.sqrt(np.maximum(squared, LEAST_ERROR_FACTOR)))


def _without_replacement(noise: np.ndarray, sizes: np.ndarray, level: float, errors: np.ndarray) -> np.ndarray:
    disturbed = noise * errors
    disturbed -= disturbed.sum(axis=1, keepdims=True) * (sizes / sizes.sum())
    return sizes * level + disturbed
