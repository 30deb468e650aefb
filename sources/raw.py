"""The scratch database of one landing: every input as a table of text, with the place of each row.

Belongs here: how raw rows are stored, numbered and shown to an adapter's SQL. Does not belong here: reading any one
format (csvfiles, otherfiles, remote).

A file's rows lie in one table in the order of the file, so that a row's number follows from its row id and no reader
has to run on one thread to count. Readers that know better give the line themselves.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from sources.manifest import MACROS
from sources.problems import ExtractRefused, Problem
from sources.record import SeenColumn

_MALFORMED = pa.schema([("logical", pa.string()), ("_source_file", pa.string()), ("_source_row", pa.int64()),
                        ("what", pa.string()), ("content", pa.string())])  # fmt: skip

#: Rows at the head of a file from which the types of its columns are inferred.
_LOOKED_AT = 500
_NUMBER = r"-?(0|[1-9]\d*)"  # a leading zero makes a code
_TYPES = {
    "integer": f"regexp_full_match(v, '{_NUMBER}')",
    "number": rf"regexp_full_match(v, '{_NUMBER}(\.\d+)?([eE][+-]?\d+)?')",
    "time": "try_cast(v as timestamp) is not null",
}


def quoted(name: str) -> str:
    """An SQL identifier in quotes."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """An SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


@dataclass
class RawTables:
    """The raw tables of one landing.

    Attributes:
        connection: In-memory DuckDB of this landing.
        columns: Logical name → columns, in the order met.
        files: Logical name → names of the files read.
    """

    connection: duckdb.DuckDBPyConnection
    columns: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.connection.execute("set TimeZone = 'UTC'")
        self.connection.execute(MACROS.read_text(encoding="utf-8"))
        self.connection.execute("create schema raw")
        self.connection.register("malformed_shape", _MALFORMED.empty_table())
        self.connection.execute("create table raw.malformed as from malformed_shape")
        self.connection.unregister("malformed_shape")

    def create(self, logical: str, columns: Sequence[str]) -> None:
        """Make the (still empty) table of an input."""
        self.columns[logical] = list(columns)
        self.files[logical] = []
        shape = ", ".join(f"{quoted(c)} varchar" for c in columns)
        self.connection.execute(f"create table raw.{quoted(logical)} ({shape}, _file usmallint, _line bigint)")
        self.connection.execute(f"create table raw.{quoted(logical + '.files')} "
                                "(no usmallint, name varchar, first_row bigint, first_line bigint)")  # fmt: skip

    def append(
        self, logical: str, file: str, query: str, columns: Sequence[str], first_line: int, line: str = "null::bigint"
    ) -> int:
        """Add the rows of one file, in its order; returns how many.

        Args:
            logical: Logical name of the input.
            file: Name of the file.
            query: Relation that gives the columns.
            columns: Columns that the relation gives.
            first_line: Line of the first row; the others follow without a gap.
            line: Expression of the relation that gives each row's line instead, where there are gaps.
        """
        number = self._begin(logical, file, first_line)
        count = self._insert(logical, number, query, columns, line)
        self._anchor(logical, number, count)
        return count

    def append_batches(self, logical: str, file: str, batches: Iterable[pa.Table], columns: Sequence[str]) -> int:
        """Add rows that come in Arrow batches with their own `_line`; returns how many."""
        number, count = self._begin(logical, file, 1), 0
        for batch in batches:
            self.connection.register("raw_batch", batch)
            count += self._insert(logical, number, "raw_batch", columns, "_line")
            self.connection.unregister("raw_batch")
        return count

    def undo(self, logical: str, file: str) -> None:
        """Forget what was added of a file."""
        number = len(self.files[logical]) - 1
        assert self.files[logical].pop() == file
        self.connection.execute(f"delete from raw.{quoted(logical)} where _file = {number}")
        self.connection.execute(f"delete from raw.{quoted(logical + '.files')} where no = {number}")

    def add_malformed(self, logical: str, file: str, lines: Sequence[tuple[int, str, str]]) -> None:
        """Note lines that are no records: (line, what is wrong, the text as it stands)."""
        if not lines:
            return
        rows = [
            {"logical": logical, "_source_file": file, "_source_row": n, "what": w, "content": t} for n, w, t in lines
        ]
        self.connection.register("malformed_batch", pa.Table.from_pylist(rows, schema=_MALFORMED))
        self.connection.execute("insert into raw.malformed from malformed_batch")
        self.connection.unregister("malformed_batch")

    def expose(self, logical: str, file: str | None = None) -> None:
        """Show the table to the adapter's SQL under its logical name: all its rows, or those of one file alone."""
        columns = ", ".join(f"r.{quoted(c)}" for c in self.columns[logical])
        self.connection.execute(
            f"create or replace view {quoted(logical)} as select {columns}, f.name as _source_file, "
            f"coalesce(r._line, r.rowid - f.first_row + f.first_line) as _source_row "
            f"from raw.{quoted(logical)} r join raw.{quoted(logical + '.files')} f on r._file = f.no"
            + (f" where f.name = {literal(file)}" if file is not None else "")
        )

    def count(self, logical: str) -> dict[str, int]:
        """Rows by file, records only."""
        counts = dict.fromkeys(self.files[logical], 0)
        query = f"select _file, count(*) from raw.{quoted(logical)} group by 1"
        for number, rows in self.connection.execute(query).fetchall():
            counts[self.files[logical][number]] = rows
        return counts

    def look(self, logical: str, file: str, columns: Sequence[str]) -> dict[str, SeenColumn]:
        """Type and form of a file's columns, by the rows at its head."""
        if not columns:
            return {}
        number = self.files[logical].index(file)
        names = ", ".join(f"{quoted(c)} as c{n}" for n, c in enumerate(columns))
        head = f"(select {names} from raw.{quoted(logical)} where _file = {number} limit {_LOOKED_AT})"
        form = r"regexp_replace(regexp_replace(left(v, 40), '[0-9]+', '9', 'g'), '\p{L}+', 'a', 'g')"
        verdicts = " ".join(f"when bool_and({test}) then '{name}'" for name, test in _TYPES.items())
        judged = f"case {verdicts} else 'text' end, mode({form})"
        found = self.connection.execute(
            f"select name, {judged} from (unpivot {head} on columns(*) into name name value v) group by name"
        ).fetchall()
        seen = {name: SeenColumn(kind, common) for name, kind, common in found}
        return {c: seen.get(f"c{n}", SeenColumn("empty")) for n, c in enumerate(columns)}

    def count_malformed(self, logical: str) -> dict[str, int]:
        """Malformed lines by file."""
        query = "select _source_file, count(*) from raw.malformed where logical = ? group by 1"
        return dict(self.connection.execute(query, [logical]).fetchall())

    def _begin(self, logical: str, file: str, first_line: int) -> int:
        number = len(self.files[logical])
        self.files[logical].append(file)
        self.connection.execute(f"insert into raw.{quoted(logical + '.files')} values (?, ?, 0, ?)",
                                [number, file, first_line])  # fmt: skip
        return number

    def _anchor(self, logical: str, number: int, count: int) -> None:
        """Note the first row id of a file; the ids of one insert follow each other without a gap, or it is an error."""
        query = f"select min(rowid), max(rowid) from raw.{quoted(logical)} where _file = {number}"
        first, last = self.connection.execute(query).fetchone() or (None, None)
        if first is None or last is None:
            return
        if last - first + 1 != count:
            raise AssertionError(f"{logical}: {count} rows took the row ids {first} to {last}")
        self.connection.execute(f"update raw.{quoted(logical + '.files')} set first_row = {first} where no = {number}")

    def _insert(self, logical: str, number: int, query: str, columns: Sequence[str], line: str) -> int:
        names = ", ".join(quoted(c) for c in columns)
        inserted = self.connection.execute(
            f"insert into raw.{quoted(logical)} ({names}, _file, _line) select {names}, {number}, {line} from {query}"
        ).fetchone()
        assert inserted is not None
        return int(inserted[0])


def merge_columns(headers: Iterable[Sequence[str]]) -> list[str]:
    """All columns of several headers, each once (case aside), in the order met."""
    merged: dict[str, str] = {}
    for header in headers:
        for name in header:
            merged.setdefault(name.casefold(), name)
    return list(merged.values())


def missing_columns(file: str, header: Sequence[str], required: Sequence[str]) -> list[Problem]:
    """One problem for each required column that the header lacks."""
    return [
        Problem(
            "missing_column", file, f"A required column is missing; there are: {', '.join(header)}.",
            "Export it, or correct the manifest's `columns`.", column=name, line=1,
        )
        for name in required if name not in header
    ]  # fmt: skip


def check_columns(file: str, header: Sequence[str]) -> None:
    """Make sure that names are unique.

    Raises:
        ExtractRefused: with one problem a column.
    """
    problems = []
    folded = [name.casefold() for name in header]
    for name in sorted({n for n in header if folded.count(n.casefold()) > 1}):
        problems.append(Problem("duplicate_column", file, "Two columns have one name (case aside).",
                                "Rename one in the export.", column=name, line=1))  # fmt: skip
    if problems:
        raise ExtractRefused(problems)
