"""One metric as numbers per stratum and group: what every test and interval works on.

Belongs here: `GroupData` and how cells become it. Does not belong here: tests.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ml.core.fairness.cells import Cells
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
    """

    kind: Literal["rate", "mean"]
    groups: tuple[str, ...]
    rows: np.ndarray
    n: np.ndarray
    total: np.ndarray
    squares: np.ndarray

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
    return GroupData(metric.kind, cells.groups, rows, n, total, grid(squares, counted) * scale)


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
