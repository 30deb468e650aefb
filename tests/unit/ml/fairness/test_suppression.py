"""Hidden cells must not follow from what is printed."""

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linprog

from ml.core.fairness.suppression import SUPPRESS_BELOW, suppressed_table


def bounds_of(rows: np.ndarray, hidden: np.ndarray, place: tuple[int, int]) -> tuple[float, float]:
    """What an outsider can compute of one hidden cell from all margins and the printed cells."""
    cells = [tuple(c) for c in np.argwhere(hidden)]
    equations, sums = [], []
    for axis in (0, 1):
        for line in range(rows.shape[axis]):
            inside = [float(c[axis] == line) for c in cells]
            if any(inside):
                printed = np.take(np.where(hidden, 0, rows), line, axis=axis).sum()
                equations.append(inside)
                sums.append(np.take(rows, line, axis=axis).sum() - printed)
    objective = np.array([float(c == place) for c in cells])
    ends = [linprog(sign * objective, A_eq=equations, b_eq=sums, bounds=(0, None)).fun * sign for sign in (1, -1)]
    return ends[0], ends[1]


@settings(max_examples=40, deadline=None)
@given(arrays(np.int64, (4, 3), elements=st.integers(0, 60)))
@example(np.array([[10, 0, 1], [1, 10, 1], [1, 1, 1], [1, 1, 1]]))
def test_no_small_cell_can_be_computed_from_the_margins(rows):
    # Lines that are hidden whole have no printed margin; they are tested as if they were not in the table.
    kept_rows, kept_columns = rows.sum(axis=1) >= SUPPRESS_BELOW, rows.sum(axis=0) >= SUPPRESS_BELOW
    part = rows[kept_rows][:, kept_columns]
    hidden = suppressed_table(rows)[kept_rows][:, kept_columns]
    if min(part.shape) < 2 or (part.sum(axis=1) < SUPPRESS_BELOW).any() or (part.sum(axis=0) < SUPPRESS_BELOW).any():
        return
    for i, j in np.argwhere((part > 0) & (part < SUPPRESS_BELOW)):
        assert hidden[i, j]
        lines = (np.count_nonzero(part[i]), np.count_nonzero(part[:, j]))
        if min(lines) < 2:
            continue  # the cell is its line's total: its size is the margin itself
        low, high = bounds_of(part, hidden, (int(i), int(j)))
        assert high - low > 0.5


def test_a_table_without_small_cells_is_printed_whole():
    assert not suppressed_table(np.array([[20, 30], [40, 0]])).any()
