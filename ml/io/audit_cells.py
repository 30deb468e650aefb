"""Counting a file for an audit: CSV, Parquet or JSON become cells in one pass of DuckDB.

Belongs here: the SQL that gives the same cells as `ml.core.fairness.cells` without loading a row into Python.
Does not belong here: the audit; which file is audited.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from ml.core.fairness.cells import JOINT, POWERS, SCORE_BINS, UNKNOWN_NAMES, Cells, bin_names
from ml.core.fairness.errors import UnusableTable

#: Columns of CSV are read as text: `01` stays `01`, and no sample of rows decides a type.
READERS = {
    ".csv": "read_csv(?, all_varchar = true, header = true)",
    ".tsv": "read_csv(?, all_varchar = true, header = true, delim = '\t')",
    ".parquet": "read_parquet(?)",
    ".json": "read_json_auto(?)",
    ".jsonl": "read_json_auto(?)",
    ".ndjson": "read_json_auto(?)",
}
INVALID = -9
NUMERIC_TYPES = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
                 "FLOAT", "DOUBLE", "DECIMAL")  # fmt: skip


@dataclass(frozen=True)
class AuditColumns:
    """Which column of a file plays which part; as the arguments of `audit_predictions`."""

    label: str | None
    group: Sequence[str]
    score: str | None = None
    prediction: str | None = None
    control: Sequence[str] = field(default_factory=tuple)
    weight: str | None = None
    count: str | None = None

    def named(self) -> list[str]:
        """All columns that are named, once each."""
        single = [c for c in (self.label, self.score, self.prediction, self.weight, self.count) if c]
        return list(dict.fromkeys([*single, *self.group, *self.control]))

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON values, for the record of an audit."""
        return {"label": self.label, "score": self.score, "prediction": self.prediction, "weight": self.weight,
                "count": self.count, "group": list(self.group), "control": list(self.control)}  # fmt: skip


def cells_of_file(
    connection: duckdb.DuckDBPyConnection, file: Path, columns: AuditColumns, control_bins: int = 5
) -> Cells:
    """Check and count a file.

    Args:
        connection: Any DuckDB connection; nothing is left behind in it.
        file: CSV, TSV, Parquet or JSON, the first two also gzipped.
        columns: Part of each column.
        control_bins: Quantile bins of a numeric control.

    Raises:
        UnusableTable: the file cannot be read, a column is missing, or a value breaks its rule.
    """
    source, types = _source(connection, file)
    _require(columns, types)
    reader = _Reader(connection, source, str(file), types)
    controls = [reader.control(column, control_bins) for column in columns.control]
    frame = reader.counts(columns, controls)
    reader.refuse_invalid(frame, columns)
    return _cells(frame, columns)


def _source(connection: duckdb.DuckDBPyConnection, file: Path) -> tuple[str, dict[str, str]]:
    if not file.is_file():
        raise UnusableTable(f"There is no file {str(file)!r}. Name one that exists.")
    suffix = next((s.lower() for s in reversed(file.suffixes) if s.lower() not in (".gz", ".zst")), "")
    if suffix not in READERS:
        raise UnusableTable(f"A table is read from {sorted(READERS)}; got {file.name!r}. Convert it to one of them.")
    try:
        described = connection.execute(f"describe select * from {READERS[suffix]}", [str(file)]).fetchall()
    except duckdb.Error as problem:
        raise UnusableTable(f"{file.name!r} cannot be read as {suffix}: {_first_line(problem)}") from None
    return READERS[suffix], {row[0]: row[1] for row in described}


def _require(columns: AuditColumns, types: dict[str, str]) -> None:
    if not columns.group:
        raise UnusableTable("An audit compares groups; no group column was named. Name at least one.")
    if not (columns.label or columns.prediction or columns.score):
        raise UnusableTable("An audit needs a label, a prediction or a score; none was named. Name at least one.")
    for column in columns.named():
        if column not in types:
            raise UnusableTable(f"Column {column!r} is not in the file, which has {list(types)}. Name one that is.")


class _Reader:
    """One file, its types, and the questions asked of it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, source: str, path: str, types: dict[str, str]) -> None:
        self.connection, self.source, self.path, self.types = connection, source, path, types

    def ask(self, query: str) -> duckdb.DuckDBPyConnection:
        try:
            return self.connection.execute(query, [self.path])
        except duckdb.Error as problem:
            raise UnusableTable(f"{Path(self.path).name!r} cannot be read: {_first_line(problem)}") from None

    def control(self, column: str, bins: int) -> str:
        """SQL of a control column's stratum: quantile bins for numbers with many values, else its text."""
        name, number = _quoted(column), self.number(column)
        if self.types[column].split("(")[0] not in (*NUMERIC_TYPES, "VARCHAR"):
            return f"coalesce({self.text(column)}, 'missing')"
        shares = [i / bins for i in range(1, bins)]
        found = self.ask(
            f"select count(distinct {name}), count(*) filter (where {name} is not null and {number} is null), "
            f"quantile_cont({number}, {shares}) from {self.source}"
        ).fetchone()
        distinct, not_numbers, quantiles = found if found else (0, 1, None)
        if distinct <= bins or not_numbers or not quantiles:
            return f"coalesce({self.text(column)}, 'missing')"
        edges = np.unique(np.asarray(quantiles, dtype=float))
        names = bin_names(edges)
        place = " + ".join(f"({number} >= {float(edge)!r})::int" for edge in edges)
        cases = " ".join(f"when {i} then '{name}'" for i, name in enumerate(names))
        return f"coalesce(case {place} {cases} end, 'missing')"

    def number(self, column: str) -> str:
        name = _quoted(column)
        if self.types[column] == "VARCHAR":
            return f"try_cast({name} as double)"
        return f"{name}::double" if self.types[column] != "BOOLEAN" else f"{name}::int::double"

    def text(self, column: str) -> str:
        """SQL of a column's text; null where it says that it is not known."""
        name = _quoted(column)
        plain = f"{name}::varchar"
        if self.types[column] in ("FLOAT", "DOUBLE"):
            whole = f"isfinite({name}) and {name} = trunc({name}) and abs({name}) < 1e18"
            plain = f"case when {whole} then {name}::bigint::varchar else {name}::varchar end"
        unknown = ", ".join(f"'{text}'" for text in sorted(UNKNOWN_NAMES))
        return f"(case when lower(trim({plain})) in ({unknown}) then null else {plain} end)"

    def binary(self, column: str | None, missing_allowed: bool) -> str:
        if column is None:
            return "-1"
        number, name = self.number(column), _quoted(column)
        if self.types[column] == "VARCHAR":
            number = f"case lower({name}) when 'true' then 1.0 when 'false' then 0.0 else {number} end"
        missing = f"when {name} is null or isnan({number}) then {-1 if missing_allowed else INVALID}"
        return f"(case {missing} when ({number}) in (0, 1) then ({number})::int else {INVALID} end)"

    def counts(self, columns: AuditColumns, controls: list[str]) -> pd.DataFrame:
        """One row per group parts, stratum, label, prediction and score bin, with the sums that the metrics need."""
        score = self.number(columns.score) if columns.score else "0.0"
        inside = f"{score} >= 0 and {score} <= 1 and not isnan({score})"
        score_bin = (
            f"least(floor(asin(sqrt({score})) * {2 * SCORE_BINS / math.pi!r})::int, {SCORE_BINS - 1})"
            if columns.score
            else "-1"
        )
        weight = self.number(columns.weight) if columns.weight else "1.0"
        repeats = self.number(columns.count) if columns.count else "1.0"
        good_weight = f"coalesce({weight} >= 0 and isfinite({weight}), false)"
        good_count = f"coalesce({repeats} >= 0 and isfinite({repeats}) and {repeats} = floor({repeats}), false)"
        stratum = f" || '{JOINT}' || ".join(controls) if controls else "''"
        parts = ", ".join(f"{self.text(column)} as part_{i}" for i, column in enumerate(columns.group))
        powers = ", ".join(f"sum(w * {' * '.join(['s'] * p)}) as score_{p}" for p in range(1, POWERS + 1))
        return self.ask(f"""
            with typed as (
                select {parts}, {stratum} as stratum_name,
                    {self.binary(columns.label, True)}::int as label,
                    {self.binary(columns.prediction, False)}::int as prediction,
                    (case when {inside} then {score_bin} else {INVALID} end)::int as score_bin,
                    case when {inside} then {score} else 0 end as s,
                    {good_weight} as weight_good, {good_count} as count_good,
                    case when {good_weight} then {weight} else 0 end as one,
                    case when {good_count} then {repeats} else 0 end as times,
                    one * times as w
                from {self.source}
            )
            select * exclude (one, times, w, s), one = 0 as weight_zero, sum(times)::bigint as rows, sum(w) as weight,
                sum(one * one * times) as weight_squared, {powers}
            from typed group by all order by all
        """).df()

    def refuse_invalid(self, frame: pd.DataFrame, columns: AuditColumns) -> None:
        """Raise for the first rule that a value breaks, with the place of its first row."""
        rules = (
            (columns.count, ~frame["count_good"].to_numpy(dtype=bool), "A count is a whole number of at least 0",
             "Pass weights that are not counts as weight."),
            (columns.weight, ~frame["weight_good"].to_numpy(dtype=bool), "A weight is a finite number of at least 0",
             "Correct it, or use 0 to leave a row out."),
            (columns.label, (frame["label"] == INVALID).to_numpy(), "A label is 0, 1 or missing", "Map it to 0 and 1."),
            (columns.prediction, (frame["prediction"] == INVALID).to_numpy(), "A prediction is 0 or 1",
             "Map it to 0 and 1, and remove rows that were not predicted."),
            (columns.score, (frame["score_bin"] == INVALID).to_numpy(), "A score is a probability from 0 to 1",
             "Calibrate it to a probability or remove the rows."),
        )  # fmt: skip
        for column, bad, rule, remedy in rules:
            if column and bad.any():
                raise UnusableTable(f"{rule}; column {column!r} breaks this {self._where(column, rule)}. {remedy}")

    def _where(self, column: str, rule: str) -> str:
        number, name = self.number(column), _quoted(column)
        good = {
            "A label is 0, 1 or missing": f"({self.binary(column, True)}) >= -1",
            "A prediction is 0 or 1": f"({self.binary(column, False)}) >= 0",
            "A score is a probability from 0 to 1": f"{number} >= 0 and {number} <= 1 and not isnan({number})",
            "A weight is a finite number of at least 0": f"{number} >= 0 and isfinite({number})",
            "A count is a whole number of at least 0": (
                f"{number} >= 0 and isfinite({number}) and {number} = floor({number})"
            ),
        }[rule]
        found = self.ask(
            f"select count(*), min(place), arg_min(value, place) from (select {name} as value, "
            f"row_number() over () as place, coalesce({good}, false) as good from {self.source}) where not good"
        ).fetchone()
        bad, first, value = found if found else (0, 0, None)
        return f"in {bad} rows, first in row {first} with {value!r}"


def _cells(frame: pd.DataFrame, columns: AuditColumns) -> Cells:
    parts = [f"part_{i}" for i in range(len(columns.group))]
    zero = frame["weight_zero"].to_numpy(dtype=bool) & (frame["rows"] > 0).to_numpy()
    kept = frame[~zero & (frame["rows"] > 0)]
    unknown = kept[parts].isna().any(axis=1)
    known = kept[~unknown]
    joined = known[parts[0]].astype("str")
    for part in parts[1:]:
        joined = joined + JOINT + known[part].astype("str")
    group, groups = pd.factorize(joined, sort=True)
    stratum, strata = pd.factorize(known["stratum_name"], sort=True)
    cells = known.assign(group=group, stratum=stratum)
    wanted = ["stratum", "group", "label", "prediction", "score_bin"]
    sums = ["rows", "weight", "weight_squared", *(f"score_{p}" for p in range(1, POWERS + 1))]
    first = {name: tuple(row) for name, row in zip(joined, known[parts].itertuples(index=False), strict=True)}
    lost = kept[unknown]
    return Cells(
        frame=cells[wanted + sums].sort_values(wanted).reset_index(drop=True),
        groups=tuple(str(g) for g in groups),
        strata=tuple(str(s) for s in strata) or ("",),
        columns=frozenset(
            n for n, c in (("label", columns.label), ("prediction", columns.prediction), ("score", columns.score)) if c
        ),
        parts=tuple(tuple(str(p) for p in first[g]) for g in groups),
        unknown_rows=int(lost["rows"].sum()),
        unknown_positives=int(lost.loc[lost["label"] == 1, "rows"].sum()),
        unlabelled_rows=int(kept.loc[kept["label"] == -1, "rows"].sum()) if columns.label else 0,
        zero_weight_rows=int(frame.loc[zero, "rows"].sum()),
        weighted=columns.weight is not None,
    )


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _first_line(problem: Exception) -> str:
    return str(problem).strip().splitlines()[0]
