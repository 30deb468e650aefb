"""From rows to cells: the only pass over the rows of an audited table.

Belongs here: checking the columns of a table and aggregating it to one cell per stratum, group, label, prediction and
score bin. Does not belong here: files (ml/io aggregates those in DuckDB to the same cells), metrics, tests.

Everything after this works on cells, so that an audit of ten million rows costs no more than one of ten thousand.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ml.core.fairness.errors import UnusableTable

UNKNOWN_NAMES = frozenset({"", "unknown", "none", "null", "nan", "n/a"})
JOINT = " × "
SCORE_BINS = 20
POWERS = 4
#: Columns of a frame of cells beside `group` and `stratum`; `score_p` is the weighted sum of score to the power p.
CELL_COLUMNS = (
    *("label", "prediction", "score_bin", "rows", "weight", "weight_squared"),
    *(f"score_{power}" for power in range(1, POWERS + 1)),
)


@dataclass(frozen=True)
class Cells:
    """A table as counts.

    Attributes:
        frame: One row per cell: `group` and `stratum` (positions in the tuples below), `label`, `prediction`
            (−1: not known), `score_bin` (−1: no score), `rows`, `weight`, `weight_squared`, `score_1` … `score_4`.
        groups: Names of the groups, sorted; group −1 is none: those rows are in `unknown_rows`.
        strata: Names of the strata of the control columns; one empty name without control.
        columns: Which of `label`, `prediction`, `score` the table has.
        parts: Per group its value in each group column.
        unknown_rows: Rows without a group.
        unknown_positives: Positive labels among them.
        unlabelled_rows: Rows whose label is not known.
        zero_weight_rows: Rows left out because their weight is 0.
        weighted: Whether sampling weights were given.
    """

    frame: pd.DataFrame
    groups: tuple[str, ...]
    strata: tuple[str, ...]
    columns: frozenset[str]
    parts: tuple[tuple[str, ...], ...] = ()
    unknown_rows: int = 0
    unknown_positives: int = 0
    unlabelled_rows: int = 0
    zero_weight_rows: int = 0
    weighted: bool = False

    @property
    def rows(self) -> int:
        """Rows with a known group."""
        return int(self.frame["rows"].sum())

    def without_groups(self, names: frozenset[str]) -> "Cells":
        """The same cells without the rows of the named groups, whose names stay."""
        if not names:
            return self
        gone = [position for position, name in enumerate(self.groups) if name in names]
        return replace(self, frame=self.frame[~self.frame["group"].isin(gone)].reset_index(drop=True))

    def without_control(self) -> "Cells":
        """The same cells with all strata put together."""
        if len(self.strata) <= 1:
            return self
        keys = ["group", "label", "prediction", "score_bin"]
        merged = self.frame.drop(columns="stratum").groupby(keys, as_index=False, sort=True).sum()
        merged["stratum"] = 0
        return replace(self, frame=merged, strata=("",))


def cells_of_table(
    table: pd.DataFrame | pa.Table,
    *,
    label: str | None,
    score: str | None = None,
    prediction: str | None = None,
    group: str | Sequence[str],
    control: str | Sequence[str] | None = None,
    weight: str | None = None,
    count: str | None = None,
    control_bins: int = 5,
) -> Cells:
    """Check a table and aggregate it.

    Args:
        table: Rows, or counts when `count` is named.
        label: Column of the outcome, 0 or 1; missing where the outcome is not known yet.
        score: Column of a probability in [0, 1].
        prediction: Column of the decision, 0 or 1.
        group: Column of the group, or several whose combinations are the groups.
        control: Columns within whose combinations groups are compared; numbers with more than `control_bins` distinct
            values are cut at their quantiles.
        weight: Column of sampling weights, at least 0; rows of weight 0 are left out and counted.
        count: Column that says how many equal rows one row stands for.
        control_bins: Number of quantile bins of a numeric control.

    Raises:
        UnusableTable: a column is missing or holds a value outside its rule.
    """
    group_columns = [group] if isinstance(group, str) else list(group)
    control_columns = [control] if isinstance(control, str) else list(control or [])
    named = [c for c in (label, score, prediction, weight, count) if c] + group_columns + control_columns
    frame = _as_frame(table, named)
    if not group_columns:
        raise UnusableTable("An audit compares groups; no group column was named. Name at least one.")
    if not (label or prediction or score):
        raise UnusableTable(
            "An audit needs a label, a prediction or a score; none was named. Name at least one column."
        )
    repeats = _repeats(frame, count)
    weights = _weights(frame, weight)
    labels = _binary(frame, label, missing_allowed=True)
    predictions = _binary(frame, prediction, missing_allowed=False)
    scores = _scores(frame, score)
    group_codes, groups, group_parts = _groups(frame, group_columns)
    stratum_codes, strata = _strata(frame, control_columns, control_bins)
    kept = (weights > 0) & (repeats > 0)
    known = kept & (group_codes >= 0)
    parts = pd.DataFrame(
        {
            "stratum": stratum_codes, "group": group_codes, "label": labels, "prediction": predictions,
            "score_bin": score_bins(scores) if score else np.full(len(frame), -1),
        }
    )[known]  # fmt: skip
    weighted_rows = (weights * repeats)[known]
    sums = {"rows": repeats[known], "weight": weighted_rows, "weight_squared": (weights**2 * repeats)[known]}
    for power in range(1, POWERS + 1):
        sums[f"score_{power}"] = weighted_rows * scores[known] ** power if score else np.zeros(int(known.sum()))
    keys = list(parts.columns)
    cells = pd.concat([parts, pd.DataFrame(sums, index=parts.index)], axis=1).groupby(keys, as_index=False, sort=True)
    unknown = kept & (group_codes < 0)
    return Cells(
        frame=cells.sum(),
        groups=groups,
        strata=strata,
        columns=frozenset(n for n, c in (("label", label), ("prediction", prediction), ("score", score)) if c),
        parts=group_parts,
        unknown_rows=int(repeats[unknown].sum()),
        unknown_positives=int(repeats[unknown & (labels == 1)].sum()),
        unlabelled_rows=int(repeats[kept & (labels < 0)].sum()) if label else 0,
        zero_weight_rows=int(repeats[weights == 0].sum()),
        weighted=weight is not None,
    )


def score_bins(scores: np.ndarray) -> np.ndarray:
    """Bin of each score, 0 … 19, of equal width on the arcsine scale: finer where rare and sure events lie."""
    return np.minimum((np.arcsin(np.sqrt(scores)) * (2 * SCORE_BINS / np.pi)).astype(np.int64), SCORE_BINS - 1)


def is_unknown(name: str) -> bool:
    """Whether a group's name says that the group is not known."""
    return name.strip().lower() in UNKNOWN_NAMES


def _as_frame(table: pd.DataFrame | pa.Table, columns: list[str]) -> pd.DataFrame:
    present = list(table.column_names if isinstance(table, pa.Table) else table.columns)
    for column in columns:
        if column not in present:
            raise UnusableTable(f"Column {column!r} is not in the table, which has {present}. Name one that is.")
    wanted = list(dict.fromkeys(columns))
    frame = table.select(wanted).to_pandas() if isinstance(table, pa.Table) else table[wanted]
    return frame.reset_index(drop=True)


def _numbers(frame: pd.DataFrame, column: str, rule: str) -> np.ndarray:
    try:
        return np.asarray(pd.to_numeric(frame[column]).astype("float64"), dtype=np.float64)
    except (TypeError, ValueError) as problem:
        raise UnusableTable(f"{rule}; column {column!r} holds something else ({problem}). Convert it first.") from None


def _refuse(bad: np.ndarray, frame: pd.DataFrame, column: str, rule: str, remedy: str) -> None:
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        raise UnusableTable(
            f"{rule}; column {column!r} breaks this in {int(bad.sum())} of {len(frame)} rows, first in row {first + 1} "
            f"with {frame[column].iloc[first]!r}. {remedy}"
        )


def _binary(frame: pd.DataFrame, column: str | None, missing_allowed: bool) -> np.ndarray:
    if column is None:
        return np.full(len(frame), -1, dtype=np.int64)
    role = "A label is 0, 1 or missing" if missing_allowed else "A prediction is 0 or 1"
    values = _numbers(frame, column, role)
    missing = np.isnan(values)
    if not missing_allowed:
        _refuse(missing, frame, column, role, "Remove the rows that were not predicted.")
    _refuse(~missing & (values != 0) & (values != 1), frame, column, role, "Map it to 0 and 1.")
    return np.where(missing, -1, np.nan_to_num(values)).astype(np.int64)


def _scores(frame: pd.DataFrame, column: str | None) -> np.ndarray:
    if column is None:
        return np.zeros(len(frame))
    rule = "A score is a probability from 0 to 1"
    values = _numbers(frame, column, rule)
    _refuse(~((values >= 0) & (values <= 1)), frame, column, rule, "Calibrate it to a probability or remove the rows.")
    return values


def _weights(frame: pd.DataFrame, column: str | None) -> np.ndarray:
    if column is None:
        return np.ones(len(frame))
    rule = "A weight is a finite number of at least 0"
    values = _numbers(frame, column, rule)
    _refuse(~(np.isfinite(values) & (values >= 0)), frame, column, rule, "Correct it, or use 0 to leave a row out.")
    return values


def _repeats(frame: pd.DataFrame, column: str | None) -> np.ndarray:
    if column is None:
        return np.ones(len(frame), dtype=np.int64)
    rule = "A count is a whole number of at least 0"
    values = _numbers(frame, column, rule)
    bad = ~(np.isfinite(values) & (values >= 0) & (values == np.floor(values)))
    _refuse(bad, frame, column, rule, "Pass weights that are not counts as `weight`.")
    return values.astype(np.int64)


def _groups(frame: pd.DataFrame, columns: list[str]) -> tuple[np.ndarray, tuple[str, ...], tuple[tuple[str, ...], ...]]:
    names = [_names(frame[column]) for column in columns]
    unknown = np.zeros(len(frame), dtype=bool)
    for part in names:
        unknown |= np.asarray(part.isna())
    joined = names[0] if len(names) == 1 else names[0].str.cat(names[1:], sep=JOINT)
    codes, uniques = pd.factorize(joined.where(~unknown), sort=True)
    first = np.unique(codes[codes >= 0], return_index=True)[1]
    examples = np.flatnonzero(codes >= 0)[first]
    parts = tuple(tuple(str(part.iloc[row]) for part in names) for row in examples)
    return codes.astype(np.int64), tuple(str(name) for name in uniques), parts


def _names(column: pd.Series) -> pd.Series:
    codes, uniques = pd.factorize(column)
    texts = [name_of(value) for value in uniques]
    known = np.array([None if is_unknown(text) else text for text in texts] + [None], dtype=object)
    return pd.Series(known[codes], dtype="str")


def name_of(value: Any) -> str:
    """The text of a group's or stratum's value; whole floats lose their `.0`, so that types do not make new groups."""
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _strata(frame: pd.DataFrame, columns: list[str], bins: int) -> tuple[np.ndarray, tuple[str, ...]]:
    if not columns:
        return np.zeros(len(frame), dtype=np.int64), ("",)
    parts = [_control_names(frame[column], bins).fillna("missing") for column in columns]
    joined = parts[0] if len(parts) == 1 else parts[0].str.cat(parts[1:], sep=JOINT)
    codes, uniques = pd.factorize(joined, sort=True)
    return codes.astype(np.int64), tuple(str(name) for name in uniques)


def _control_names(column: pd.Series, bins: int) -> pd.Series:
    numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    if numeric and column.nunique() > bins:
        values = column.astype("float64")
        edges = np.unique(np.nanquantile(values, np.linspace(0, 1, bins + 1)[1:-1]))
        cut = np.searchsorted(edges, values, side="right")
        names = bin_names(edges)
        return pd.Series([None if np.isnan(v) else names[c] for v, c in zip(values, cut, strict=True)], dtype="str")
    return _names(column)


def bin_names(edges: np.ndarray) -> list[str]:
    """Names of the bins between cut points, such as `< 10`, `10 to 20`, `>= 20`, numbered so that they sort."""
    texts = [f"{edge:.6g}" for edge in edges]
    if not texts:
        return ["1: all"]
    inner = [f"{low} to {high}" for low, high in itertools.pairwise(texts)]
    return [f"{i}: {name}" for i, name in enumerate([f"< {texts[0]}", *inner, f">= {texts[-1]}"], start=1)]
