"""What legitimate factors explain of a number, without explaining a group's own treatment away.

Belongs here: the design of factors, the within-group regression, cluster-robust group means. Does not belong here:
which factors are legitimate, and what the remainder means (labels).

Source: the within (fixed-effects) estimator, Wooldridge 2010, Econometric Analysis of Cross Section and Panel Data,
§10.5; decomposition of a gap into explained and unexplained parts, Kitagawa 1955, Oaxaca 1973, Blinder 1973;
clusters, Liang & Zeger 1986. Slopes come from differences *inside* groups only: a region that is served late keeps
its lateness as its own level, and cannot lend it to the distance that it happens to have.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.preprocessing import SplineTransformer

from ml.core.fairness.errors import UnusableTable
from ml.core.fairness.grouped import GroupData

CATEGORY_LIMIT = 12
MOST_CATEGORIES = 60
#: Categories with fewer values than this are crossed with the numbers; more would make a design of thousands of
#: columns.
MOST_CROSSED = 8
KNOTS = 6
RIDGE = 1e-6
#: A row is comparable if this many rows of other groups lie within this share of a factor's spread.
FEWEST_NEIGHBOURS = 30
NEIGHBOURHOOD = 0.05


@dataclass(frozen=True)
class Adjusted:
    """A number split by factors.

    Attributes:
        explained: The part that follows the factors, per row, centred on all rows.
        remainder: The number less that part, per row.
        slope_variance: Variance that the estimated slopes add to each group's mean remainder, shape (groups,).
    """

    explained: np.ndarray
    remainder: np.ndarray
    slope_variance: np.ndarray


def design(table: pd.DataFrame, factors: Sequence[str]) -> np.ndarray:
    """Columns for the factors: splines of numbers, indicators of categories, and numbers × categories.

    A number with at most `CATEGORY_LIMIT` values counts as a category. Missing values are a category of their own.

    Raises:
        UnusableTable: a category has more than `MOST_CATEGORIES` values.
    """
    numbers: list[np.ndarray] = []
    categories: list[np.ndarray] = []
    for factor in factors:
        column = table[factor]
        if _is_number(column):
            values = column.to_numpy(dtype=float, na_value=np.nan)
            missing = ~np.isfinite(values)
            values = np.where(missing, np.nanmedian(np.where(missing, np.nan, values)), values)
            spline = SplineTransformer(n_knots=KNOTS, degree=2, knots="quantile", include_bias=False)
            numbers.append(spline.fit_transform(_spread(values)[:, None]))
            if missing.any():
                categories.append(missing[:, None].astype(float))
        else:
            categories.append(_indicators(column, factor))
    blocks = numbers + categories + [
        (number[:, :, None] * category[:, None, :]).reshape(len(table), -1)
        for number in numbers for category in categories if category.shape[1] < MOST_CROSSED
    ]  # fmt: skip
    return np.hstack(blocks) if blocks else np.zeros((len(table), 0))


def _is_number(column: pd.Series) -> bool:
    numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    return bool(numeric and column.nunique() > CATEGORY_LIMIT)


def _spread(values: np.ndarray) -> np.ndarray:
    """Values scaled to [0, 1]; equal quantiles would make equal knots, so ties are moved by a hair in their order."""
    low, high = float(values.min()), float(values.max())
    return (values - low) / (high - low) if high > low else np.zeros_like(values)


def _indicators(column: pd.Series, name: str) -> np.ndarray:
    codes, levels = pd.factorize(column.astype("str").fillna("missing"), sort=True)
    if len(levels) > MOST_CATEGORIES:
        raise UnusableTable(
            f"A factor with categories has at most {MOST_CATEGORIES}; {name!r} has {len(levels)}. Group its "
            f"values, or leave it out."
        )
    return (codes[:, None] == np.arange(1, len(levels))[None, :]).astype(float)


def comparable(table: pd.DataFrame, factors: Sequence[str], group: np.ndarray) -> np.ndarray:
    """Rows whose every factor value is also met by enough rows of other groups, as a mask.

    What only one group has (the farthest region's distances) cannot be told apart from that group, so its rows accuse
    nobody.
    """
    mask = np.ones(len(table), dtype=bool)
    for factor in factors:
        column = table[factor]
        if _is_number(column):
            mask &= _neighbours(column.to_numpy(dtype=float, na_value=np.nan), group) >= FEWEST_NEIGHBOURS
        else:
            codes = pd.factorize(column.astype("str").fillna("missing"))[0]
            own = pd.DataFrame({"level": codes, "group": group}).groupby(["level", "group"])["level"].transform("size")
            mask &= np.bincount(codes)[codes] - own.to_numpy() >= FEWEST_NEIGHBOURS
    return mask


def _neighbours(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Rows of other groups within a narrow window around each value; missing values are neighbours of each other."""
    missing = ~np.isfinite(values)
    filled = np.where(missing, np.nanmax(np.where(missing, np.nan, values)) * 2 + 1, values)
    window = NEIGHBOURHOOD * float(np.subtract(*np.nanpercentile(np.where(missing, np.nan, values), [95, 5])))
    found = _within(np.sort(filled), filled, window).astype(float)
    for g in np.unique(group):
        own = group == g
        found[own] -= _within(np.sort(filled[own]), filled[own], window)
    return found


def _within(ordered: np.ndarray, values: np.ndarray, window: float) -> np.ndarray:
    high = np.searchsorted(ordered, values + window, side="right")
    return np.asarray(high - np.searchsorted(ordered, values - window, side="left"))


def adjust(values: np.ndarray, columns: np.ndarray, group: np.ndarray, groups: int) -> Adjusted:
    """Split `values` by the design, with slopes estimated inside groups.

    Args:
        values: Numbers, shape (rows,).
        columns: Design, shape (rows, columns).
        group: Position of each row's group.
        groups: Number of groups.
    """
    sizes = np.maximum(np.bincount(group, minlength=groups), 1).astype(float)
    if columns.shape[1] == 0:
        return Adjusted(np.zeros_like(values), values.copy(), np.zeros(groups))
    means = np.stack([np.bincount(group, weights=c, minlength=groups) / sizes for c in columns.T], axis=1)
    inside = columns - means[group]
    level = np.bincount(group, weights=values, minlength=groups) / sizes
    gram = inside.T @ inside
    gram[np.diag_indices_from(gram)] += RIDGE * (np.trace(gram) / len(gram) + 1e-12)
    inverse = np.linalg.pinv(gram, hermitian=True)
    slopes = inverse @ (inside.T @ (values - level[group]))
    explained = (columns - columns.mean(axis=0)) @ slopes
    residual = values - level[group] - inside @ slopes
    noise = float(residual @ residual) / max(len(values) - groups - columns.shape[1], 1)
    away = means - columns.mean(axis=0)
    return Adjusted(explained, values - explained, noise * np.einsum("gi,ij,gj->g", away, inverse, away))


def clustered(
    values: np.ndarray, group: np.ndarray, names: Sequence[str], cluster: np.ndarray, extra: np.ndarray | None = None
) -> GroupData:
    """Group means with the variance that rows of one cluster (a day's orders share its weather and load) really have.

    Args:
        values: Numbers, shape (rows,).
        group: Position of each row's group.
        names: Names of the groups.
        cluster: Position of each row's cluster.
        extra: Variance to add to each group's mean, such as that of estimated slopes.
    """
    groups = len(names)
    n = np.bincount(group, minlength=groups).astype(float)
    total = np.bincount(group, weights=values, minlength=groups).astype(float)  # of no rows it counts in integers
    mean = np.divide(total, n, out=np.zeros(groups), where=n > 0)
    key, codes = np.unique(group.astype(np.int64) * (int(cluster.max(initial=0)) + 1) + cluster, return_inverse=True)
    sums = np.bincount(codes, weights=values - mean[group])
    owner = key // (int(cluster.max(initial=0)) + 1)
    clusters = np.bincount(owner, minlength=groups)
    variance = np.bincount(owner, weights=sums**2, minlength=groups) / np.maximum(n, 1) ** 2
    variance *= np.divide(clusters, clusters - 1, out=np.ones(groups), where=clusters > 1)
    variance = variance + (extra if extra is not None else 0.0)
    squares = np.divide(total**2, n, out=np.zeros(groups), where=n > 0) + np.maximum(n - 1, 0) * n * variance
    return GroupData("mean", tuple(names), n[None], n[None], total[None], squares[None])
