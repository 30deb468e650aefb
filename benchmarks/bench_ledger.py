"""The ledger: appends by several processes at once, and verifying a long chain, beside bare SQLite and bare hashing.

`python -m benchmarks.bench_ledger APPENDS EVENTS` measures other sizes than the goals name.
"""

import hashlib
import json
import multiprocessing
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlalchemy import create_engine

from workspace.ledger import Ledger
from workspace.links import GENESIS, hash_of, header_of
from workspace.users import Users

PROCESSES = 8
GOAL_RATE, GOAL_SECONDS = 200, 5.0
VERIFY_ROUNDS = 3
REASON = "Better by the paired interval; the gap in Jiangsu is watched."
PAYLOAD = {"dossier": "d" * 64, "expires_at": "2026-12-10T00:00:00+00:00"}


def open_at(folder: Path) -> Ledger:
    """The ledger of a folder."""
    return Ledger(f"sqlite:///{folder / 'ledger.sqlite'}", Users(folder), folder / "ledger.head")


def append(folder: Path, count: int) -> None:
    """One of the processes."""
    with closing(open_at(folder)) as ledger:
        for number in range(count):
            ledger.append("promotions", "proposed", f"model/{number}", "system:bench", REASON, PAYLOAD)


def insert(folder: Path, count: int) -> None:
    """The peer: the same processes insert rows of the same size into SQLite (WAL, full sync), without chain or key."""
    connection = sqlite3.connect(folder / "bare.sqlite", isolation_level=None, timeout=60)
    connection.execute("pragma synchronous=FULL")
    for number in range(count):
        connection.execute("insert into bare values (?, ?)", (number, REASON + json.dumps(PAYLOAD) + "x" * 400))
    connection.close()


def seconds_of(work: Callable[[Path, int], None], folder: Path, total: int) -> float:
    """Wall time of `total` calls spread over the processes."""
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=work, args=(folder, total // PROCESSES)) for _ in range(PROCESSES)]
    started = time.perf_counter()
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    return time.perf_counter() - started


def fill(folder: Path, count: int) -> None:
    """A whole chain of `count` events, written in one transaction: how it came there is not what is measured."""
    open_at(folder).close()
    signer, previous, rows = Users(folder).service("system:bench"), GENESIS, []
    for sequence in range(1, count + 1):
        row = {"kind": "proposed", "subject": f"model/{sequence}", "reason": REASON, "payload": json.dumps(PAYLOAD),
               "sequence": sequence, "stream": "promotions", "actor": signer.name, "at": "2026-11-26T00:00:00+00:00",
               "public": signer.public, "previous_hash": previous}  # fmt: skip
        row["hash"] = previous = hash_of(header_of(row))
        row["signature"] = signer.sign(previous.encode())
        rows.append(row)
    columns = list(rows[0])
    statement = f"insert into ledger_events ({', '.join(columns)}) values ({', '.join(':' + c for c in columns)})"
    with create_engine(f"sqlite:///{folder / 'ledger.sqlite'}").begin() as connection:
        connection.exec_driver_sql(statement, rows)


def main() -> None:
    """Print the figures."""
    appends, events = (int(argument) for argument in sys.argv[1:3]) if len(sys.argv) > 2 else (10_000, 100_000)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "appends"
        folder.mkdir()
        open_at(folder).close()
        Users(folder).service()
        with sqlite3.connect(folder / "bare.sqlite") as bare:
            bare.execute("pragma journal_mode=WAL")
            bare.execute("create table bare (number integer, content text)")
        ours, theirs = seconds_of(append, folder, appends), seconds_of(insert, folder, appends)
        with closing(open_at(folder)) as ledger:
            newest = ledger.newest()
            kept, findings = newest.sequence if newest else 0, len(ledger.verify())
        report_appends(appends, kept, findings, ours, theirs)
        report_verify(Path(scratch) / "verify", events)


def report_appends(asked: int, kept: int, findings: int, ours: float, theirs: float) -> None:
    """Appends by several processes."""
    print(f"Appends by {PROCESSES} processes, each synchronised to disk before the next:\n")
    print("| what | appends | seconds | per second |\n|---|---|---|---|")
    print(f"| the ledger: chained, signed, head kept | {asked:,} | {ours:.1f} | {asked / ours:,.0f} |")
    print(f"| bare SQLite, rows of the same size | {asked:,} | {theirs:.1f} | {asked / theirs:,.0f} |")
    verdict = "met" if kept == asked and not findings and asked / ours >= GOAL_RATE else "**missed**"
    print(f"\nKept {kept:,} of {asked:,}, {findings} findings.")
    print(f"Goal: none lost, chain whole, ≥ {GOAL_RATE}/s: {verdict}.\n")


def report_verify(folder: Path, events: int) -> None:
    """Verifying a long chain."""
    folder.mkdir()
    fill(folder, events)
    taken, bare = [], []
    for _ in range(VERIFY_ROUNDS):
        with closing(open_at(folder)) as ledger:
            started = time.perf_counter()
            findings = ledger.verify()
            taken.append(time.perf_counter() - started)
        # Nobody kept a head while the chain was written at once; that is the only thing to find.
        assert [finding.problem for finding in findings] == ["the head kept beside the ledger (ledger.head) is gone"]
        started = time.perf_counter()
        with sqlite3.connect(folder / "ledger.sqlite") as connection:
            for row in connection.execute("select * from ledger_events order by sequence"):
                hashlib.sha256(repr(row).encode()).digest()
        bare.append(time.perf_counter() - started)
    print(f"Verifying {events:,} signed events, {VERIFY_ROUNDS} rounds:\n")
    print("| what | median s | min–max s |\n|---|---|---|")
    for name, times in (("chain, bodies, signatures, keys", taken), ("only reading and one hash a row", bare)):
        print(f"| {name} | {statistics.median(times):.2f} | {min(times):.2f}–{max(times):.2f} |")
    per_goal = statistics.median(taken) * 100_000 / events
    verdict = "met" if per_goal <= GOAL_SECONDS else "**missed**"
    print(f"\nGoal: ≤ {GOAL_SECONDS:.0f} s for 100,000 events: {verdict}.")


if __name__ == "__main__":
    main()
