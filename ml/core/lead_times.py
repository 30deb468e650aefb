"""How long an order takes, as quantiles that hold in every region, with open orders counted for what they tell.

Belongs here: quantile trees, censoring weights, conformal calibration by region, the promise of a service level.
Does not belong here: whether a promise is broken (ml/core/risk_model), rolling origins (ml/jobs/lead_times), how good
the quantiles are (ml/core/quantile_metrics).

Quantiles are those of gradient-boosted trees of the pinball loss (Koenker & Bassett 1978). Open orders are censored:
what has arrived by now are the quick ones. So each delivered order is weighed by the inverse of the chance that one
like it would have been seen by now (inverse probability of censoring; Robins & Rotnitzky 1992, with Kaplan & Meier's
curve of the time that orders have been watched).

Margins are conformal (conformalized quantile regression; Romano, Patterson & Candès 2019), region by region (Mondrian;
Vovk 2003): a region with few orders borrows from all the others. They come from rehearsals at earlier origins, each
order judged by trees that had not seen its time, so that they hold what the level moves by between two trainings; newer
rehearsed orders weigh more (Barber, Candès, Ramdas & Tibshirani 2023).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline

from ml.core.features import Feature, FeatureSet, UnusableTable, feature_set_of, prepare
from ml.core.intervals import Floats
from ml.core.risk_model import encoder, one_thread
from ml.core.splits import Mask

#: Levels of the trees: lower bound, middle and upper bound of the 90 % interval.
LEVELS = (0.05, 0.5, 0.95)
STATED_COVERAGE = 0.9
#: Service levels at which promises are calibrated; the first and `LEVELS[-1]` give the median and the upper bound.
SERVICES = tuple(round(0.50 + 0.01 * step, 2) for step in range(50))
EVERYBODY = ""
#: Calibration orders at which a region's own margin counts as much as everybody's.
PRIOR_ROWS = 100.0
#: Days after which a rehearsed order counts half.
HALF_LIFE_DAYS = 60.0
#: Largest weight of a delivered order: a few that were seen by luck must not speak for all.
MOST_WEIGHT = 5.0
FEWEST_ROWS = 200


@dataclass(frozen=True)
class TreeParameters:
    """Parameters of the quantile trees, as in the risk model."""

    learning_rate: float = 0.08
    trees: int = 120
    leaves: int = 15
    leaf_rows: int = 60
    l2: float = 5.0


@dataclass(frozen=True)
class Watched:
    """Orders as they stand at one moment.

    Attributes:
        inputs: Prepared rows.
        hours: From order to door, NaN while open, shape (rows,).
        age: Hours since the order was placed, shape (rows,).
        regions: Region of each order, shape (rows,).
    """

    inputs: pd.DataFrame
    hours: Floats
    age: Floats
    regions: NDArray[Any]

    @property
    def delivered(self) -> Mask:
        """Orders that have arrived."""
        return np.isfinite(self.hours)


@dataclass(frozen=True)
class Rehearsal:
    """Trees learned from what was known at an earlier moment, and orders placed after it."""

    trees: tuple[Pipeline, ...]
    judged: Mask


class LeadTimeModel(RegressorMixin, BaseEstimator):
    """Quantiles of the hours from order to door; what MLflow registers.

    Args:
        trees: One fitted pipeline a level of `LEVELS`.
        features: Name and kind of each column that they read.
        region: Column of the region.
        lower: Region → hours to add to the lowest tree.
        upper: Region → hours to add at each of `SERVICES` to what the trees say there. `EVERYBODY` is in both.
    """

    def __init__(self, trees: list[Pipeline], features: list[list[str]], region: str, lower: dict[str, float],
                 upper: dict[str, Floats]) -> None:  # fmt: skip
        self.trees = trees
        self.features = features
        self.region = region
        self.lower = lower
        self.upper = upper

    def __sklearn_is_fitted__(self) -> bool:
        """It is made of fitted parts."""
        return True

    @property
    def feature_set(self) -> FeatureSet:
        """What the trees read."""
        return feature_set_of([(name, "number" if kind == "number" else "category") for name, kind in self.features])

    def predict(self, orders: pd.DataFrame) -> pd.DataFrame:
        """`lower_hours`, `median_hours` and `upper_hours` of each order: never crossing, never negative.

        Args:
            orders: The features' columns, raw, and the region; unseen regions get what everybody gets.
        """
        found, regions = self._tree_hours(orders), self._regions(orders)
        low = found[:, 0] + np.array([self.lower.get(region, self.lower[EVERYBODY]) for region in regions])
        middle = np.maximum(self._upper(found, regions, SERVICES[0]), 0.0)
        high = self._upper(found, regions, LEVELS[-1])
        return pd.DataFrame(
            {
                "lower_hours": np.clip(low, 0.0, middle), "median_hours": middle,
                "upper_hours": np.maximum(high, middle),
            },
            index=orders.index,
        )  # fmt: skip

    def promise(self, orders: pd.DataFrame, service: float) -> Floats:
        """Hours after which an order is at the door with probability `service`, shape (rows,).

        Raises:
            ValueError: the service level is not within 0.5 and 0.99.
        """
        if not SERVICES[0] <= service <= SERVICES[-1]:
            raise ValueError(
                f"A service level lies within {SERVICES[0]} and {SERVICES[-1]}; got {service}. 0.9 keeps nine promises "
                f"of ten."
            )
        return np.maximum(self._upper(self._tree_hours(orders), self._regions(orders), service), 0.0)

    def _upper(self, found: Floats, regions: list[str], service: float) -> Floats:
        margins = {region: float(np.interp(service, SERVICES, added)) for region, added in self.upper.items()}
        return _at_service(found, service) + np.array([margins.get(r, margins[EVERYBODY]) for r in regions])

    def _tree_hours(self, orders: pd.DataFrame) -> Floats:
        return tree_hours(self.trees, prepare(orders, self.feature_set)[self.feature_set.names])

    def _regions(self, orders: pd.DataFrame) -> list[str]:
        return [str(region) for region in orders[self.region]]


def fit_trees(orders: Watched, rows: Mask, features: FeatureSet, parameters: TreeParameters,
              seed: int) -> tuple[Pipeline, ...]:  # fmt: skip
    """One pipeline a level, learned from the delivered orders among `rows`.

    Raises:
        UnusableTable: they are too few.
    """
    _require(rows & orders.delivered, "learn from")
    weights = censoring_weights(orders.hours, orders.age, rows)
    chosen = rows & orders.delivered
    inputs, hours, weights = orders.inputs.loc[chosen, features.names], orders.hours[chosen], weights[chosen]
    with one_thread():
        return tuple(
            Pipeline([("encode", encoder(features)), ("boost", _boost(level, features, parameters, seed))]).fit(
                inputs, hours, boost__sample_weight=weights
            )
            for level in LEVELS
        )


def calibrated(orders: Watched, trees: tuple[Pipeline, ...], rehearsals: Sequence[Rehearsal], features: FeatureSet,
               region: str) -> LeadTimeModel:  # fmt: skip
    """The model of some trees with the margins that rehearsals show to be needed.

    Args:
        orders: All orders as they stand now.
        trees: What is shipped.
        rehearsals: Trees of earlier moments, each with orders that they had not seen.
        features: What the trees read.
        region: Name of the region's column.

    Raises:
        UnusableTable: too few rehearsed orders have been delivered.
    """
    held = np.any([rehearsal.judged for rehearsal in rehearsals], axis=0) & orders.delivered
    _require(held, "calibrate on")
    found = np.full((len(held), len(LEVELS)), np.nan)
    weights = np.zeros(len(held))
    for rehearsal in rehearsals:
        rows = rehearsal.judged & orders.delivered
        found[rows] = tree_hours(rehearsal.trees, orders.inputs.loc[rows, features.names])
        weights += censoring_weights(orders.hours, orders.age, rehearsal.judged)
    weights *= 0.5 ** (orders.age / 24 / HALF_LIFE_DAYS)
    lower, upper = _margins(orders.hours[held], found[held], weights[held], orders.regions[held].astype(str))
    pairs = [[feature.name, feature.kind] for feature in features.features]
    return LeadTimeModel(list(trees), pairs, region, lower, upper)


def censoring_weights(hours: Floats, age: Floats, rows: Mask) -> Floats:
    """Weight of each delivered order, 0 of the others: 1 / P(it is watched for as long as it took).

    The probability is Kaplan and Meier's of the time for which orders are watched, where a delivery ends the watching
    for another reason.
    """
    weights = np.zeros(len(hours))
    delivered = np.isfinite(hours)
    watched = np.where(delivered, hours, age)[rows]
    is_open = ~delivered[rows]
    order = np.argsort(watched, kind="stable")
    at_risk = len(order) - np.arange(len(order))
    survival = np.cumprod(1.0 - is_open[order] / at_risk)
    before = np.concatenate([[1.0], survival])[np.searchsorted(watched[order], watched, side="left")]
    inverse = np.minimum(1.0 / np.maximum(before, 1.0 / MOST_WEIGHT), MOST_WEIGHT)
    weights[rows] = np.where(is_open, 0.0, inverse)
    return weights


def tree_hours(trees: Sequence[Pipeline], inputs: pd.DataFrame) -> Floats:
    """Hours at each of `LEVELS` before any margin, sorted, shape (rows, levels)."""
    with one_thread():
        return np.sort(np.stack([tree.predict(inputs) for tree in trees], axis=1), axis=1)


def _require(rows: Mask, purpose: str) -> None:
    if rows.sum() < FEWEST_ROWS:
        raise UnusableTable(
            f"At least {FEWEST_ROWS} delivered orders are needed to {purpose}; there are {int(rows.sum())}. Land a "
            f"longer history."
        )


def _boost(level: float, features: FeatureSet, parameters: TreeParameters, seed: int) -> HistGradientBoostingRegressor:
    return HistGradientBoostingRegressor(
        loss="quantile", quantile=level, learning_rate=parameters.learning_rate, max_iter=parameters.trees,
        max_leaf_nodes=parameters.leaves, min_samples_leaf=parameters.leaf_rows, l2_regularization=parameters.l2,
        categorical_features=[feature.kind == "category" for feature in _ordered(features)], early_stopping=False,
        random_state=seed,
    )  # fmt: skip


def _ordered(features: FeatureSet) -> list[Feature]:
    """The features in the order in which the encoder gives them: categories first."""
    return sorted(features.features, key=lambda feature: feature.kind != "category")


def _at_service(found: Floats, service: float) -> Floats:
    """What the trees say at a service level, between their middle and their upper one."""
    share = min(1.0, (service - LEVELS[1]) / (LEVELS[2] - LEVELS[1]))
    return found[:, 1] + share * (found[:, 2] - found[:, 1])


def _margins(hours: Floats, found: Floats, weights: Floats,
             regions: NDArray[Any]) -> tuple[dict[str, float], dict[str, Floats]]:  # fmt: skip
    """Margins of everybody and of each region, a thin region's drawn to everybody's."""

    def of(rows: Mask) -> Floats:
        below = -_conformal(found[rows, 0] - hours[rows], weights[rows], 1 - LEVELS[0])
        above = [_conformal(hours[rows] - _at_service(found[rows], s), weights[rows], s) for s in SERVICES]
        return np.array([below, *above])

    everybody = of(np.ones(len(hours), dtype=bool))
    margins = {EVERYBODY: everybody}
    for region in np.unique(regions):
        mine = regions == region
        share = _effective(weights[mine]) / (_effective(weights[mine]) + PRIOR_ROWS)
        margins[str(region)] = share * of(mine) + (1 - share) * everybody
    return (
        {region: float(added[0]) for region, added in margins.items()},
        {region: added[1:] for region, added in margins.items()},
    )


def _conformal(scores: Floats, weights: Floats, level: float) -> float:
    """The conformal quantile of weighted scores: one more score, infinitely large, is held to be among them."""
    order = np.argsort(scores)
    reached = np.cumsum(weights[order]) / (weights.sum() + weights.max())
    return float(scores[order][min(int(np.searchsorted(reached, level)), len(scores) - 1)])


def _effective(weights: Floats) -> float:
    """Number of equally weighted orders that say as much (Kish)."""
    return float(weights.sum() ** 2 / (weights**2).sum())
