"""Proxies and selective labels: can the features tell the group, and is the outcome known equally often?

Belongs here: the strength of single features and of all together; missing labels by group. Does not belong here:
dropping proxies (mitigation).

A model without the group's column still treats groups apart when other columns tell the group: nobody used a protected
field when same-day delivery left out whole districts, post codes were enough.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedKFold

from ml.core.fairness.audit import audit_predictions
from ml.core.fairness.cells import is_unknown
from ml.core.fairness.errors import UnusableTable
from ml.core.fairness.intervals import wilson
from ml.core.fairness.results import Interval, MetricResult, Verdict, json_values

#: Bias-corrected Cramér's V from which a feature is called a proxy (a strong association by Cohen's convention).
PROXY_FROM = 0.3
BINS = 20
MOST_ROWS = 20_000
FOLDS = 3
Z = 1.959963984540054


@dataclass(frozen=True)
class FeatureProxy:
    """How strongly one feature tells the group: bias-corrected Cramér's V from 0 to 1."""

    feature: str
    association: float
    is_proxy: bool


@dataclass(frozen=True)
class ProxyResult:
    """Whether the features tell the group.

    Attributes:
        features: Per feature, strongest first.
        accuracy: Share of held-out rows whose group all features together name rightly.
        accuracy_interval: Its 95 % interval.
        baseline: The same when always naming the largest group.
        rows: Rows used.
    """

    features: tuple[FeatureProxy, ...]
    accuracy: float
    accuracy_interval: Interval
    baseline: float
    rows: int

    @property
    def proxies(self) -> tuple[str, ...]:
        """Names of the features that are proxies."""
        return tuple(f.feature for f in self.features if f.is_proxy)

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        plain: dict[str, Any] = json_values(self)
        return plain


def find_proxies(
    table: pd.DataFrame, *, group: str, features: Sequence[str], minimum_support: int = 100, seed: int = 0
) -> ProxyResult:
    """Measure how well features tell the group.

    Single features by the bias-corrected Cramér's V of their bins (Bergsma 2013, Journal of the Korean Statistical
    Society 42); all together by a cross-validated forest on at most `MOST_ROWS` rows.

    Raises:
        UnusableTable: a column is missing, or fewer than two groups have the support.
    """
    absent = [c for c in (group, *features) if c not in table.columns]
    if absent or not features:
        raise UnusableTable(
            f"Features are columns of the table; {absent or 'none'} named are not in it. Name some that are."
        )
    known = table[table[group].notna() & ~table[group].astype("str").map(is_unknown)]
    sizes = known[group].astype("str").value_counts()
    judged = set(sizes.index[sizes >= minimum_support])
    known = known[known[group].astype("str").isin(judged)]
    if len(judged) < 2:
        raise UnusableTable(
            f"Two groups with {minimum_support} rows are needed to look for proxies; there are {len(judged)}."
        )
    codes = pd.factorize(known[group].astype("str"), sort=True)[0]
    measured = [FeatureProxy(f, v, v >= PROXY_FROM) for f in features if (v := _cramer(known[f], codes)) is not None]
    hits, rows, baseline = _held_out(known[list(features)], codes, seed)
    low, high = wilson(np.array([hits / rows]), np.array([rows]), Z)
    return ProxyResult(
        tuple(sorted(measured, key=lambda f: (-f.association, f.feature))), hits / rows, (float(low[0]),
        float(high[0])), baseline, rows,
    )  # fmt: skip


def _binned(column: pd.Series) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(column) and column.nunique() > BINS:
        values = column.to_numpy(dtype=float, na_value=np.nan)
        edges = np.unique(np.nanquantile(values, np.linspace(0, 1, BINS + 1)[1:-1]))
        return np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values))
    return np.asarray(pd.factorize(column.astype("str").fillna("missing"))[0])


def _cramer(column: pd.Series, codes: np.ndarray) -> float:
    counts = pd.crosstab(_binned(column), codes).to_numpy(dtype=float)
    n, (rows, columns) = counts.sum(), counts.shape
    if rows < 2 or columns < 2:
        return 0.0
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0, keepdims=True) / n
    phi = float(((counts - expected) ** 2 / expected).sum()) / n
    corrected = max(0.0, phi - (rows - 1) * (columns - 1) / (n - 1))
    smaller = min(rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1))
    return float(np.sqrt(corrected / (smaller - 1))) if smaller > 1 else 0.0


def _held_out(features: pd.DataFrame, codes: np.ndarray, seed: int) -> tuple[int, int, float]:
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(codes))[:MOST_ROWS]
    encoded = np.column_stack([_encoded(features[c].iloc[chosen]) for c in features.columns])
    target = codes[chosen]
    kept = np.isin(target, np.flatnonzero(np.bincount(target) >= FOLDS))
    encoded, target = encoded[kept], target[kept]
    hits = 0
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(encoded, target):
        model = RandomForestClassifier(n_estimators=40, min_samples_leaf=5, random_state=seed)
        hits += int((model.fit(encoded[train], target[train]).predict(encoded[test]) == target[test]).sum())
    return hits, len(target), float(np.bincount(target).max() / len(target))


def _encoded(column: pd.Series) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(dtype=float, na_value=np.nan)
    return pd.factorize(column.astype("str"), sort=True)[0].astype(float)


@dataclass(frozen=True)
class SelectiveLabels:
    """Whether outcomes are known equally often in all groups; where not, every other metric sees a part only."""

    verdict: Verdict
    metric: MetricResult

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        plain: dict[str, Any] = json_values(self)
        return plain


def selective_labels(table: pd.DataFrame, *, label: str, group: str, **settings: Any) -> SelectiveLabels:
    """Judge the share of rows without an outcome by group.

    Args:
        table: All rows that should have an outcome by now.
        label: Column of the outcome, missing where not known.
        group: Column of the group.
        **settings: As in `audit_predictions`.
    """
    if label not in table.columns:
        raise UnusableTable(f"Column {label!r} is not in the table, which has {list(table.columns)}. Name one that is.")
    marked = table.assign(_is_missing=table[label].isna().astype(int))
    audit = audit_predictions(marked, label="_is_missing", group=group, metrics=["base_rate"], **settings)
    return SelectiveLabels(audit.verdict, audit.metrics["base_rate"])
