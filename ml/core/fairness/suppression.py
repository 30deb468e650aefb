"""Small cells that must not be printed, and the further ones that would give them away.

Belongs here: primary and complementary suppression of counts in tables with totals. Does not belong here: minimum
support, which is about evidence and not about privacy.

A cell with fewer than `SUPPRESS_BELOW` rows is hidden. If a printed total then lets a hidden cell be computed by
subtraction, the smallest further cells of that line are hidden too (complementary suppression; Hundepool et al. 2012,
Statistical Disclosure Control, §4.4). Zeros are printed: they say nothing about anybody.
"""

from collections.abc import Sequence

import numpy as np

SUPPRESS_BELOW = 10


def suppressed_groups(rows: np.ndarray, names: Sequence[str], below: int = SUPPRESS_BELOW) -> frozenset[str]:
    """Groups to hide in a table whose grand total is printed.

    Args:
        rows: Rows per group, shape (groups,).
        names: Names of the groups.
        below: Cells of 1 … below − 1 rows are hidden.
    """
    hidden = suppressed_line(np.asarray(rows), (np.asarray(rows) > 0) & (np.asarray(rows) < below), below)
    return frozenset(name for name, h in zip(names, hidden, strict=True) if h)


def suppressed_line(rows: np.ndarray, hidden: np.ndarray, below: int) -> np.ndarray:
    """Complement the hidden cells of one line with a printed total: two cells and `below` rows at least are hidden."""
    hidden = hidden.copy()
    while hidden.any() and (hidden.sum() < 2 or rows[hidden].sum() < below):
        candidates = np.flatnonzero(~hidden & (rows > 0))
        if not len(candidates):
            break
        hidden[candidates[np.argmin(rows[candidates])]] = True
    return hidden


def suppressed_table(rows: np.ndarray, below: int = SUPPRESS_BELOW) -> np.ndarray:
    """Cells to hide in a two-way table with both margins printed, shape as `rows`.

    Lines and columns are complemented in turn until none gives a hidden cell away.
    """
    hidden = (rows > 0) & (rows < below)
    while True:
        before = hidden.copy()
        for i in range(rows.shape[0]):
            hidden[i] = suppressed_line(rows[i], hidden[i], below)
        for j in range(rows.shape[1]):
            hidden[:, j] = suppressed_line(rows[:, j], hidden[:, j], below)
        if (hidden == before).all():
            return hidden
