"""A fitted risk model without its pipeline: the same probabilities for one row in microseconds or for many at once.

Belongs here: a row's values as the trees were fed them, the calibrator, the reasons of a probability by column.
Does not belong here: the walk through the trees (ml/core/forest), fitting (ml/core/risk_model).

One path serves a decision about a single order and the scoring of millions, so that both get the same numbers. They
equal those of the scikit-learn model that was registered to the last bit; a test holds them to it.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.base import ClassifierMixin

from ml.core.features import FeatureSet, UnusableTable, prepare
from ml.core.forest import Forest, expected_score, flatten, reasons, scores
from ml.core.intervals import Floats


@dataclass(frozen=True)
class LightModel:
    """A calibrated classifier of named columns.

    Attributes:
        features: The columns that it reads.
        forest: Its trees.
        codes: Text → number by category column, in the order of `forest`'s first features.
        order: Names of the columns in the order of `forest`'s features: categories first.
        calibrator: Gives the probability of a score; None: the score is its log-odds.
    """

    features: FeatureSet
    forest: Forest
    codes: Mapping[str, Mapping[str, float]]
    order: tuple[str, ...]
    calibrator: Any | None

    def probabilities(self, frame: pd.DataFrame, threads: int = 1) -> Floats:
        """Probability of the positive class of each row, shape (rows,).

        Args:
            frame: Rows with the columns of `features`.
            threads: Parts of the rows that are walked side by side; no number depends on it.

        Raises:
            UnusableTable: a column is absent or holds another kind of value.
        """
        parts = np.array_split(self._rows(frame), threads)
        with ThreadPoolExecutor(threads) as pool:
            return self._calibrated(np.concatenate(list(pool.map(partial(scores, self.forest), parts))))

    def probability(self, row: Mapping[str, Any]) -> float:
        """Probability of the positive class of one row; null, NaN and unseen categories are missing values.

        Raises:
            UnusableTable: a column is absent or holds another kind of value.
        """
        return float(self._calibrated(scores(self.forest, self._row(row)))[0])

    def reasons(self, frame: pd.DataFrame) -> pd.DataFrame:
        """What each column adds to a row's log-odds before calibration, columns in the order of `features`.

        A row adds up to its score less the mean score of the training (`starting_score`).
        """
        found = pd.DataFrame(reasons(self.forest, self._rows(frame)), columns=list(self.order), index=frame.index)
        return found[self.features.names]

    @property
    def starting_score(self) -> float:
        """Mean log-odds of the training, from which the reasons lead to a row's score."""
        return float(expected_score(self.forest))

    def _rows(self, frame: pd.DataFrame) -> Floats:
        prepared = prepare(frame, self.features)
        rows = np.empty((len(frame), len(self.order)))
        for position, name in enumerate(self.order):
            codes = self.codes.get(name)
            column = prepared[name]
            rows[:, position] = column.to_numpy() if codes is None else column.map(codes).to_numpy(np.float64)
        return rows

    def _row(self, row: Mapping[str, Any]) -> Floats:
        absent = [name for name in self.order if name not in row]
        if absent:
            raise UnusableTable(f"The model reads {', '.join(absent)}, which the row lacks. Give null where unknown.")
        values = np.full((1, len(self.order)), np.nan)
        for position, name in enumerate(self.order):
            value, codes = row[name], self.codes.get(name)
            if value is None:
                continue
            if codes is not None:
                values[0, position] = codes.get(str(value), np.nan)
                continue
            try:
                values[0, position] = float(value)
            except (TypeError, ValueError):
                raise UnusableTable(
                    f"Feature {name} must be a number; got {value!r}. Cast it where it is made."
                ) from None
        return values

    def _calibrated(self, log_odds: Floats) -> Floats:
        return expit(log_odds) if self.calibrator is None else np.asarray(self.calibrator.predict(log_odds))


def lighten(model: ClassifierMixin, features: FeatureSet) -> LightModel:
    """The light form of a model that `ml.core.risk_model.learn` fitted, or of the lateness in an order-routing model.

    Raises:
        ValueError: the model is not of that make.
    """
    model = getattr(model, "lateness", model)
    pipeline, calibrator = model, None
    if hasattr(model, "calibrated_classifiers_"):
        calibrated = model.calibrated_classifiers_[0]
        pipeline, calibrator = calibrated.estimator, calibrated.calibrators[0]
    if "boost" not in getattr(pipeline, "named_steps", {}):
        raise ValueError(f"Only models of ml.core.risk_model can be lightened; got {type(pipeline).__name__}.")
    boost = pipeline.named_steps["boost"]
    categories = features.of_kind("category")
    order = (*categories, *features.of_kind("number"))
    codes = {name: _codes(pipeline, name, list(order)) for name in categories}
    return LightModel(features, flatten(boost), codes, order, calibrator)


def _codes(pipeline: Any, name: str, order: list[str]) -> dict[str, float]:
    """The number that the trees were fed for each category, found by asking the pipeline's own encoders."""
    encode = pipeline.named_steps["encode"]
    categories = order[: len(encode.named_transformers_["category"].categories_)]
    known: NDArray = encode.named_transformers_["category"].categories_[categories.index(name)]
    texts = [text for text in known if isinstance(text, str)]
    frame = pd.DataFrame(dict.fromkeys(order, np.nan), index=range(len(texts)))
    frame = frame.astype(dict.fromkeys(categories, "str"))
    frame[name] = pd.Series(texts, dtype="str")
    fed = pipeline.named_steps["boost"]._preprocessor.transform(encode.transform(frame))
    return dict(zip(texts, np.asarray(fed, dtype=np.float64)[:, order.index(name)], strict=True))
