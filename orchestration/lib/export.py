"""Writing the warehouse's tables as Parquet for publication: small ones as one file, large ones in parts of whole days.

Belongs here: which tables are published in which order, cutting and writing them. Does not belong here: the snapshot
(workspace/published), the asset (defs/publication).

A part is named by its first day and a digest of its content. A part of the last snapshot with the same name is linked
and not written, so that one more day costs the days that it touched.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from workspace.files import sha256_of_json
from workspace.published import find_current

#: Rows from which a part is full; a day is never cut. About 10 to 20 MB.
PART_ROWS = 250_000


@dataclass(frozen=True)
class PublishedTable:
    """A published model.

    Attributes:
        name: Its name.
        day: Its column of days; empty where it has none.
        key: Columns of its key; empty where it has no test `is_key`.
    """

    name: str
    day: str
    key: tuple[str, ...]

    @property
    def order(self) -> str:
        """SQL of the order of its rows: by day and key, which has no ties, so that equal rows make equal bytes."""
        return ", ".join(f'"{c}"' for c in dict.fromkeys([self.day, *self.key]) if c) if self.key else "all"

    @property
    def order_of_part(self) -> str:
        """As `order`, with the hash of the key's first column before it: numbers sort in half the time of texts."""
        key = ", ".join(f'"{c}"' for c in self.key)
        return f'"{self.day}", hash("{self.key[0]}"), {key}' if key else "all"


@dataclass(frozen=True)
class Part:
    """Rows of the days from `first` to `last`, and the file name that their content gives."""

    first: date
    last: date
    file: str


def published_models(manifest: Mapping[str, Any]) -> list[PublishedTable]:
    """The dbt models that are published (`meta: {published: true}`), in order of their names."""
    nodes = manifest["nodes"].values()
    published = [n for n in nodes if n["resource_type"] == "model" and n["config"]["meta"].get("published")]
    keys = {
        n["attached_node"]: n["test_metadata"]["kwargs"]
        for n in nodes
        if n["resource_type"] == "test" and (n.get("test_metadata") or {}).get("name") == "is_key"
    }
    found = [(n["name"], keys.get(n["unique_id"], {})) for n in sorted(published, key=lambda n: n["name"])]
    return [PublishedTable(name, key.get("day_column", ""), tuple(key.get("columns", ()))) for name, key in found]


def export_tables(connection: duckdb.DuckDBPyConnection, tables: Sequence[PublishedTable], folder: Path,
                  published: Path) -> dict[str, Path]:  # fmt: skip
    """Write tables into `folder`, as `export_table` does; the current snapshot of `published` is the previous one."""
    current = find_current(published)
    with current.lease() if current else nullcontext():
        previous = current.folder if current else None
        return {table.name: export_table(connection, table, folder, previous) for table in tables}


def export_table(connection: duckdb.DuckDBPyConnection, table: PublishedTable, folder: Path, previous: Path | None,
                 part_rows: int = PART_ROWS) -> Path:  # fmt: skip
    """Write a table to `<folder>/<name>.parquet`, or to `<folder>/<name>/` in parts if it has days and more rows.

    Args:
        connection: A connection to the warehouse.
        table: What is written.
        folder: Where to, on the same file system as `previous`.
        previous: The snapshot's folder whose parts are linked where they are the same.
        part_rows: Rows from which a part is full.
    """
    count = connection.execute(f'select count(*) from "{table.name}"').fetchone()
    if not table.day or not count or count[0] <= part_rows:
        path = folder / f"{table.name}.parquet"
        _copy(connection, f'from "{table.name}" order by {table.order}', path)
        return path
    path = folder / table.name
    path.mkdir()
    for part in _parts(connection, table, part_rows):
        same = previous / table.name / part.file if previous else None
        if same and same.exists():
            os.link(same, path / part.file)
        else:
            days = f"\"{table.day}\" between date '{part.first}' and date '{part.last}'"
            _copy(connection, f'from "{table.name}" where {days} order by {table.order_of_part}', path / part.file)
    return path


def _parts(connection: duckdb.DuckDBPyConnection, table: PublishedTable, part_rows: int) -> Iterator[Part]:
    """Cut at the first day with which a part is full: what comes later moves no earlier cut."""
    schema = connection.execute(f'describe "{table.name}"').fetchall()
    days = connection.execute(
        f'select "{table.day}", count(*), cast(sum(hash(t)) as varchar) from "{table.name}" as t group by 1 order by 1'
    ).fetchall()
    taken: list[tuple[date, int, str]] = []
    for number, day in enumerate(days, start=1):
        taken.append(day)
        if sum(rows for _, rows, _ in taken) >= part_rows or number == len(days):
            content = [[str(of_day), rows, digest] for of_day, rows, digest in taken]
            digest = sha256_of_json([duckdb.__version__, table.order_of_part, schema, content])
            yield Part(taken[0][0], taken[-1][0], f"{taken[0][0]}-{digest[:16]}.parquet")
            taken = []


def _copy(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    target = str(path).replace("'", "''")
    # Level 1 makes files of the size that the default of 3 makes, in three quarters of the time.
    connection.execute(f"copy ({query}) to '{target}' (format parquet, compression zstd, compression_level 1)")
