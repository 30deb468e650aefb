"""Landing CSV as checked Parquet, beside DuckDB's own way from CSV to Parquet.

The extract is that of the `template` adapter: orders, their lines and customers in one CSV file each. Landing reads
it as text, casts and checks every value against the contract, looks for duplicates and unknown codes, numbers every
row, and writes Parquet by day; DuckDB's own way infers types and writes one Parquet file a CSV. In turn, with the same
threads.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import duckdb

from sources.landing import land
from sources.manifest import load_adapter
from workspace.settings import Settings

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
ORDERS = int(os.environ.get("BENCH_ORDERS", "600000"))
GOAL = 0.6
_PLACED = "timestamp '2026-01-01' + interval (i * 13 % 7776000) second"
_TABLES = {
    "orders": f"select 'A-' || i as order_no, 'C-' || i % 50000 as customer_no, "
              f"strftime({_PLACED}, '%Y-%m-%d %H:%M:%S') as placed, "
              f"strftime({_PLACED} + interval 3 day, '%Y-%m-%d %H:%M:%S') as promised, 'paid' as state, 'BE' as land, "
              "replace((i % 900 + 0.5)::varchar, '.', ',') as total from range({n}) r(i)",
    "lines": "select 'A-' || i // 3 as order_no, i % 3 + 1 as position, 'P-' || i % 4000 as article, "
             "i % 5 + 1 as pieces, replace((i % 90 + 0.25)::varchar, '.', ',') as price from range({n} * 3) r(i)",
    "customers": "select 'C-' || i as customer_no, 'Name ' || i as name, 'mail' || i || '@example.com' as mail, "
                 "'Berlin' as city, '10115' as postcode, 'BE' as land from range(50000) r(i)",
}  # fmt: skip


def write_extract(folder: Path) -> int:
    """Write the CSV files; returns their rows."""
    folder.mkdir()
    rows = 0
    with duckdb.connect(":memory:") as connection:
        for name, query in _TABLES.items():
            target = folder / f"{name}.csv"
            written = connection.execute(f"copy ({query.format(n=ORDERS)}) to '{target}' (header)").fetchone()
            rows += written[0] if written else 0
    return rows


def convert(extract: Path, target: Path, threads: int) -> None:
    """DuckDB's own way: types inferred, one Parquet file a CSV."""
    target.mkdir()
    with duckdb.connect(":memory:", config={"threads": threads}) as connection:
        for file in extract.glob("*.csv"):
            connection.execute(f"copy (from read_csv('{file}')) to '{target / file.stem}.parquet' (format parquet)")


def land_once(extract: Path, home: Path) -> None:
    """Land the extract in a new home."""
    report = land(Settings(home=home, company="shop"), load_adapter("template"), extract, settle_seconds=0)
    if report.status != "landed" or report.tables["order_lines"].total.landed != ORDERS * 3:
        raise RuntimeError(f"Not all rows landed: {report.problems} {report.tables['order_lines'].total}")


def seconds(work: Callable[[], None]) -> float:
    """Wall seconds of `work`."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Print both rates and their ratio."""
    with tempfile.TemporaryDirectory(prefix="bench-landing-") as name:
        folder = Path(name)
        extract = folder / "extract"
        rows = write_extract(extract)
        size = sum(file.stat().st_size for file in extract.iterdir()) / 1e6
        threads = Settings(home=folder, company="shop").threads
        own, duck = [], []
        for number in range(ROUNDS):
            duck.append(seconds(partial(convert, extract, folder / f"duck-{number}", threads)))
            own.append(seconds(partial(land_once, extract, folder / f"home-{number}")))
    print(f"{rows:,} rows in three CSV files, {size:.0f} MB, {ROUNDS} rounds in turn, {threads} threads.\n")
    print("| way | median s | min–max s | rows a second |\n|---|---|---|---|")
    for way, taken in (("DuckDB, CSV to Parquet", duck), ("landing, CSV to checked Parquet", own)):
        middle = statistics.median(taken)
        print(f"| {way} | {middle:.2f} | {min(taken):.2f}–{max(taken):.2f} | {rows / middle:,.0f} |")
    ratio = statistics.median(duck) / statistics.median(own)
    print(f"\nLanding reaches {ratio:.0%} of DuckDB's rate (at least {GOAL:.0%}): "
          f"{'met' if ratio >= GOAL else '**missed**'}")  # fmt: skip


if __name__ == "__main__":
    main()
