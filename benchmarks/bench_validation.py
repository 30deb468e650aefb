"""Validation in DuckDB: the features suite on tables of 1 and 3 million rows, and landed orders in a file a day.

Belongs here: the figures of `expectations/`. Each is measured in this process after one warm-up run, since Great
Expectations' import (about 3 s) is paid once a process. Beside the features suite stand the same rules as bare SQL.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from expectations.docs import build_docs
from expectations.runner import validate
from sources.contracts import load_contract
from workspace.settings import Settings

ROUNDS = 5
DAY_FILES = 365

_FEATURES = """
create table feat_order_delivery as
select 'o_' || i as order_id, timestamp '2025-01-01' + interval (i % 31536000) second as ordered_at,
    ordered_at + interval 3 day as promised_at, 'R' || (i % 30) as region_code,
    case when i % 9 = 0 then 'b2b' else 'b2c' end as segment, 'web' as channel, i % 5 + 1 as count_lines,
    random() as load, random() * 900 as distance_km, random() * 40 as weight_kg, i % 24 as hour_of_day,
    i % 7 as weekday, hash(i) % 12 = 0 as is_late, ordered_at + interval 60 hour as label_known_at
from range({rows}) r(i);
create table fct_orders as select order_id, is_late from feat_order_delivery
"""
#: The rules of the features suite over its own table and `fct_orders`, one statement each as a person would write it.
_BARE = (
    "select count(*), count(order_id), count(ordered_at), count(region_code), count(promised_at), count(segment), "
    "count(channel), avg(is_late::int), avg((region_code = 'unknown')::int), "
    "count(*) filter (where not (isfinite(load) and isfinite(distance_km) and isfinite(weight_kg))), "
    "count(*) filter (where promised_at < ordered_at), count(*) filter (where label_known_at < ordered_at), "
    "count(*) filter (where is_late is not null and label_known_at is null) from feat_order_delivery",
    "select count(*) from (select order_id from feat_order_delivery group by order_id having count(*) > 1)",
    "select count(*) from feat_order_delivery where order_id not in (select order_id from fct_orders)",
    "select count(*) from feat_order_delivery f join fct_orders o using (order_id) "
    "where f.is_late is distinct from o.is_late",
)


def times(work: Callable[[], object]) -> list[float]:
    """Seconds of each round, after one round that does not count."""
    taken = []
    for turn in range(ROUNDS + 1):
        started = time.perf_counter()
        work()
        if turn:
            taken.append(time.perf_counter() - started)
    return taken


def line(figure: str, goal: str, taken: list[float]) -> str:
    """One row of the table."""
    spread = f"{min(taken):.2f}–{max(taken):.2f}"
    return f"| {figure} | {goal} | {statistics.median(taken):.2f} | {spread} |"


def features(settings: Settings, folder: Path, millions: int, goal: str) -> list[str]:
    """The features suite and the bare statements on a table of `millions` million rows."""
    path = folder / f"features{millions}.duckdb"
    with duckdb.connect(str(path), config={"threads": settings.threads}) as connection:
        connection.execute(_FEATURES.format(rows=millions * 1_000_000))
    report = validate(settings, "features", database=path)
    assert report.success, [check.id for check in report.failed()]

    def bare() -> None:
        with duckdb.connect(str(path), read_only=True, config={"threads": settings.threads}) as connection:
            for statement in _BARE:
                connection.execute(statement).fetchall()

    checks = len(report.checks)
    suite = times(lambda: validate(settings, "features", database=path))
    return [
        line(f"features suite, {checks} checks × {millions} M rows, s", goal, suite),
        line(f"the same rules as bare DuckDB SQL, {millions} M rows, s", "", times(bare)),
    ]


def landing(settings: Settings, folder: Path) -> str:
    """The landing suite on 1 M landed orders in one Parquet a day."""
    columns = []
    for column in load_contract()["orders"].columns:
        text = f"'{column.allowed[0]}'" if column.allowed else "'EUR'" if column.name == "currency" else "'x' || i"
        values = {"VARCHAR": text, "TIMESTAMP": f"timestamp '2025-01-01' + interval (i % {DAY_FILES}) day"}
        amount = "0" if column.name != "ship_to_latitude" else "48.1"
        columns.append(f'cast({values.get(column.type, amount)} as {column.type}) as "{column.name}"')
    lineage = "'f.csv' as _source_file, i as _source_row, 'b' as _batch, timestamp '2026-01-01' as _landed_at"
    orders = folder / "orders"
    with duckdb.connect(":memory:", config={"threads": settings.threads}) as connection:
        connection.execute(
            f"copy (select {', '.join(columns)}, {lineage}, i % {DAY_FILES} as day from range(1000000) r(i)) "
            f"to '{orders}' (format parquet, partition_by (day))"
        )
    taken = times(lambda: validate(settings, "landing", files={"orders": orders}))
    return line(f"landing suite, 1 M orders in {DAY_FILES} files, s", "≤ 10", taken)


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = Settings(home=folder / "home", company="bench")
        rows = [
            *features(settings, folder, 1, "≤ 3"),
            *features(settings, folder, 3, "≤ 6"),
            landing(settings, folder),
            line("pages of all these runs, s", "≤ 2", times(lambda: build_docs(settings))),
        ]
    print("| figure | goal | median | min–max |\n|---|---|---|---|")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
