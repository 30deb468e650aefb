"""How likely two product records are the same: a matcher taught by people, by the codes in the tables, or by nobody.

Belongs here: learning and applying the weights of features. Does not belong here: the features (features), which
pairs teach without people (labels), thresholds (zones).

With enough labels: an average of boosted trees. With few, or none but the tables' own codes: a logistic regression,
which carries over from products with codes to those without; each pair is shown to it a second time without its codes.
With neither: the weights below.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier, VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # published without types

from ml.core.matching.products.features import CODE_FEATURES, Features
from ml.core.matching.products.labels import OTHER, SAME, UNKNOWN

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Pairs of each kind from which on something can be learnt at all, and from which on trees are better than a line.
FEWEST_TO_LEARN = 30
FEWEST_FOR_TREES = 150
#: Pairs that a line is drawn through: by then more of them move it no further.
MOST_TO_LEARN = 100_000
COUNT_MODELS = 3
SEED = 20_260_101

#: Types beyond scikit-learn's public ones that a stored matcher holds; a file with any other is refused on loading.
TRUSTED_TYPES = (
    "numpy.dtype", "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor", "sklearn.utils._bunch.Bunch",
)  # fmt: skip

#: Without anything to learn from: weight of each feature in log odds, and its value where a record does not say.
#: Chosen by hand: a difference of one step (a likeness from 0 to 1, a factor e in price) in what decides alone, such as
#: pack size, counts several times one in what many products share, such as colour.
WEIGHTS: Mapping[str, tuple[float, float]] = {
    "near": (6.0, 0.0), "shared_of_less": (4.0, 0.0), "shared_of_more": (3.0, 0.0),
    "lead_least": (8.0, 0.0), "lead_most": (4.0, 0.0), "numbers": (1.0, 0.5), "measures": (1.0, 0.7),
    "measures_against": (-1.0, 0.0), "colours": (1.0, 0.7), "brand": (1.5, 0.5), "price": (-1.2, 0.3),
    "pieces_against": (-4.0, 0.0), "content_against": (-2.0, 0.0), "model_equal": (2.0, 0.3),
    "code_grams": (3.0, 0.3), "model_within": (2.0, 0.2),
}  # fmt: skip
INTERCEPT = -17.0


class TooFewLabels(ValueError):
    """People labelled too few pairs to learn from."""


@dataclass(frozen=True)
class Matcher:
    """Weights of the features.

    Attributes:
        estimator: Fitted classifier; None: `WEIGHTS`.
        names: Features it reads, in its order.
        taught_by: `labels`, `codes` or `nobody`.
        count_same, count_other: Pairs it learnt from.
        share: Share of true pairs among the candidates of the table that it was last fitted to, where people taught
            it; None: not yet fitted to any.
    """

    estimator: Any = None
    names: tuple[str, ...] = tuple(WEIGHTS)
    taught_by: str = "nobody"
    count_same: int = 0
    count_other: int = 0
    share: float | None = None

    @property
    def share_taught(self) -> float:
        """Share of the pairs it learnt from that were the same."""
        return self.count_same / (self.count_same + self.count_other)

    def probability(self, features: Features) -> Floats:
        """Probability of each pair."""
        if not features["near"].size:
            return np.empty(0)
        if self.estimator is None:
            return expit(INTERCEPT + sum(
                weight * np.where(np.isnan(features[name]), unknown, features[name])
                for name, (weight, unknown) in WEIGHTS.items()
            ))  # fmt: skip
        matrix = np.column_stack([features[name] for name in self.names])
        return np.asarray(self.estimator.predict_proba(matrix)[:, 1], dtype=float)


def taught_by_codes(features: Features, labels: Ints) -> Matcher:
    """A matcher from labels that nobody gave (`labels_without_people`); the shipped weights where they are too few."""
    known = np.flatnonzero(labels != UNKNOWN)
    if known.size > MOST_TO_LEARN:
        known = np.sort(np.random.default_rng(SEED).choice(known, MOST_TO_LEARN, replace=False))
    same, other = int((labels == SAME).sum()), int((labels == OTHER).sum())
    if min(same, other) < FEWEST_TO_LEARN:
        return Matcher()
    names = _usable(features, known)
    shown = _matrix(features, names, known)
    hidden = shown.copy()
    hidden[:, [name in CODE_FEATURES for name in names]] = np.nan
    twice = np.tile(labels[known], 2)
    return Matcher(_line().fit(np.vstack([shown, hidden]), twice), names, "codes", same, other)


def taught_by_labels(features: Features, labels: Ints) -> Matcher:
    """A matcher from people's labels, 1 the same and 0 not.

    Raises:
        TooFewLabels: fewer than `FEWEST_TO_LEARN` pairs of either kind.
    """
    same, other = int((labels == SAME).sum()), int((labels == OTHER).sum())
    if min(same, other) < FEWEST_TO_LEARN:
        raise TooFewLabels(
            f"A matcher learns from at least {FEWEST_TO_LEARN} pairs that are the same and as many that are not; "
            f"there are {same} and {other}. Label more pairs, or leave training out: the tables' own codes teach then."
        )
    names = _usable(features, np.arange(labels.size))
    model = _trees() if min(same, other) >= FEWEST_FOR_TREES else _line()
    # Some thousand rows are learnt sooner by one thread than by several that wait for each other.
    with threadpool_limits(1):
        model.fit(_matrix(features, names, slice(None)), labels)
    return Matcher(model, names, "labels", same, other)


def _usable(features: Features, rows: Ints) -> tuple[str, ...]:
    """Features that differ among these pairs."""
    return tuple(name for name, values in features.items() if np.unique(values[rows]).size > 1)


def _matrix(features: Features, names: tuple[str, ...], rows: Any) -> Floats:
    return np.column_stack([features[name][rows] for name in names])


def _line() -> Any:
    return make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler(),
        LogisticRegression(C=0.1, max_iter=1000, random_state=SEED),
    )  # fmt: skip


def _trees() -> Any:
    one = {"learning_rate": 0.06, "max_iter": 200, "max_leaf_nodes": 15, "min_samples_leaf": 10,
           "l2_regularization": 1.0, "max_features": 0.5}  # fmt: skip
    models = [(str(n), HistGradientBoostingClassifier(**one, random_state=SEED + n)) for n in range(COUNT_MODELS)]
    return VotingClassifier(models, voting="soft")
