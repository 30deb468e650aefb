"""Extract files: frames gathered over the days of a chunk, written in a format, the same bytes for the same rows.

Belongs here: CSV in any encoding, JSON lines, Parquet,
SQLite; counting rows. Does not belong here: columns of a system.
"""

import sqlite3
from collections import defaultdict
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq


@dataclass(frozen=True)
class Format:
    """How a table's files look.

    Attributes:
        kind: `csv`, `jsonl` or `parquet`.
        encoding, delimiter: Of `csv`.
    """

    kind: str
    encoding: str = "utf-8"
    delimiter: str = ","


CSV = Format("csv")
GBK = Format("csv", encoding="gb18030")
SEMICOLON = Format("csv", delimiter=";")
JSONL = Format("jsonl")
PARQUET = Format("parquet")


@dataclass
class Files:
    """The files of an extract under one folder.

    Attributes:
        root: Folder that is being built.
        rows: Data rows by relative file name.
    """

    root: Path
    rows: dict[str, int] = field(default_factory=dict)
    _waiting: dict[tuple[str, Format], list[pl.DataFrame]] = field(default_factory=lambda: defaultdict(list))
    _late: dict[tuple[str, Format], list[pl.DataFrame]] = field(default_factory=lambda: defaultdict(list))
    _databases: dict[str, sqlite3.Connection] = field(default_factory=dict)
    # One writer beside the simulation: the libraries that write let go of the interpreter's lock.
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    _writing: list[Future[None]] = field(default_factory=list)

    def add(self, table: str, frame: pl.DataFrame, form: Format) -> None:
        """Keep rows of `table` (such as `shop/orders`) for the chunk's file."""
        if frame.height:
            self._waiting[table, form].append(frame)

    def postpone(self, table: str, frame: pl.DataFrame, form: Format) -> None:
        """Keep rows of `table` for the file after the next one: they arrive late."""
        if frame.height:
            self._late[table, form].append(frame)

    def flush(self, label: str, is_last: bool) -> None:
        """Write what is waiting, one file a table: `<table>_<label>.<ending>`; a table without rows gets none."""
        if is_last:
            self._admit_late()
        self._wait()
        for (table, form), frames in self._waiting.items():
            self._writing.append(self._pool.submit(self._write_frames, f"{table}_{label}", frames, form))
        self._waiting.clear()
        self._admit_late()

    def _write_frames(self, name: str, frames: list[pl.DataFrame], form: Format) -> None:
        self.write(name, pl.concat(frames, how="diagonal"), form)

    def _wait(self) -> None:
        """Let the last flush end, so that no more than one lies in memory; its error is raised here."""
        writing, self._writing = self._writing, []
        for future in writing:
            future.result()

    def finish(self) -> None:
        """Wait until everything that was flushed is written.

        Raises:
            OSError: a file could not be written.
        """
        self._wait()

    def _admit_late(self) -> None:
        for key, frames in self._late.items():
            self._waiting[key].extend(frames)
        self._late.clear()

    def write(self, name: str, frame: pl.DataFrame, form: Format) -> None:
        """Write one file now; `name` without its ending."""
        path = self.root / f"{name}.{form.kind}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if form.kind == "parquet":
            pq.write_table(frame.to_arrow(), path, compression="zstd", compression_level=1)
        elif form.kind == "jsonl":
            frame.write_ndjson(path)
        elif form.encoding == "utf-8":
            frame.write_csv(path, separator=form.delimiter)
        else:
            text = frame.write_csv(separator=form.delimiter)
            path.write_bytes(text.encode(form.encoding))
        self.rows[path.relative_to(self.root).as_posix()] = frame.height

    def insert(self, name: str, table: str, frame: pl.DataFrame) -> None:
        """Append rows to a table of the SQLite file `<name>.sqlite`; columns are typed alike."""
        path = self.root / f"{name}.sqlite"
        path.parent.mkdir(parents=True, exist_ok=True)
        if name not in self._databases:
            # Nothing reads the file before it is closed, and a failed build is removed whole.
            self._databases[name] = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._databases[name].execute("pragma journal_mode = off")
            self._databases[name].execute("pragma synchronous = off")
        database = self._databases[name]
        types = {column: _sqlite_type(kind) for column, kind in frame.schema.items()}
        columns = ", ".join(f'"{column}" {kind}' for column, kind in types.items())
        database.execute(f'create table if not exists "{table}" ({columns})')
        database.execute("begin")
        marks = ", ".join("?" * frame.width)
        database.executemany(f'insert into "{table}" values ({marks})', frame.iter_rows())
        database.execute("commit")
        key = f"{name}.sqlite:{table}"
        self.rows[key] = self.rows.get(key, 0) + frame.height

    def close(self) -> None:
        """End the writing and close the databases."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        for database in self._databases.values():
            database.close()
        self._databases.clear()


def _sqlite_type(kind: pl.DataType) -> str:
    return "real" if kind.is_float() else "integer" if kind.is_integer() else "text"
