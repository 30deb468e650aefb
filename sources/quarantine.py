"""Looking at refused rows: what became of each since, with personal values masked, or whole for who mends them.

Belongs here: listing quarantine, the state of its rows, giving them out to be corrected. Does not belong here: filling
it (mapping), taking corrected rows back (replay), and what a reason means (checks).
"""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb

from sources.checks import explain
from sources.contracts import Table, load_contract
from sources.raw import literal, quoted
from sources.record import read_reports
from workspace.settings import Settings

#: What stands in the name of a batch that landed corrected rows.
REPLAY = "replay"
_MASK = "•••"

#: `open`: nobody has mended it yet. `replayed`: a corrected copy has landed. `read_again`: a later landing judged its
#: file anew, since the file, the mapping or the contract changed. `refused_again`: a corrected copy was refused too.
State = Literal["open", "replayed", "read_again", "refused_again"]


class UnknownTable(ValueError):
    """The landing contract has no table of that name."""


@dataclass(frozen=True)
class RefusedRow:
    """One refused row.

    Attributes:
        reasons: All reason codes.
        explanations: The reasons in words, with the (masked) value and the remedy.
        values: Mapped values by contract column, personal ones masked; empty for lines that were no records.
        source_file, source_row: Where it came from.
        batch: The landing that refused it.
        quarantined_at: ISO time, UTC.
        state: What became of it since.
    """

    table: str
    reasons: tuple[str, ...]
    explanations: tuple[str, ...]
    values: Mapping[str, str | None]
    source_file: str
    source_row: int
    batch: str
    quarantined_at: str
    state: State


def list_quarantine(
    settings: Settings, table: str | None = None, limit: int = 1000, state: State | None = None
) -> list[RefusedRow]:
    """Refused rows, newest batch first.

    Args:
        settings: Whose quarantine.
        table: Only this contract table.
        limit: Most rows to give.
        state: Only rows of this state.

    Returns:
        Rows whose direct identifiers are hidden and whose quasi-identifiers keep their first character. The raw
        values of the source, which no contract classifies, are left out.
    """
    with _refused(settings, table) as connection:
        rows = connection.execute(
            f"select table_name, reasons, mapped_values, _source_file, _source_row, _batch, _quarantined_at, state "
            f"from refused {'where state = ' + literal(state) if state else ''} "
            f"order by _batch desc, table_name, _source_file, _source_row limit {int(limit)}"
        ).fetchall()
    return [_row(*row) for row in rows]


def count_states(settings: Settings) -> dict[tuple[str, str], Counter[str]]:
    """Refused rows by state, for each contract table and file of origin.

    A row that a replay refused again is one row: its copy is not counted.
    """
    counts: dict[tuple[str, str], Counter[str]] = {}
    with _refused(settings, None) as connection:
        found = connection.execute(
            f"select table_name, _source_file, if(state = 'refused_again', 'open', state), count(*) from refused "
            f"where _batch not like '%-{REPLAY}-%' group by all"
        ).fetchall()
    for table, file, state, count in found:
        counts.setdefault((table, file), Counter())[state] += count
    return counts


def export_open(settings: Settings, table: str, target: Path) -> int:
    """Write a table's open rows to a CSV file for correction; returns how many.

    The file has the contract's columns with the values as they were read, `_source_file` and `_source_row`, which say
    what a line corrects, and `_reasons`. It holds personal values unmasked and is readable by its owner alone.
    """
    columns = ", ".join(
        f"mapped_values ->> {literal('$.' + c.name)} as {quoted(c.name)}" for c in _table(table).columns
    )
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.close(descriptor)
    target.chmod(0o600)
    with _refused(settings, table) as connection:
        rows = (
            f"select {columns}, _source_file, _source_row, array_to_string(reasons, ' ') as _reasons from refused "
            f"where state = 'open' order by _source_file, _source_row"
        )
        # Written in place: a file that DuckDB renames into place would have the rights of a new one.
        options = "(format csv, header, use_tmp_file false)"
        written = connection.execute(f"copy ({rows}) to {literal(str(target))} {options}").fetchone()
    return int(written[0]) if written else 0


def open_places(settings: Settings, table: str) -> set[tuple[str, int]]:
    """File and row of every open row of a table."""
    with _refused(settings, table) as connection:
        found = connection.execute("select _source_file, _source_row from refused where state = 'open'").fetchall()
    return {(file, row) for file, row in found}


def mask_values(table: Table, values: Mapping[str, str | None]) -> dict[str, str | None]:
    """Values by column with direct identifiers hidden and quasi-identifiers cut to their first character."""
    classes = {c.name: c.personal_data for c in table.columns}
    return {name: _masked(value, classes.get(name, "direct")) for name, value in values.items()}


def _table(name: str) -> Table:
    contract = load_contract()
    if name not in contract:
        raise UnknownTable(f"The landing contract has no table {name!r}. It has: {', '.join(contract)}.")
    return contract[name]


@contextmanager
def _refused(settings: Settings, table: str | None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the view `refused`: all refused rows (of one table), each with its state."""
    names = [_table(table).name] if table else list(load_contract())
    paths = settings.paths
    with duckdb.connect(":memory:") as connection:
        connection.execute("create table judged (table_name varchar, _source_file varchar, _batch varchar)")
        judged = [
            (name, file, report.batch)
            for report in read_reports(paths.landing_files) if report.status == "landed"
            for name, read in report.tables.items() if name in names
            for files in read.inputs.values() for file in files if file not in read.skipped
        ]  # fmt: skip
        if judged:
            connection.executemany("insert into judged values (?, ?, ?)", judged)
        connection.execute("create table replayed (table_name varchar, _source_file varchar, _source_row bigint)")
        for name in names:
            files = _listed((paths.landing / name).glob(f"day=*/*-{REPLAY}-*.parquet"))
            if files:
                given = f"select {literal(name)}, _source_file, _source_row from read_parquet([{files}])"
                connection.execute(f"insert into replayed {given}")
        files = _listed(file for name in names for file in (paths.quarantine / name).glob("*.parquet"))
        connection.execute(f"create view stored as {_STORED.format(files=files) if files else _NOTHING_STORED}")
        connection.execute(_REFUSED)
        yield connection


def _listed(files: Iterable[Path]) -> str:
    return ", ".join(literal(str(file)) for file in files)


_STORED = "from read_parquet([{files}], union_by_name = true)"
_NOTHING_STORED = (
    "select null::varchar as table_name, null::varchar[] as reasons, null::varchar as mapped_values, "
    "null::varchar as _source_file, null::bigint as _source_row, null::varchar as _batch, "
    "null::timestamp as _quarantined_at where false"
)
_REFUSED = f"""
create view refused as
select *, case
    when _batch like '%-{REPLAY}-%' then 'refused_again'
    when exists (from replayed r where (r.table_name, r._source_file, r._source_row)
                 = (s.table_name, s._source_file, s._source_row)) then 'replayed'
    when exists (from judged j where (j.table_name, j._source_file) = (s.table_name, s._source_file)
                 and j._batch > s._batch) then 'read_again'
    else 'open' end as state
from stored s
"""


def _masked(value: str | None, personal_data: str) -> str | None:
    if value is None or personal_data == "none":
        return value
    return _MASK if personal_data == "direct" else str(value)[:1] + _MASK


def _row(
    table: str, reasons: list[str], values: str | None, file: str, line: int, batch: str, at: object, state: State
) -> RefusedRow:
    contract = load_contract()[table]
    masked = mask_values(contract, json.loads(values)) if values else {}
    words = tuple(explain(contract, reason, masked.get(reason.partition(":")[2])) for reason in reasons)
    return RefusedRow(table, tuple(reasons), words, masked, file, line, batch, str(at), state)
