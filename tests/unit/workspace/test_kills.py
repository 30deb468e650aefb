"""SIGKILL at random moments of publishing and of writing predictions: nothing half is seen, and the next succeeds."""

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ml.io.predictions import SCHEMA, files_of, write_once
from workspace.published import find_current, publish, sha256_of_table

KILLS = 12
TABLES = ("fct_orders", "kpi_daily")


def kill_at_random(work: Callable[[], None], luck: random.Random, longest: float) -> None:
    """Run `work` again and again in a child, and kill it somewhere."""
    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    time.sleep(luck.uniform(0, longest))
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    child.join()


def publish_number(published: Path, scratch: Path, number: int) -> None:
    """Publish two tables that say the same number."""
    files = {}
    for table in TABLES:
        files[table] = scratch / f"{table}-{os.getpid()}-{number}.parquet"
        duckdb.execute(f"copy (select {number} as number from range(50000)) to '{files[table]}' (format parquet)")
    publish(published, files, {"number": number}, keep=1)


def test_kills_while_publishing_leave_the_last_snapshot_or_the_new_one_whole(tmp_path: Path) -> None:
    published, luck = tmp_path / "published", random.Random(7)
    publish_number(published, tmp_path, 0)

    def publish_on() -> None:
        for number in range(1, 10_000):
            publish_number(published, tmp_path, number)

    for _ in range(KILLS):
        kill_at_random(publish_on, luck, longest=0.6)
        snapshot = find_current(published)
        assert snapshot is not None
        for table in TABLES:
            assert sha256_of_table(snapshot.path(table)) == snapshot.tables[table]["sha256"]
            numbers = duckdb.execute(f"select distinct number from '{snapshot.path(table)}'").fetchall()
            assert numbers == [(snapshot.notes["number"],)]
    publish_number(published, tmp_path, -1)
    left = sorted(path.name for path in published.iterdir() if path.name.startswith(".building"))
    snapshot = find_current(published)
    assert (snapshot and snapshot.notes["number"], left) == (-1, [])


def test_kills_while_predictions_are_written_leave_whole_files_or_none(tmp_path: Path) -> None:
    luck = random.Random(7)
    moment = datetime(2026, 5, 1)
    batch = pa.RecordBatch.from_pylist(
        [{"order_id": str(n), "region_code": "R", "model_name": "m", "model_version": "1", "as_of": moment,
          "scored_at": moment, "late_probability": 0.5, "data_snapshot": "s", "reasons": None} for n in range(20_000)],
        schema=SCHEMA,
    )  # fmt: skip

    def write_on() -> None:
        for number in range(10_000):
            write_once(tmp_path / "m" / f"{os.getpid()}-{number}.parquet", [batch] * 5)

    for _ in range(KILLS):
        kill_at_random(write_on, luck, longest=0.4)
        for file in files_of(tmp_path, "m"):
            assert pq.read_metadata(file).num_rows == 5 * batch.num_rows
    again = tmp_path / "m" / f"{datetime.now(UTC):%s}.parquet"
    assert write_once(again, [batch]) == batch.num_rows
