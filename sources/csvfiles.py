"""Reading CSV: DuckDB's parallel reader for files in order, a careful one for the rest.

Belongs here: headers, records, the line of each record, and lines that are none. Does not belong here: encodings and
compression (textfiles).

DuckDB's result is taken only when it has exactly one record for every line after the header; then a record's line is
its number, and nothing was swallowed. Otherwise (line breaks in fields, blank lines, broken records, NUL bytes) the
file is read again by Python's reader, streaming, which knows the line of each record and keeps the broken ones.
"""

import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from sources.inputs import InputFile
from sources.problems import ExtractRefused, Problem
from sources.raw import RawTables, check_columns, literal
from sources.textfiles import Text

if TYPE_CHECKING:
    import _csv

_BATCH_ROWS = 20_000
_MAX_FIELD = 16 << 20
_DELIMITERS = ",;\t|"


def read_header(file: InputFile, text: Text) -> list[str]:
    """Names of the columns; a nameless one is called `_column_<n>`.

    Raises:
        ExtractRefused: wrong delimiter, doubled columns.
    """
    with text.path.open(encoding="utf-8-sig", newline="") as stream:
        first = next(csv.reader(stream, delimiter=file.spec.delimiter, quotechar=file.spec.quote), [])
    header = [name.strip().removeprefix("\ufeff") or f"_column_{n}" for n, name in enumerate(first, 1)]
    _refuse_other_delimiter(file, text, header)
    check_columns(file.name, header)
    return header


def read_csv(raw: RawTables, file: InputFile, text: Text, header: Sequence[str]) -> None:
    """Add the file's records to its raw table, and its broken lines to the malformed ones.

    Raises:
        ExtractRefused: a quote is opened and never closed.
    """
    if not text.is_odd and text.lines > 1:
        try:
            records = raw.append(file.logical, file.name, _relation(file, text.path, header), header, first_line=2)
            if records == text.lines - 1:
                return
        except duckdb.Error as error:
            if isinstance(error, duckdb.OutOfMemoryException | duckdb.InterruptException):
                raise
        raw.undo(file.logical, file.name)
    reader = _CarefulReader(file, text.path, header)
    raw.append_batches(file.logical, file.name, reader.batches(), header)
    raw.add_malformed(file.logical, file.name, reader.malformed)


def _relation(file: InputFile, path: Path, header: Sequence[str]) -> str:
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header)
    delimiter, quote = literal(file.spec.delimiter), literal(file.spec.quote)
    return (
        f"read_csv({literal(str(path))}, columns = {{{columns}}}, auto_detect = false, header = true, "
        f"delim = {delimiter}, quote = {quote}, escape = {quote}, nullstr = '', compression = 'none', "
        f"strict_mode = true, null_padding = false)"
    )


class _CarefulReader:
    """One pass over a CSV file record by record, in batches; holds the broken lines when it is through."""

    def __init__(self, file: InputFile, path: Path, header: Sequence[str]) -> None:
        self.file, self.path, self.header = file, path, list(header)
        self.malformed: list[tuple[int, str, str]] = []
        self._lines: list[str] = []

    def batches(self) -> Iterator[pa.Table]:
        """The records, with `_line`.

        Raises:
            ExtractRefused: the file ends inside quotes.
        """
        rows: list[list[str | None]] = []
        for line, record in self._records():
            rows.append([*(value or None for value in record), line])  # type: ignore[list-item]
            if len(rows) == _BATCH_ROWS:
                yield self._table(rows)
                rows = []
        if rows:
            yield self._table(rows)

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        limit = csv.field_size_limit(min(_MAX_FIELD, sys.maxsize))
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as stream:
                reader = csv.reader(
                    self._remember(stream),
                    delimiter=self.file.spec.delimiter,
                    quotechar=self.file.spec.quote,
                    strict=True,
                )
                next(reader, None)
                yield from self._judge(reader)
        finally:
            csv.field_size_limit(limit)

    def _judge(self, reader: "_csv._reader") -> Iterator[tuple[int, list[str]]]:
        while True:
            self._lines.clear()
            begins = reader.line_num + 1
            try:
                record = next(reader, None)
            except csv.Error as error:
                self._note_broken(begins, str(error))
                continue
            if record is None:
                return
            if not record:
                continue  # a blank line holds nothing
            fault = self._fault(record)
            if fault:
                self.malformed.append((begins, fault, "".join(self._lines)))
            else:
                yield begins, record

    def _remember(self, stream: Iterator[str]) -> Iterator[str]:
        for line in stream:
            self._lines.append(line)
            yield line

    def _note_broken(self, line: int, error: str) -> None:
        if "unexpected end" in error:
            problem = Problem(
                "truncated_file", self.file.name,
                "A quote is opened here and never closed; the rest of the file is inside it.",
                "Repair the quote, or export the file again.", line=line, value=self._lines[0][:80].rstrip(),
            )  # fmt: skip
            raise ExtractRefused([problem])
        what = "field_too_large" if "larger than" in error else "stray_quote"
        self.malformed.append((line, what, "".join(self._lines)[:_MAX_FIELD]))

    def _fault(self, record: list[str]) -> str:
        if len(record) > len(self.header):
            return "too_many_fields"
        if len(record) < len(self.header):
            return "too_few_fields"
        return "nul_byte" if any("\0" in value for value in record) else ""

    def _table(self, rows: list[list[str | None]]) -> pa.Table:
        columns = list(zip(*rows, strict=True))
        arrays = [pa.array(values, pa.string()) for values in columns[:-1]]
        return pa.table([*arrays, pa.array(columns[-1], pa.int64())], names=[*self.header, "_line"])


def _refuse_other_delimiter(file: InputFile, text: Text, header: Sequence[str]) -> None:
    if set(file.spec.columns) <= set(header):
        return
    with text.path.open(encoding="utf-8-sig", newline="") as stream:
        line = stream.readline()
    for delimiter in _DELIMITERS:
        others = next(csv.reader([line], delimiter=delimiter, quotechar=file.spec.quote), [])
        if delimiter != file.spec.delimiter and set(file.spec.columns) <= {name.strip() for name in others}:
            problem = Problem(
                "wrong_delimiter", file.name,
                f"The manifest says {file.spec.delimiter!r}, but the header is divided by {delimiter!r}.",
                f'Set `delimiter: "{delimiter}"` for {file.logical!r}, or correct the export.', line=1,
                value=line.strip()[:80],
            )  # fmt: skip
            raise ExtractRefused([problem])
