"""Columns that grow and shrink together: the orders, lines and parcels that are still under way.

Belongs here: a thin table of NumPy columns. Does not belong here: what the columns mean (`twin.engine`).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[Any]
Columns = dict[str, Column]


def take(columns: Mapping[str, Column], index: npt.NDArray[Any]) -> Columns:
    """Rows by position or mask."""
    return {name: column[index] for name, column in columns.items()}


def stack(parts: list[Columns]) -> Columns:
    """Rows of all parts, one after another; the parts have the same columns."""
    parts = [part for part in parts if part]
    if not parts:
        return {}
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def length(columns: Mapping[str, Column]) -> int:
    """Number of rows."""
    return len(next(iter(columns.values()))) if columns else 0
