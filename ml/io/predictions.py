"""Predictions on disk: append-only Parquet files by model, and the newest prediction of each order.

Belongs here: layout, atomic writing, the collected table for publication. Does not belong here: scoring
(ml/jobs/score).

Layout: `predictions/<model>/<as_of>-<run>.parquet`. A file is written once and never changed. `reasons` is null or a
JSON list, greatest first, of `feature`, `value` and `log_odds`, what the feature adds to the log-odds.
"""

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

SCHEMA = pa.schema(
    [
        pa.field("order_id", pa.string(), nullable=False),
        pa.field("region_code", pa.string()),
        pa.field("model_name", pa.string(), nullable=False),
        pa.field("model_version", pa.string(), nullable=False),
        pa.field("as_of", pa.timestamp("us"), nullable=False),
        pa.field("scored_at", pa.timestamp("us"), nullable=False),
        pa.field("late_probability", pa.float64(), nullable=False),
        pa.field("data_snapshot", pa.string(), nullable=False),
        pa.field("reasons", pa.string()),
    ]
)


def file_for(folder: Path, model: str, as_of: datetime, run: str) -> Path:
    """The file of one scoring."""
    return folder / model / f"{as_of.astimezone(UTC):%Y%m%dT%H%M%SZ}-{run}.parquet"


def write_once(path: Path, batches: Iterable[pa.RecordBatch], schema: pa.Schema = SCHEMA) -> int:
    """Write a file whole or not at all; returns its rows.

    Raises:
        FileExistsError: the file is there already.
    """
    if path.exists():
        raise FileExistsError(f"Predictions are never written over, and {path} exists.")
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    count = 0
    try:
        with pq.ParquetWriter(unfinished, schema, compression="zstd") as writer:
            for batch in batches:
                writer.write_batch(batch)
                count += batch.num_rows
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return count


def snapshot_of(path: Path) -> str | None:
    """The snapshot that a file's rows were scored from; None without rows."""
    scored = pq.read_table(path, columns=["data_snapshot"]).column(0)
    return str(scored[0]) if len(scored) else None


def files_of(folder: Path, model: str) -> list[Path]:
    """Finished files of a model, oldest first by the moment they describe."""
    return sorted(path for path in (folder / model).glob("*.parquet") if not path.name.startswith("."))


def collect_newest(folder: Path, into: Path) -> int:
    """Write the newest prediction of each order and model to one Parquet file, for publication; returns its rows.

    With nothing scored yet the file has the columns and no rows.
    """
    files = [str(path) for path in sorted(folder.glob("*/*.parquet")) if not path.name.startswith(".")]
    if not files:
        pq.write_table(SCHEMA.empty_table(), into)
        return 0
    with duckdb.connect(":memory:") as connection:
        target = str(into).replace("'", "''")
        connection.execute(
            "copy (select * from (select * from read_parquet(?, union_by_name = true) "
            "union all by name select cast(null as varchar) as reasons where false) qualify row_number() over "
            "(partition by order_id, model_name order by scored_at desc, as_of desc) = 1 "
            f"order by model_name, order_id) to '{target}' (format parquet, compression zstd)",
            [files],
        )
        found = connection.execute("select count(*) from read_parquet(?)", [str(into)]).fetchone()
    return int(found[0]) if found else 0
