"""Small steps from NumPy columns to text columns that stay inside Polars, where text is fast.

Belongs here: helpers that several systems' writers share. Does not belong here: codes (`codes`) and times (`times`).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl


def named(pool: Sequence[str | None], index: npt.NDArray[Any]) -> pl.Series:
    """The word of `pool` at each index."""
    return pl.Series(pool, dtype=pl.String).gather(np.asarray(index, dtype=np.int64))


def repeated(text: str | None, count: int) -> pl.Series:
    """The same word `count` times."""
    return pl.Series([text], dtype=pl.String).gather(np.zeros(count, dtype=np.int64))
