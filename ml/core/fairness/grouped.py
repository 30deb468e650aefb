"""One metric as numbers per stratum and group: what every test and interval works on.

Belongs here: `GroupData` and how cells become it. Does not belong here: tests.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ml.core.fairness.cells import SCORE_BINS, Cells
from ml.core.fairness.metrics import Metric


@dataclass(frozen=True)
class GroupData:
    """Sums of one metric; arrays have shape (strata, groups).

    With sampling weights `n` and `total` are *effective* numbers: a group's Kish size (Σw)² / Σw² and that size times
    the weighted rate, so that evidence is never multiplied by a weight (Kish 1965, Survey Sampling, §11.7).

    Attributes:
        kind: `rate`, where `total` counts rows out of `n`, or `mean`, where `total` sums values.
        groups: Names of the groups.
        rows: Rows behind each cell, unweighted.
        n: Size of each cell; whole numbers for rates.
        total: Positives of each cell (whole numbers for rates), or the sum of values.
        squares: Sum of squared values; for means only.
        offset: Expected total of each cell beside its share of the stratum's, from what is known to differ inside the
            stratum; zeros if None.
        skewness: Skewness of the values of all groups; for means only.
        kurtosis: Excess kurtosis of the same.
    """

    kind: Literal["rate", "mean"]
    groups: tuple[str, ...]
    rows: np.ndarray
    n: np.ndarray
    total: np.ndarray
    squares: np.ndarray
    offset: np.ndarray | None = None
    skewness: float = 0.0
    kurtosis: float = 0.0

    @property
    def group_offset(self) -> np.ndarray:
        """Offset per group, shape (groups,)."""
        return np.zeros(self.n.shape[1]) if self.offset is None else self.offset.sum(axis=0)

    @property
    def group_rows(self) -> np.ndarray:
        """Rows per group, shape (groups,)."""
        return self.rows.sum(axis=0)

    @property
    def group_n(self) -> np.ndarray:
        """Size per group, shape (groups,)."""
        return self.n.sum(axis=0)

    @property
    def values(self) -> np.ndarray:
        """The metric per group over all strata, shape (groups,); NaN where nothing is counted."""
        n = self.group_n
        return np.divide(self.total.sum(axis=0), n, out=np.full(n.shape, np.nan), where=n > 0)

    @property
    def overall(self) -> float:
        """The metric over all groups; NaN where nothing is counted."""
        n = float(self.n.sum())
        return float(self.total.sum() / n) if n > 0 else float("nan")


def group_data(cells: Cells, metric: Metric) -> GroupData:
    """The numbers of `metric` from cells.

    Source of the effective size under weights: Kish 1965.
    """
    frame, shape = cells.frame, (len(cells.strata), len(cells.groups))
    place = frame["stratum"].to_numpy(dtype=np.int64) * shape[1] + frame["group"].to_numpy(dtype=np.int64)

    def grid(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return np.bincount(place[mask], weights=values[mask], minlength=shape[0] * shape[1]).reshape(shape)

    if metric.kind == "rate":
        counted = _in_cells(frame, metric.denominator)
        positive = counted & _in_cells(frame, metric.numerator)
        values = positive.astype(float) * frame["weight"].to_numpy(dtype=float)
        squares = np.zeros(len(frame))
    else:
        counted = np.ones(len(frame), bool) if metric.value == "score" else (frame["label"] >= 0).to_numpy()
        values, squares = _value_sums(frame, metric.value)
    rows = grid(frame["rows"].to_numpy(dtype=float), counted)
    weight = grid(frame["weight"].to_numpy(dtype=float), counted)
    weight_squared = grid(frame["weight_squared"].to_numpy(dtype=float), counted)
    total = grid(values, counted)
    scale = np.divide(weight, weight_squared, out=np.zeros(shape), where=weight_squared > 0)
    n, total = weight * scale, total * scale
    if metric.kind == "rate":
        whole = np.floor(n + 1e-9)
        total = np.rint(np.divide(total * whole, n, out=np.zeros(shape), where=n > 0))
        n = whole
    skewness, kurtosis = _shape(frame, metric.value) if metric.kind == "mean" else (0.0, 0.0)
    return GroupData(
        metric.kind, cells.groups, rows, n, total, grid(squares, counted) * scale, skewness=skewness, kurtosis=kurtosis
    )


def calibration_data(cells: Cells) -> GroupData:
    """Outcomes within bins of equal score: what the test of calibration between groups works on.

    Given the score, outcome and group are independent if the model means the same in every group (sufficiency; Barocas,
    Hardt & Narayanan 2023, Fairness and Machine Learning, ch. 3). Inside a bin, a group's higher mean score is
    allowed for by the offset. The test needs no normal limit, and groups may differ in risk.
    """
    frame = cells.frame[cells.frame["label"] >= 0]
    bins, groups = SCORE_BINS, len(cells.groups)
    shape = (len(cells.strata) * bins, groups)
    stratum = frame["stratum"].to_numpy(dtype=np.int64) * bins + frame["score_bin"].to_numpy(dtype=np.int64)
    place = stratum * groups + frame["group"].to_numpy(dtype=np.int64)

    def grid(values: np.ndarray) -> np.ndarray:
        return np.bincount(place, weights=values, minlength=shape[0] * shape[1]).reshape(shape)

    weight, squared = grid(frame["weight"].to_numpy(float)), grid(frame["weight_squared"].to_numpy(float))
    positive = grid(frame["weight"].to_numpy(float) * (frame["label"] == 1).to_numpy())
    scores, rows = grid(frame["score_1"].to_numpy(float)), grid(frame["rows"].to_numpy(float))
    size = np.divide(weight**2, squared, out=np.zeros(shape), where=squared > 0)
    n = np.floor(size + 1e-9)
    rate = np.divide(positive, weight, out=np.zeros(shape), where=weight > 0)
    mean = np.divide(scores, weight, out=np.zeros(shape), where=weight > 0)
    size_of_bin = n.sum(axis=1)
    used = size_of_bin > 0
    usual = np.divide((n * mean).sum(axis=1), size_of_bin, out=np.zeros(shape[0]), where=used)
    offset = n * (mean - usual[:, None])
    return GroupData(
        "rate", cells.groups, rows[used], n[used], np.rint(rate * n)[used], np.zeros((int(used.sum()), groups)),
        offset=offset[used],
    )  # fmt: skip


def _shape(frame: pd.DataFrame, value: str) -> tuple[float, float]:
    """Skewness and excess kurtosis of a mean's values, from the means of the cells by label and score bin."""
    part = frame[frame["label"] >= 0] if value != "score" else frame
    if part.empty:
        return 0.0, 0.0
    w = part["weight"].to_numpy(dtype=float)
    mean = _value_sums(part, value)[0] / np.maximum(w, 1e-12)
    centred = mean - np.average(mean, weights=w)
    variance = float(np.average(centred**2, weights=w))
    if variance <= 0:
        return 0.0, 0.0
    third, fourth = (float(np.average(centred**power, weights=w)) for power in (3, 4))
    return third / variance**1.5, fourth / variance**2 - 3


def _in_cells(frame: pd.DataFrame, cells: tuple[tuple[int | None, int | None], ...]) -> np.ndarray:
    label, prediction = frame["label"].to_numpy(), frame["prediction"].to_numpy()
    mask = np.zeros(len(frame), dtype=bool)
    for y, p in cells:
        mask |= ((label == y) if y is not None else True) & ((prediction == p) if p is not None else True)
    return mask


def _value_sums(frame: pd.DataFrame, value: str) -> tuple[np.ndarray, np.ndarray]:
    """Weighted sum and sum of squares per cell of the number that `value` names; y is constant within a cell."""
    y, w = frame["label"].to_numpy(dtype=float), frame["weight"].to_numpy(dtype=float)
    s1, s2, s3, s4 = (frame[f"score_{power}"].to_numpy(dtype=float) for power in (1, 2, 3, 4))
    if value == "score":
        return s1, s2
    residual_squares = y * y * w - 2 * y * s1 + s2
    if value == "residual":
        return y * w - s1, residual_squares
    if value == "squared_error":
        return residual_squares, y * w - 4 * y * s1 + 6 * y * s2 - 4 * y * s3 + s4
    raise ValueError(f"A mean is of score, residual or squared_error; got {value!r}.")
