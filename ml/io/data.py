"""Tables that models learn from and score: read with their schema and a digest of their content.

Belongs here: reading a published or a user's table through DuckDB, in whole or in batches.
Does not belong here: which columns are features (ml/core/features).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

from ml.core.features import FeatureSet, Roles, UnusableTable, choose_features
from workspace.files import sha256_of_json
from workspace.published import Snapshot, parquet_relation, sha256_of_table

READERS = {".parquet": "read_parquet", ".csv": "read_csv", ".tsv": "read_csv"}


@dataclass(frozen=True)
class TableSource:
    """A table in a file, identified by content.

    Attributes:
        name: Table name.
        path: Its file, or the folder of its parts.
        schema: Column → DuckDB type.
        count: Rows.
        digest: SHA-256 over schema and rows in any order; equal content, equal digest, however the file was written.
        file_sha256: SHA-256 of the file, or over those of its parts.
        snapshot: Version of the published snapshot, empty for a user's file.
        snapshot_digest: Digest of that snapshot.
        as_of: The last moment that the snapshot knows of, None if nobody said.
        view: SQL of the rows that are read, over `{table}`; empty: the table's own rows. `schema` and `digest` are of
            what it gives, `count` too.
    """

    name: str
    path: Path
    schema: Mapping[str, str]
    count: int
    digest: str
    file_sha256: str
    snapshot: str = ""
    snapshot_digest: str = ""
    as_of: pd.Timestamp | None = None
    view: str = ""

    @property
    def relation(self) -> str:
        """The table as a DuckDB expression."""
        return relation_of(self.path, self.view)


def relation_of(path: Path, view: str = "") -> str:
    """A file or a folder of Parquet parts, or a view over it, as a DuckDB table expression.

    Raises:
        UnusableTable: the file is absent or of an unknown kind.
    """
    if path.is_dir():
        table = parquet_relation(path)
    elif not path.is_file():
        raise UnusableTable(f"There is no file {path}. Name a Parquet or CSV file.")
    elif path.suffix.lower() not in READERS:
        raise UnusableTable(f"A table is read from {', '.join(READERS)}; got {path.name}. Convert it.")
    else:
        quoted = str(path).replace("'", "''")
        table = f"{READERS[path.suffix.lower()]}('{quoted}')"
    return view.replace("{table}", table) if view else table


def published_table(snapshot: Snapshot, table: str, view: str = "") -> TableSource:
    """A table of a published snapshot, or a view over it.

    Raises:
        UnusableTable: the snapshot lacks the table.
    """
    if table not in snapshot.tables:
        raise UnusableTable(
            f"Snapshot {snapshot.version} lacks the table {table}; it holds {', '.join(snapshot.tables)}. Build the "
            f"features and publish again."
        )
    noted = snapshot.notes.get("as_of")
    as_of = pd.to_datetime(str(noted), utc=True) if noted else None
    return _source(table, snapshot.path(table), str(snapshot.tables[table]["sha256"]), snapshot.version,
                   snapshot.digest, as_of, view)  # fmt: skip


def file_table(path: Path) -> TableSource:
    """A user's own Parquet or CSV file, or a folder of Parquet files, as a table."""
    relation_of(path)
    return _source(path.stem, path, sha256_of_table(path), "", "", None)


def _source(name: str, path: Path, file_sha256: str, snapshot: str, snapshot_digest: str,
            as_of: pd.Timestamp | None, view: str = "") -> TableSource:  # fmt: skip
    with duckdb.connect(":memory:") as connection:
        relation = relation_of(path, view)
        try:
            described = connection.execute(f"describe select * from {relation}").fetchall()
            found = connection.execute(
                "select count(*), cast(sum(md5_number_lower(row_text)) as varchar), "
                "cast(sum(md5_number_upper(row_text)) as varchar) "
                f"from (select cast(t as varchar) as row_text from {relation} as t)"
            ).fetchone()
        except duckdb.Error as error:
            raise UnusableTable(f"{path.name} cannot be read as a table: {error}") from error
    schema = {str(row[0]): str(row[1]) for row in described}
    count, low, high = found or (0, None, None)
    digest = sha256_of_json({"schema": json.dumps(schema), "count": count, "low": low, "high": high})
    return TableSource(name, path, schema, int(count), digest, file_sha256, snapshot, snapshot_digest, as_of, view)


def read_rows(source: TableSource, roles: Roles) -> tuple[pd.DataFrame, FeatureSet]:
    """All rows of a table in order of time and key, and the features that its schema offers.

    Number features and the label come as float64, the rest as stored.

    Raises:
        UnusableTable: a column is absent or does not hold what its role needs.
    """
    features = choose_features(source.schema, roles)
    columns = _select_list(source.schema, roles, features)
    query = f'select {columns} from {source.relation} order by "{roles.time}", "{roles.key}"'
    with duckdb.connect(":memory:") as connection:
        try:
            return connection.execute(query).df(), features
        except duckdb.Error as error:
            raise UnusableTable(f"{source.name} cannot be read: {error}") from error


def read_batches(source: TableSource, columns: Sequence[str], numbers: Sequence[str], where: str,
                 rows: int) -> Iterator[pa.RecordBatch]:  # fmt: skip
    """Rows in Arrow batches of at most `rows`.

    Args:
        source: The table.
        columns: Columns to read, as stored.
        numbers: Further columns to read as float64.
        where: SQL condition.
        rows: Largest batch.
    """
    selected = [_quoted(name) for name in columns] + [f"cast({_quoted(n)} as double) as {_quoted(n)}" for n in numbers]
    with duckdb.connect(":memory:") as connection:
        result = connection.execute(f"select {', '.join(selected)} from {source.relation} where {where}")
        yield from result.to_arrow_reader(rows)


def _select_list(schema: Mapping[str, str], roles: Roles, features: FeatureSet) -> str:
    numbers = set(features.of_kind("number")) | {roles.target}
    lanes = [name for name in roles.lanes if name in schema]
    names = dict.fromkeys([*roles.named, *lanes, *features.names])
    return ", ".join(
        f"cast({_quoted(name)} as double) as {_quoted(name)}" if name in numbers else _quoted(name) for name in names
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
