"""Reading JSON lines, Parquet and SQLite files into raw tables.

Belongs here: those formats. Does not belong here: CSV (csvfiles); databases behind a URL and APIs (remote).
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from sources.inputs import InputFile
from sources.problems import ExtractRefused, Problem
from sources.raw import RawTables, check_columns, literal, quoted
from sources.textfiles import Text

_BATCH_ROWS = 50_000


def stage_lines(raw: RawTables, file: InputFile, text: Text) -> str:
    """Put the file's lines that are not blank into a table of their own (`line`, `_line`); returns its name."""
    name = f"raw.{quoted('lines.' + file.logical + '.' + file.name)}"
    raw.connection.execute(f"create table {name} (line varchar, _line bigint)")
    for batch in _line_batches(text):
        raw.connection.register("line_batch", batch)
        raw.connection.execute(f"insert into {name} from line_batch")
        raw.connection.unregister("line_batch")
    return name


def _line_batches(text: Text) -> Iterator[pa.Table]:
    with text.path.open(encoding="utf-8-sig", newline="\n") as stream:
        numbered = ((line, number) for number, line in enumerate(stream, 1) if not line.isspace())
        while rows := list(islice(numbered, _BATCH_ROWS)):
            yield pa.table([pa.array(column) for column in zip(*rows, strict=True)], names=["line", "_line"])


def jsonl_header(raw: RawTables, file: InputFile, lines: str) -> list[str]:
    """All keys of the file's objects."""
    query = (
        f"select distinct unnest(json_keys(line)) from {lines} where json_valid(line) and json_type(line) = 'OBJECT'"
    )
    found = sorted(row[0] for row in raw.connection.execute(query).fetchall())
    header = [c for c in file.spec.columns if c in found] + [c for c in found if c not in file.spec.columns]
    if header:
        check_columns(file.name, header)
    return header or list(file.spec.columns)


def read_jsonl(raw: RawTables, file: InputFile, lines: str, header: Sequence[str]) -> None:
    """Add one row a JSON object; a line that is none goes to the malformed ones."""
    verdict = "case when not json_valid(line) then 'json' when json_type(line) <> 'OBJECT' then 'not_an_object' end"
    paths = ", ".join(literal(f'$."{key}"') for key in header)
    fields = ", ".join(f"nullif(v[{n}], '') as {quoted(key)}" for n, key in enumerate(header, 1))
    raw.connection.execute(f"create table raw.judged as select line, _line, {verdict} as fault from {lines}")
    relation = (
        f"(select {fields}, _line from (select json_extract_string(line, [{paths}]) as v, _line from raw.judged "
        f"where fault is null order by _line))"
    )
    raw.append(file.logical, file.name, relation, header, first_line=1, line="_line")
    faults = raw.connection.execute("select _line, fault, line from raw.judged where fault is not null").fetchall()
    raw.add_malformed(file.logical, file.name, faults)
    raw.connection.execute("drop table raw.judged")
    raw.connection.execute(f"drop table {lines}")


def parquet_header(file: InputFile) -> list[str]:
    """Names of the columns.

    Raises:
        ExtractRefused: the file is no whole Parquet file, or has two columns of one name.
    """
    try:
        header = list(pq.read_schema(file.path).names)
    except (pa.ArrowInvalid, OSError) as error:
        raise ExtractRefused([_broken_parquet(file, error)]) from error
    check_columns(file.name, header)
    return header


def read_parquet(raw: RawTables, file: InputFile, header: Sequence[str]) -> None:
    """Add the file's rows.

    Raises:
        ExtractRefused: a page of it cannot be read.
    """
    fields = ", ".join(f"nullif(cast({quoted(name)} as varchar), '') as {quoted(name)}" for name in header)
    relation = f"(select {fields} from read_parquet({literal(str(file.path))}, hive_partitioning = false))"
    try:
        raw.append(file.logical, file.name, relation, header, first_line=1)
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise ExtractRefused([_broken_parquet(file, error)]) from error


def sqlite_header(file: InputFile) -> list[str]:
    """Names of the table's columns.

    Raises:
        ExtractRefused: no SQLite file, no such table, or two columns of one name.
    """
    with _opened(file) as database:
        try:
            header = [row[1] for row in database.execute(f"pragma table_info({quoted(file.spec.table)})")]
            tables = [row[0] for row in database.execute("select name from sqlite_master order by name")]
        except sqlite3.DatabaseError as error:
            raise ExtractRefused([_broken_sqlite(file, error)]) from error
    if not header:
        problem = Problem("missing_table", file.name, f"No table {file.spec.table!r}; there are: {', '.join(tables)}.",
                          "Correct `table` in the manifest, or export it.")  # fmt: skip
        raise ExtractRefused([problem])
    check_columns(file.name, header)
    return header


def read_sqlite(raw: RawTables, file: InputFile, header: Sequence[str]) -> None:
    """Add the table's rows, in row-id order, streaming.

    Raises:
        ExtractRefused: the file is broken further in.
    """
    try:
        raw.append_batches(file.logical, file.name, _sqlite_batches(file, header), header)
    except sqlite3.DatabaseError as error:
        raise ExtractRefused([_broken_sqlite(file, error)]) from error


def _sqlite_batches(file: InputFile, header: Sequence[str]) -> Iterator[pa.Table]:
    names = ", ".join(f"nullif(cast({quoted(name)} as text), '')" for name in header)
    line = 1
    with _opened(file) as database:
        cursor = database.execute(f"select {names} from {quoted(file.spec.table)}")
        while rows := cursor.fetchmany(_BATCH_ROWS):
            arrays = [pa.array(values, pa.string()) for values in zip(*rows, strict=True)]
            numbers = pa.array(range(line, line + len(rows)), pa.int64())
            line += len(rows)
            yield pa.table([*arrays, numbers], names=[*header, "_line"])


def _opened(file: InputFile) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(f"{file.path.absolute().as_uri()}?mode=ro", uri=True))


def _broken_parquet(file: InputFile, error: Exception) -> Problem:
    return Problem("truncated_file", file.name, f"It is not a whole Parquet file: {str(error).splitlines()[0]}",
                   "Copy or export it again.")  # fmt: skip


def _broken_sqlite(file: InputFile, error: Exception) -> Problem:
    return Problem("truncated_file", file.name, f"It is not a whole SQLite file: {error}", "Copy or export it again.")
