"""The classifier of a yes/no risk: gradient-boosted trees that take raw feature columns, calibrated.

Belongs here: the pipeline, its parameters, their choice within the rows learned from, the final fit.
Does not belong here: splits (ml/core/splits), stores (ml/io), what is done with a risk (decisions).
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.base import ClassifierMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # published without types

from ml.core.calibration import calibrate, choose_method
from ml.core.features import FeatureSet, UnusableTable, drop_unusable
from ml.core.intervals import Floats
from ml.core.metrics import log_losses
from ml.core.splits import Cut, Mask, Timeline, rolling_cuts
from ml.core.stationarity import leave_out_clocks

MOST_CATEGORIES = 200
POSITIVE = 1

#: Types beyond scikit-learn's public ones that a stored model holds; a file with any other is refused on loading.
TRUSTED_TYPES = (
    "functools.partial",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.utils.validation.check_array",
)


@dataclass(frozen=True)
class BoostingParameters:
    """Parameters of the trees.

    Attributes:
        learning_rate: Shrinkage of each tree.
        trees: Number of trees.
        leaves: Most leaves of a tree.
        leaf_rows: Fewest rows of a leaf.
        l2: Regularisation of leaf values.
        feature_share: Share of the features that each split may choose from.
    """

    learning_rate: float = 0.05
    trees: int = 150
    leaves: int = 15
    leaf_rows: int = 40
    l2: float = 5.0
    feature_share: float = 0.6

    def __post_init__(self) -> None:
        if not (0 < self.learning_rate <= 1 and self.trees >= 1 and self.leaves >= 2 and self.leaf_rows >= 1):
            raise ValueError(f"Learning rate within (0, 1], at least 1 tree, 2 leaves and 1 row a leaf; got {self}.")
        if not (self.l2 >= 0 and 0 < self.feature_share <= 1):
            raise ValueError(f"l2 must not be negative and the feature share within (0, 1]; got {self}.")


#: What a choice within the rows learned from may pick.
CANDIDATES = (
    BoostingParameters(leaves=7, leaf_rows=100, l2=10.0, feature_share=0.5),
    BoostingParameters(leaves=15, leaf_rows=40),
)


@dataclass(frozen=True)
class Plan:
    """How a risk is learned.

    Attributes:
        candidates: Parameters to choose from.
        rehearsals: Origins inside the rows learned from, for choice and calibration.
        clock_limit: Features that tell new rows from old with a higher ROC-AUC are left out.
        rising: Patterns of the names of numbers that can only raise the risk, all else equal.
        falling: Patterns of the names of numbers that can only lower it.
    """

    candidates: tuple[BoostingParameters, ...] = CANDIDATES
    rehearsals: int = 3
    clock_limit: float = 0.85
    rising: tuple[str, ...] = ()
    falling: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.candidates or self.rehearsals < 1 or not 0.5 <= self.clock_limit <= 1:
            raise ValueError(f"At least 1 candidate and 1 rehearsal, clock limit within 0.5 and 1; got {self}.")

    def direction(self, name: str) -> int:
        """1 where a feature can only raise the risk, -1 where it can only lower it, else 0."""
        return int(_matches(name, self.rising)) - int(_matches(name, self.falling))


@dataclass(frozen=True)
class FittedRisk:
    """A calibrated classifier of prepared rows, and how it came to be.

    Attributes:
        model: Takes the columns `features.names`, raw; `predict_proba` gives the calibrated probability.
        features: What it reads, and why other columns are left out.
        parameters: Of the trees, chosen within the rows learned from.
        calibration: Method, or `none`.
        out_of_time_log_loss: Of each candidate on the rehearsals inside the rows learned from.
    """

    model: ClassifierMixin
    features: FeatureSet
    parameters: BoostingParameters
    calibration: str
    out_of_time_log_loss: tuple[float, ...]

    def predict(self, inputs: pd.DataFrame) -> Floats:
        """Probability of the positive class of prepared rows, shape (rows,)."""
        return positive_probability(self.model, inputs[self.features.names])


def positive_probability(model: ClassifierMixin, inputs: pd.DataFrame) -> Floats:
    """Probability of the positive class by any scikit-learn classifier, shape (rows,)."""
    with one_thread():
        return np.asarray(model.predict_proba(inputs), dtype=np.float64)[:, POSITIVE]


def one_thread() -> AbstractContextManager[Any]:
    """Trees on one OpenMP thread of the calling thread.

    Their threads wait for one another by spinning: on a machine that does other work too, 40,000 rows took 59 s on two
    threads and 2 s on one (measured on 2 cores). Whole fits and batches run side by side instead.
    """
    return threadpool_limits(1, user_api="openmp")


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def encoder(features: FeatureSet) -> ColumnTransformer:
    """Categories to codes, unseen and missing ones to missing, before the numbers as they are."""
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan,
        max_categories=MOST_CATEGORIES,
    )  # fmt: skip
    return ColumnTransformer(
        [
            ("category", codes, features.of_kind("category")),
            ("number", "passthrough", features.of_kind("number")),
        ],
        verbose_feature_names_out=False,
    )


def build(features: FeatureSet, parameters: BoostingParameters, plan: Plan, seed: int) -> Pipeline:
    """The unfitted pipeline: categories to codes (unseen and missing become missing), then boosted trees."""
    categories, numbers = features.of_kind("category"), features.of_kind("number")
    boost = HistGradientBoostingClassifier(
        learning_rate=parameters.learning_rate, max_iter=parameters.trees, max_leaf_nodes=parameters.leaves,
        min_samples_leaf=parameters.leaf_rows, l2_regularization=parameters.l2, max_features=parameters.feature_share,
        categorical_features=[True] * len(categories) + [False] * len(numbers),
        monotonic_cst=[0] * len(categories) + [plan.direction(name) for name in numbers],
        early_stopping=False, random_state=seed,
    )  # fmt: skip
    return Pipeline([("encode", encoder(features)), ("boost", boost)])


def learn(inputs: pd.DataFrame, outcome: Floats, times: Timeline, rows: Mask, features: FeatureSet, plan: Plan,
          seed: int, threads: int = 1) -> FittedRisk:  # fmt: skip
    """Learn a calibrated risk from some rows of a table, in four steps that look at these rows only.

    1. Leave out features that are unusable or tell the time. 2. Rehearse at rising origins inside the rows with each
    candidate. 3. Choose the candidate with the least out-of-time log loss; calibrate on its out-of-time scores.
    4. Fit that candidate on all the rows.

    Args:
        inputs: All prepared rows of the table.
        outcome: Labels of all rows; NaN where unknown.
        times: Times of all rows.
        rows: The rows to learn from.
        features: Columns that may be used.
        plan: Candidates, rehearsals and limits.
        seed: Seed of the trees.
        threads: Fits that run side by side; no result depends on it.

    Raises:
        UnusableTable: one class only, no usable feature, or too little to calibrate on.
    """
    require_both_classes(outcome[rows])
    usable = drop_unusable(inputs[rows], features)
    usable = leave_out_clocks(inputs[rows], times.made_at[rows], usable, plan.clock_limit)
    rehearsals = [
        cut for cut in rolling_cuts(times, plan.rehearsals, within=rows)
        if outcome[cut.learn].min() != outcome[cut.learn].max()
    ]  # fmt: skip
    judged = _rehearse(inputs, outcome, rehearsals, usable, plan, seed, threads)
    labels = [outcome[cut.judge] for cut in rehearsals]
    losses = tuple(_log_loss(labels, scores) for scores in judged)
    best = int(np.argmin(losses))
    method = choose_method(judged[best], labels)
    model = fit_trees(inputs, outcome, rows, usable, plan.candidates[best], plan, seed)
    calibrated = calibrate(model, np.concatenate(judged[best]), np.concatenate(labels), method)
    return FittedRisk(calibrated, usable, plan.candidates[best], method, losses)


def _rehearse(inputs: pd.DataFrame, outcome: Floats, cuts: Sequence[Cut], features: FeatureSet,
              plan: Plan, seed: int, threads: int) -> list[list[Floats]]:  # fmt: skip
    """Out-of-time scores by candidate and stretch, the fits side by side."""

    def score(task: tuple[BoostingParameters, Cut]) -> Floats:
        parameters, cut = task
        model = fit_trees(inputs, outcome, cut.learn, features, parameters, plan, seed)
        with one_thread():
            return model.decision_function(inputs.loc[cut.judge, features.names])

    tasks = [(parameters, cut) for parameters in plan.candidates for cut in cuts]
    with ThreadPoolExecutor(max_workers=threads) as pool:
        scores = list(pool.map(score, tasks))
    return [scores[start : start + len(cuts)] for start in range(0, len(tasks), len(cuts))] if cuts else [[]]


def fit_trees(inputs: pd.DataFrame, outcome: Floats, rows: Mask, features: FeatureSet, parameters: BoostingParameters,
         plan: Plan, seed: int) -> Pipeline:  # fmt: skip
    """The pipeline fitted on some rows, not calibrated."""
    with one_thread():
        return build(features, parameters, plan, seed).fit(inputs.loc[rows, features.names], outcome[rows])


def _log_loss(outcomes: Sequence[Floats], scores: Sequence[Floats]) -> float:
    if not scores:
        return float("inf")
    return float(log_losses(np.concatenate(outcomes), expit(np.concatenate(scores))).mean())


def require_both_classes(outcome: NDArray) -> None:
    """Refuse rows in which nothing can be told apart.

    Raises:
        UnusableTable: all labels are equal.
    """
    if outcome.min() == outcome.max():
        raise UnusableTable(
            f"The rows to learn from must hold both classes; all {len(outcome)} labels are {int(outcome[0])}. Land a "
            f"longer history, or check how the label is made."
        )
