"""Empirical-Bayes estimates for small and intersected groups.

Belongs here: how much of the spread between groups is real, and estimates drawn in by the rest.
Does not belong here: tests; a shrunken rate is an estimate and never a verdict.
"""

import numpy as np

from ml.core.fairness.grouped import GroupData
from ml.core.fairness.intervals import standard_errors


def between_group_variance(values: np.ndarray, errors: np.ndarray) -> float:
    """Variance of the true values between groups by the method of moments (DerSimonian & Laird 1986), at least 0."""
    usable = np.isfinite(values) & (errors > 0)
    if usable.sum() < 2:
        return 0.0
    weight = 1 / errors[usable] ** 2
    mean = np.average(values[usable], weights=weight)
    q = float((weight * (values[usable] - mean) ** 2).sum())
    scale = float(weight.sum() - (weight**2).sum() / weight.sum())
    return max(0.0, (q - (int(usable.sum()) - 1)) / scale) if scale > 0 else 0.0


def shrunken(data: GroupData, prior: np.ndarray | None = None) -> tuple[np.ndarray, float]:
    """Empirical-Bayes value per group, and the standard deviation of the true values between groups.

    For rates the prior is a Beta with the overall rate as mean and the estimated variance (beta-binomial; Efron &
    Morris 1975); for means it is normal (Morris 1983, JASA 78).

    Args:
        data: The metric's numbers.
        prior: Prior mean per group, such as the sum of the margins of an intersection; the overall value if None.
    """
    n, values = data.group_n, data.values
    centre = np.full(n.shape, data.overall) if prior is None else prior
    # Errors at the common value: a group's own error is too small exactly where its rate is extreme by chance.
    if data.kind == "rate":
        errors = np.sqrt(np.maximum(centre * (1 - centre), 1e-12) / np.maximum(n, 1))
    else:
        errors = standard_errors(data)
    deviations = np.where(n > 0, values - centre, np.nan)
    variance = between_group_variance(deviations, errors)
    if data.kind == "rate":
        limit = np.maximum(centre * (1 - centre), 1e-12)
        strength = limit / max(variance, 1e-12) - 1 if variance > 0 else np.full(n.shape, np.inf)
        keep = np.where(np.isinf(strength), 0.0, n / (n + np.maximum(strength, 0.0)))
    else:
        keep = variance / (variance + np.maximum(errors, 1e-12) ** 2)
    keep = np.where(n > 0, keep, 0.0)
    return centre + keep * np.where(n > 0, values - centre, 0.0), float(np.sqrt(variance))
