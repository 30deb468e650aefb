"""Mitigation, priced: what each remedy takes off the gap and what it costs, as one trade-off curve.

Belongs here: fitting the remedies on one part of the data and pricing them on another. Does not belong here: choosing
one.

Remedies: reweighing (Kamiran & Calders 2012, Knowledge and Information Systems 33), dropped proxies, thresholds
calibrated by group (Hardt et al. 2016, without their randomisation), and exponentiated gradient (Agarwal et al. 2018,
Fairlearn's reductions). The last draws a model at random for every decision: it is shown on the curve, but not
offered where a decision must be explained.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone

from ml.core.fairness.errors import UnusableTable
from ml.core.fairness.results import Interval, json_values

Z = 1.959963984540054
#: The exponentiated gradient refits once a round and group at odds; it is shown and never offered, so it gets little.
REDUCTION_ROWS, REDUCTION_ROUNDS = 4000, 8


@dataclass(frozen=True)
class Remedy:
    """One point of the curve.

    Attributes:
        name: `none`, `reweighing`, `without_proxies`, `thresholds_by_group` or `exponentiated_gradient`.
        gap: Spread of the groups' false negative rates on unseen rows: the standard deviation of the true rates.
        gap_interval: Its 95 % bootstrap interval.
        cost: Cost per row on unseen rows: a missed positive costs `cost_of_missing`, a false alarm `cost_of_alarm`.
        cost_interval: Its 95 % bootstrap interval.
        kept: Share of the gap without a remedy that remains; None where there is no gap to take off.
        kept_interval: Its 95 % interval.
        extra: Share by which the cost lies above that without a remedy, on the same rows.
        extra_interval: Its 95 % interval, of the paired differences.
        randomised: Whether two equal rows may be decided differently.
        offered: Whether it may be chosen for a decision that must be explained.
    """

    name: str
    gap: float
    gap_interval: Interval
    cost: float
    cost_interval: Interval
    kept: float | None
    kept_interval: Interval | None
    extra: float
    extra_interval: Interval
    randomised: bool
    offered: bool


@dataclass(frozen=True)
class TradeOff:
    """The curve: all remedies on the same unseen rows; `efficient` are those that no other beats on both axes."""

    remedies: tuple[Remedy, ...]
    cost_of_missing: float
    cost_of_alarm: float
    groups: int
    rows: int

    @property
    def efficient(self) -> tuple[str, ...]:
        """Names of the offered remedies that no other offered one beats in both gap and cost."""
        offered = [r for r in self.remedies if r.offered]
        return tuple(
            r.name for r in offered
            if not any((o.gap < r.gap and o.cost <= r.cost) or (o.gap <= r.gap and o.cost < r.cost) for o in offered)
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        plain: dict[str, Any] = {**json_values(self), "efficient": list(self.efficient)}
        return plain


def price_mitigation(
    estimator: BaseEstimator,
    train: pd.DataFrame,
    test: pd.DataFrame,
    *,
    label: str,
    group: str,
    features: Sequence[str],
    proxies: Sequence[str] = (),
    cost_of_missing: float = 5.0,
    cost_of_alarm: float = 1.0,
    minimum_support: int = 100,
    with_reductions: bool = True,
    seed: int = 0,
    resamples: int = 500,
) -> TradeOff:
    """Fit every remedy on `train` and price it on `test`.

    Args:
        estimator: Unfitted classifier with `predict_proba` and `sample_weight`; takes `features` as they are.
        train: Rows to fit on; label and group known.
        test: Later rows to price on; label and group known.
        label: Column of 0 and 1.
        group: Column of the group.
        features: Columns that the estimator uses.
        proxies: Features to leave out in the remedy `without_proxies`.
        cost_of_missing: Cost of a positive that was not flagged.
        cost_of_alarm: Cost of a negative that was flagged.
        minimum_support: Fewest positives of a group, in train for its own threshold and in test for the gap.
        with_reductions: Whether to fit the exponentiated gradient, which takes dozens of fits.
        seed: Seed of bootstrap and of the randomised remedy.
        resamples: Bootstrap draws.

    Raises:
        UnusableTable: fewer than two groups have the support in `test`.
    """
    target, groups = test[label].to_numpy(dtype=int), test[group].astype("str").to_numpy()
    names, sizes = np.unique(groups[target == 1], return_counts=True)
    judged = names[sizes >= minimum_support]
    if len(judged) < 2:
        raise UnusableTable(
            f"Pricing needs two groups with {minimum_support} positives among the test rows; there are {len(judged)}. "
            f"Give more rows or lower the minimum support."
        )
    threshold = cost_of_alarm / (cost_of_alarm + cost_of_missing)
    columns = list(features)
    plain = clone(estimator).fit(train[columns], train[label])
    decisions = {
        "none": _scores(plain, test[columns]) >= threshold,
        "reweighing": _scores(_reweighed(estimator, train, label, group, columns), test[columns]) >= threshold,
        "thresholds_by_group": _scores(plain, test[columns])
        >= _own_thresholds(plain, train, columns, label, group, threshold, groups, minimum_support),
    }
    rest = [c for c in columns if c not in set(proxies)]
    if proxies and rest:
        decisions["without_proxies"] = _scores(clone(estimator).fit(train[rest], train[label]), test[rest]) >= threshold
    if with_reductions:
        decisions["exponentiated_gradient"] = _reduced(estimator, train, test, label, group, columns, seed)
    prices = (cost_of_missing, cost_of_alarm)
    outcomes = {
        name: _outcome(decided, target, groups, judged, prices, seed + turn, resamples)
        for turn, (name, decided) in enumerate(decisions.items())
    }
    remedies = tuple(_priced(name, found, outcomes["none"]) for name, found in outcomes.items())
    return TradeOff(remedies, cost_of_missing, cost_of_alarm, len(judged), len(test))


def reweighing(label: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Weights under which label and group are independent: expected share of each pair over its observed share."""
    table = pd.crosstab(group, label)
    expected = table.sum(axis=1).to_numpy()[:, None] * table.sum(axis=0).to_numpy()[None, :] / table.to_numpy().sum()
    ratio = pd.DataFrame(expected / np.maximum(table.to_numpy(), 1e-12), index=table.index, columns=table.columns)
    return np.array([ratio.at[g, y] for g, y in zip(group, label, strict=True)])


def _scores(model: Any, rows: pd.DataFrame) -> np.ndarray:
    return np.asarray(model.predict_proba(rows)[:, 1])


def _reweighed(estimator: BaseEstimator, train: pd.DataFrame, label: str, group: str, columns: list[str]) -> Any:
    weights = reweighing(train[label].to_numpy(dtype=int), train[group].astype("str").to_numpy())
    return clone(estimator).fit(train[columns], train[label], sample_weight=weights)


def _own_thresholds(
    model: Any, train: pd.DataFrame, columns: list[str], label: str, group: str, threshold: float, groups: np.ndarray,
    support: int,
) -> np.ndarray:  # fmt: skip
    """Per row its group's threshold: the one at which the group misses as many positives as all do, in training."""
    scores, target = _scores(model, train[columns]), train[label].to_numpy(dtype=int)
    missed = float((scores[target == 1] < threshold).mean())
    owners = train[group].astype("str").to_numpy()
    own = {
        str(name): float(np.quantile(scores[(owners == name) & (target == 1)], missed))
        for name in np.unique(owners)
        if ((owners == name) & (target == 1)).sum() >= support
    }
    return np.array([own.get(str(g), threshold) for g in groups])


def _reduced(
    estimator: BaseEstimator, train: pd.DataFrame, test: pd.DataFrame, label: str, group: str, columns: list[str],
    seed: int,
) -> np.ndarray:  # fmt: skip
    from fairlearn.reductions import ExponentiatedGradient, TruePositiveRateParity

    train = train.tail(REDUCTION_ROWS)
    parity = TruePositiveRateParity(difference_bound=0.02)
    reduction = ExponentiatedGradient(clone(estimator), parity, max_iter=REDUCTION_ROUNDS)
    with warnings.catch_warnings():
        # Fairlearn 0.15 fills a pandas series in a way that pandas 4 will refuse.
        warnings.simplefilter("ignore", pd.errors.Pandas4Warning)
        reduction.fit(train[columns], train[label], sensitive_features=train[group].astype("str"))
    return np.asarray(reduction.predict(test[columns], random_state=seed)) == 1


@dataclass(frozen=True)
class _Outcome:
    """What decisions came to: cost of each row, the spread between groups, and bootstrap draws of the spread."""

    cost: np.ndarray
    gap: float
    drawn: np.ndarray


def _outcome(
    decided: np.ndarray, target: np.ndarray, groups: np.ndarray, judged: np.ndarray, prices: tuple[float, float],
    seed: int, resamples: int,
) -> _Outcome:  # fmt: skip
    missed = ((target == 1) & ~decided).astype(float)
    cost = prices[0] * missed + prices[1] * ((target == 0) & decided)
    positives = np.array([((groups == g) & (target == 1)).sum() for g in judged], dtype=float)
    misses = np.array([missed[groups == g].sum() for g in judged])
    rng = np.random.default_rng(seed)
    # Given the groups' positives, misses are binomial: drawing them is the bootstrap of the rows.
    drawn = rng.binomial(positives.astype(int), misses / positives, size=(resamples, len(judged)))
    return _Outcome(cost, _spread(misses, positives), np.array([_spread(row, positives) for row in drawn]))


def _priced(name: str, found: _Outcome, none: _Outcome) -> Remedy:
    """A remedy beside doing nothing on the same rows."""
    low, high = np.quantile(found.drawn, [0.025, 0.975])
    cost, base, randomised = float(found.cost.mean()), float(none.cost.mean()), name == "exponentiated_gradient"
    half = _half_width(found.cost)
    extra, wider = (cost - base) / max(base, 1e-12), _half_width(found.cost - none.cost) / max(base, 1e-12)
    kept = None
    if none.gap > 0:
        # The gap without a remedy is uncertain too; draws of both are independent, which makes the interval wide.
        ratios = found.drawn / np.maximum(none.drawn, 1e-12) if found is not none else np.ones(2)
        kept = (float(np.quantile(ratios, 0.025)), float(np.quantile(ratios, 0.975)))
    return Remedy(
        name=name, gap=found.gap, gap_interval=(float(low), float(high)), cost=cost,
        cost_interval=(cost - half, cost + half), kept=found.gap / none.gap if none.gap > 0 else None,
        kept_interval=kept, extra=extra, extra_interval=(extra - wider, extra + wider), randomised=randomised,
        offered=not randomised,
    )  # fmt: skip


def _half_width(values: np.ndarray) -> float:
    return Z * float(values.std(ddof=1) / np.sqrt(len(values)))


def _spread(misses: np.ndarray, positives: np.ndarray) -> float:
    """Standard deviation of the true false negative rates: that of the observed ones less what chance adds."""
    rates, overall = misses / positives, misses.sum() / positives.sum()
    chance = overall * (1 - overall) * float(np.mean(1 / positives))
    return float(np.sqrt(max(0.0, float(np.var(rates, ddof=1)) - chance)))
