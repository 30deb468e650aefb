"""Landed files as they were known at a moment: what had not happened yet is not there.

Belongs here: cutting a landing folder by business time. Does not belong here: what is built of it.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import duckdb

from sources.contracts import Table, load_contract

#: Times of things that are announced before they happen; they are known as soon as their row is.
ANNOUNCED = {"promised_at", "expected_at", "started_at"}
#: The last known status overwrites the ones before it: what it was before cannot be told, so nothing may rest on it.
STATUS_AT_FIRST = "'created'"
#: Column whose time says when a row came to be known, where that is not the contract's day column.
KNOWN_FROM = {"order_events": "occurred_at"}


def cut_landing(landing: Path, target: Path, at: datetime) -> Path:
    """Write what of `landing` was known at `at` to `target`: later rows are left out, later times in a row are null.

    Tables without a day column are master data and are copied whole.
    """
    with duckdb.connect() as connection:
        for table in load_contract().values():
            folder = target / table.name
            folder.mkdir(parents=True)
            source = f"read_parquet('{landing / table.name}/**/*.parquet', union_by_name=true, hive_partitioning=false)"
            known = KNOWN_FROM.get(table.name, table.day_column)
            kept = f"where {known} <= timestamp '{at}'" if known else ""
            columns = ", ".join(_columns(table, at))
            connection.execute(
                f"copy (select {columns} from {source} {kept}) to '{folder}/cut.parquet' (format parquet)"
            )
    return target


def _columns(table: Table, at: datetime) -> Iterable[str]:
    for column in table.columns:
        if table.day_column and column.name == "status":
            yield f"{STATUS_AT_FIRST} as status"
        elif table.day_column and column.type == "TIMESTAMP" and column.name not in ANNOUNCED:
            yield f"case when {column.name} <= timestamp '{at}' then {column.name} end as {column.name}"
        else:
            yield column.name
    yield from ("_source_file", "_source_row", "_batch", "_landed_at")
