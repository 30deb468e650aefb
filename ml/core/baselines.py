"""Simple rules that a model must beat: the overall rate, and the past rate of a row's group.

Belongs here: predictions by a rule that needs no training. Does not belong here: the comparison (ml/core/metrics).
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.core.intervals import Floats

PRIOR_ROWS = 50.0


def overall_rate(outcome: NDArray, count: int) -> Floats:
    """The past rate, for `count` rows."""
    return np.full(count, float(outcome.mean()))


def group_rate(groups: pd.DataFrame, outcome: NDArray, new_groups: pd.DataFrame) -> Floats:
    """The past rate of each row's group, drawn to the overall rate as if by 50 more rows.

    Args:
        groups: Group columns of the rows learned from.
        outcome: Their labels, 0 or 1.
        new_groups: The same columns of the rows to predict; groups unseen get the overall rate.
    """
    rate = float(outcome.mean())
    totals = pd.DataFrame({"key": _keys(groups), "outcome": outcome}).groupby("key")["outcome"].agg(["sum", "size"])
    shrunken = (totals["sum"] + PRIOR_ROWS * rate) / (totals["size"] + PRIOR_ROWS)
    return _keys(new_groups).map(shrunken).fillna(rate).to_numpy(dtype=np.float64)


def _keys(groups: pd.DataFrame) -> pd.Series:
    columns = [groups[name].astype("object").where(groups[name].notna(), "").astype("str") for name in groups]
    keys = columns[0]
    for column in columns[1:]:
        keys = keys + "\x1f" + column
    return keys.reset_index(drop=True)
