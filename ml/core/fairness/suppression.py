"""Small cells that must not be printed, and the further ones that would give them away.

Belongs here: primary and complementary suppression of counts. Does not belong here: minimum support, which is about
evidence and not about privacy.

A group with fewer than `SUPPRESS_BELOW` rows is hidden, and its rows leave the audit: no printed total holds them, so
nothing follows by subtraction. Where two columns cross, the totals of the single columns are printed elsewhere; if
one of them would let a hidden cell be computed, the smallest further cells of that line are hidden too (complementary
suppression; Hundepool et al. 2012, Statistical Disclosure Control, §4.4). Zeros are printed, since they say nothing
about anybody, unless a line has no other cell to hide.
"""

import numpy as np

SUPPRESS_BELOW = 10


def suppressed_line(
    rows: np.ndarray, hidden: np.ndarray, below: int = SUPPRESS_BELOW, printed: np.ndarray | None = None
) -> np.ndarray:
    """Complement the hidden cells of one line with a printed total: two cells and `below` rows at least are hidden.

    The smallest cells with rows go first; a lone hidden cell that has no such neighbour takes an empty one along.
    `printed` marks the cells that are printed at all, by default every one.

    >>> suppressed_line(np.array([3, 40, 25]), np.array([True, False, False])).tolist()
    [True, False, True]
    """
    hidden = hidden.copy()
    while hidden.any() and (hidden.sum() < 2 or rows[hidden].sum() < below):
        free = ~hidden if printed is None else ~hidden & printed
        candidates = np.flatnonzero(free & (rows > 0))
        if not len(candidates) and hidden.sum() < 2:
            candidates = np.flatnonzero(free)
        if not len(candidates):
            break
        hidden[candidates[np.argmin(rows[candidates])]] = True
    return hidden


def suppressed_table(rows: np.ndarray, below: int = SUPPRESS_BELOW) -> np.ndarray:
    """Cells to hide in a two-way table whose margins are printed, shape as `rows`.

    A line whose own total is too small is hidden whole and printed nowhere. Of the rest, rows and columns are
    complemented in turn until no hidden cell follows from a line's total.
    """
    small_row, small_column = rows.sum(axis=1) < below, rows.sum(axis=0) < below
    dropped = (small_row[:, None] | small_column[None, :]) & (rows > 0)
    left = np.where(dropped, 0, rows)
    printed = ~small_row[:, None] & ~small_column[None, :]
    hidden = (left > 0) & (left < below)
    while True:
        before = hidden.copy()
        for i in range(rows.shape[0]):
            hidden[i] = suppressed_line(left[i], hidden[i], below, printed[i])
        for j in range(rows.shape[1]):
            hidden[:, j] = suppressed_line(left[:, j], hidden[:, j], below, printed[:, j])
        if (hidden == before).all():
            return hidden | dropped
