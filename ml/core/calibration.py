"""Turning scores into probabilities that come true as often as they say.

Belongs here: the choice of a calibrator and its fit on scores of rows that the scoring model had not learned from.
Does not belong here: measures of calibration (ml/core/metrics).

The calibrator learns from out-of-time scores: models fitted at earlier origins scored what came after them, stretch by
stretch. It must earn its place out of time too: fitted on the earlier stretches it has to lower the log loss of each
later one. Where the level drifts, a calibrator carries last season's rate into this one, and the trees' own
probabilities (fitted by log loss) come true more often; then there is none.
A sigmoid needs few rows and keeps the ranking; isotonic regression needs many (Niculescu-Mizil & Caruana 2005) and
pays for its steps with ties.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

from ml.core.features import UnusableTable
from ml.core.intervals import Floats
from ml.core.metrics import log_losses

Method = Literal["none", "sigmoid", "isotonic"]
FEWEST_FOR_ISOTONIC = 5000
FEWEST_FOR_SIGMOID = 20


class Recorded(ClassifierMixin, BaseEstimator):
    """A classifier whose input is its score, so that recorded scores can be calibrated."""

    def fit(self, scores: Floats, outcome: NDArray) -> "Recorded":
        """Remember the classes."""
        self.classes_ = np.unique(outcome)
        return self

    def decision_function(self, scores: Floats) -> Floats:
        """The recorded scores, shape (rows,)."""
        return scores[:, 0]

    def predict(self, scores: Floats) -> NDArray:
        """The class that the sign of the score stands for, shape (rows,)."""
        return self.classes_[(scores[:, 0] > 0).astype(int)]


def choose_method(scores: Sequence[Floats], outcomes: Sequence[Floats]) -> Method:
    """A calibrator if it lowers the log loss of every stretch when fitted on the stretches before it, else `none`.

    Args:
        scores: Out-of-time values of the decision function, one array a stretch, in order of time.
        outcomes: 0 or 1, likewise.

    Raises:
        UnusableTable: too few rows of the rarer class to judge any method.
    """
    labels = np.concatenate([*outcomes, np.empty(0)])
    rarer = int(min(labels.sum(), len(labels) - labels.sum()))
    if rarer < FEWEST_FOR_SIGMOID:
        raise UnusableTable(
            f"To calibrate, at least {FEWEST_FOR_SIGMOID} out-of-time rows of each class are needed; the rarer one has "
            f"{rarer} of {len(labels)}. Land a longer history."
        )
    fit: Method = "isotonic" if rarer >= FEWEST_FOR_ISOTONIC else "sigmoid"
    gains = []
    for index in range(1, len(scores)):
        past_scores, past = np.concatenate(scores[:index]), np.concatenate(outcomes[:index])
        if min(past.sum(), len(past) - past.sum()) < FEWEST_FOR_SIGMOID:
            continue
        calibrator = _calibrator(past_scores, past, fit)
        predicted = calibrator.predict_proba(scores[index].reshape(-1, 1))[:, 1]
        plain = log_losses(outcomes[index], expit(scores[index])).mean()
        gains.append(plain - log_losses(outcomes[index], predicted).mean())
    return fit if all(gain > 0 for gain in gains) else "none"


def calibrate(model: ClassifierMixin, scores: Floats, outcome: NDArray, method: Method) -> ClassifierMixin:
    """A calibrated classifier: `model`, already fitted, and a calibrator fitted on recorded scores.

    Args:
        model: A fitted classifier with a `decision_function`.
        scores: Out-of-time values of that function by models like it, shape (rows,).
        outcome: 0 or 1, shape (rows,).
        method: `none` returns the model as it is.
    """
    if method == "none":
        return model
    calibrated = _calibrator(scores, outcome, method)
    calibrated.estimator = FrozenEstimator(model)
    calibrated.calibrated_classifiers_[0].estimator = model
    calibrated.n_features_in_ = model.n_features_in_
    return calibrated


def _calibrator(scores: Floats, outcome: NDArray, method: Method) -> CalibratedClassifierCV:
    column = scores.reshape(-1, 1)
    recorded = Recorded().fit(column, outcome)
    return CalibratedClassifierCV(FrozenEstimator(recorded), method=method).fit(column, outcome)
