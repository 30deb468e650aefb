"""How long an order takes, as quantiles that hold in every region, with open orders counted for what they tell.

Belongs here: quantile trees, censoring weights, conformal calibration by region, the promise of a service level.
Does not belong here: whether a promise is broken (ml/core/risk_model), splits (ml/core/splits).

Quantiles are those of gradient-boosted trees of the pinball loss (Koenker & Bassett 1978). Open orders are censored:
what has arrived by now are the quick ones. So each delivered order is weighed by the inverse of the chance that one
like it would have been seen by now (inverse probability of censoring; Robins & Rotnitzky 1992, with Kaplan & Meier's
curve of the time that orders have been watched). Intervals are calibrated on later orders than the trees learned from
(conformalized quantile regression; Romano, Patterson & Candès 2019), region by region (Mondrian; Vovk 2003): a region
with few orders borrows from all the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline

from ml.core.features import Feature, FeatureSet, UnusableTable
from ml.core.intervals import Floats
from ml.core.risk_model import encoder, one_thread
from ml.core.splits import Mask

#: Lower bound, middle and upper bound of the 90 % interval.
LEVELS = (0.05, 0.5, 0.95)
#: Calibration orders at which a region's own margin counts as much as everybody's.
PRIOR_ROWS = 100.0
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
class LeadTimeModel:
    """Quantiles of the hours from order to door.

    Attributes:
        features: What it reads.
        trees: One fitted pipeline a level of `LEVELS`.
        margins: Hours to add below and above the trees' bounds by region, shape (2,) each; `""` is of everybody.
        scores: Sorted calibration scores of the upper bound, by region and of everybody, for other service levels.
    """

    features: FeatureSet
    trees: tuple[Pipeline, ...]
    margins: dict[str, Floats]
    scores: dict[str, Floats]

    def quantiles(self, inputs: pd.DataFrame, regions: Sequence[str]) -> Floats:
        """Lower bound, median, upper bound in hours, shape (rows, 3), never crossing and never negative."""
        found = _tree_quantiles(self.trees, inputs[self.features.names])
        margins = np.array([self.margins.get(str(region), self.margins[""]) for region in regions]).reshape(-1, 2)
        low, high = found[:, 0] - margins[:, 0], found[:, 2] + margins[:, 1]
        middle = np.maximum(found[:, 1], 0.0)
        return np.stack([np.clip(low, 0.0, middle), middle, np.maximum(high, middle)], axis=1)

    def promise(self, inputs: pd.DataFrame, regions: Sequence[str], service: float) -> Floats:
        """Hours after which an order is at the door with probability `service`, shape (rows,).

        Raises:
            ValueError: the service level is not within 0.5 and 1.
        """
        if not 0.5 <= service < 1:
            raise ValueError(f"A service level lies within 0.5 and 1; got {service}. 0.9 keeps nine promises of ten.")
        upper = _tree_quantiles(self.trees, inputs[self.features.names])[:, 2]
        added = {name: _at_level(scores, service) for name, scores in self.scores.items()}
        shifts = np.array([_blended(added, self.scores, str(region)) for region in regions])
        return np.maximum(upper + shifts, 0.0)


def learn_lead_times(inputs: pd.DataFrame, hours: Floats, age: Floats, regions: NDArray, learn: Mask, calibrate: Mask,
                     features: FeatureSet, parameters: TreeParameters, seed: int) -> LeadTimeModel:  # fmt: skip
    """Learn quantiles from some orders and calibrate them on later ones.

    Args:
        inputs: Prepared rows of all orders.
        hours: From order to door, NaN while open, shape (rows,).
        age: Hours for which each order had been watched when this is learned, shape (rows,).
        regions: Region of each order.
        learn: Orders for the trees.
        calibrate: Later orders for the margins.
        features: What may be read.
        parameters: Of the trees.
        seed: Of the trees.

    Raises:
        UnusableTable: too few delivered orders to learn from or to calibrate on.
    """
    delivered = np.isfinite(hours)
    for name, rows in (("learn from", learn & delivered), ("calibrate on", calibrate & delivered)):
        if rows.sum() < FEWEST_ROWS:
            raise UnusableTable(
                f"At least {FEWEST_ROWS} delivered orders are needed to {name}; there are {int(rows.sum())}. Land a "
                f"longer history."
            )
    weights = censoring_weights(hours, age, learn)
    rows = learn & delivered
    trees = tuple(_fit(inputs[rows], hours[rows], weights[rows], level, features, parameters, seed) for level in LEVELS)
    held = calibrate & delivered
    found = _tree_quantiles(trees, inputs.loc[held, features.names])
    held_weights = censoring_weights(hours, age, calibrate)[held]
    below, above = found[:, 0] - hours[held], hours[held] - found[:, 2]
    margins, scores = _by_region(below, above, held_weights, regions[held])
    return LeadTimeModel(features, trees, margins, scores)


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


def coverage(hours: Floats, quantiles: Floats) -> Floats:
    """1 where the hours lie within the first and last quantile, 0 elsewhere, shape (rows,)."""
    return ((hours >= quantiles[:, 0]) & (hours <= quantiles[:, -1])).astype(np.float64)


def _fit(inputs: pd.DataFrame, hours: Floats, weights: Floats, level: float, features: FeatureSet,
         parameters: TreeParameters, seed: int) -> Pipeline:  # fmt: skip
    boost = HistGradientBoostingRegressor(
        loss="quantile", quantile=level, learning_rate=parameters.learning_rate, max_iter=parameters.trees,
        max_leaf_nodes=parameters.leaves, min_samples_leaf=parameters.leaf_rows, l2_regularization=parameters.l2,
        categorical_features=[feature.kind == "category" for feature in _ordered(features)], early_stopping=False,
        random_state=seed,
    )  # fmt: skip
    with one_thread():
        return Pipeline([("encode", encoder(features)), ("boost", boost)]).fit(
            inputs[features.names], hours, boost__sample_weight=weights
        )


def _ordered(features: FeatureSet) -> list[Feature]:
    """The features in the order in which the encoder gives them: categories first."""
    return sorted(features.features, key=lambda feature: feature.kind != "category")


def _tree_quantiles(trees: Sequence[Pipeline], inputs: pd.DataFrame) -> Floats:
    with one_thread():
        return np.sort(np.stack([tree.predict(inputs) for tree in trees], axis=1), axis=1)


def _by_region(
    below: Floats, above: Floats, weights: Floats, regions: NDArray
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Margins and upper scores of everybody (`""`) and of each region, a thin region's drawn to everybody's."""
    tail = LEVELS[-1]
    margins = {"": np.array([_weighted(below, weights, tail), _weighted(above, weights, tail)])}
    scores = {"": np.sort(above)}
    names = regions.astype(str)
    for region in np.unique(names):
        mine = names == region
        own = np.array([_weighted(part[mine], weights[mine], tail) for part in (below, above)])
        share = mine.sum() / (mine.sum() + PRIOR_ROWS)
        margins[region] = share * own + (1 - share) * margins[""]
        scores[region] = np.sort(above[mine])
    return margins, scores


def _weighted(scores: Floats, weights: Floats, level: float) -> float:
    """The conformal quantile of weighted scores: one more score, infinitely large, is held to be among them."""
    order = np.argsort(scores)
    reached = np.cumsum(weights[order]) / (weights.sum() + weights.mean())
    return float(scores[order][min(int(np.searchsorted(reached, level)), len(scores) - 1)])


def _at_level(scores: Floats, level: float) -> float:
    return float(scores[min(int(np.ceil(level * (len(scores) + 1))) - 1, len(scores) - 1)])


def _blended(added: dict[str, float], scores: dict[str, Floats], region: str) -> float:
    count = len(scores.get(region, ()))
    share = count / (count + PRIOR_ROWS)
    return share * added.get(region, 0.0) + (1 - share) * added[""]
