"""Matching records: public sets with known truth, a twin company, a large table beside Splink on the same settings.

Febrl 1–3 and fake_1000 are read from BENCH_CUSTOMER_DATA; without it that section says so. All run on the defaults of
`oi match evaluate`. Twin companies are simulated, landed and staged (the preset `medium` for BENCH_TWIN_DAYS days), and
matched as the company's own master data is. The large table has BENCH_CUSTOMER_ROWS made-up records, a fifth of them
duplicates; each run of it has a process of its own, so that its memory is its own, and BENCH_ROUNDS rounds run in turn.

`python -m benchmarks.bench_matching large_table` measures one section. (From `python -c` DuckDB takes itself for a
person's session and draws progress bars among the figures.)
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from splink import DuckDBAPI, Linker

from benchmarks.twin_company import matched_score, staged_company
from ml.core.matching.customers import CUSTOMER
from ml.core.matching.decisions import decide
from ml.core.matching.entities import SPLINK_ENTITIES
from ml.core.matching.model import for_splink
from ml.jobs.linking import Prepared, prepared_for, score, score_changed, train
from ml.jobs.master import match_entity
from ml.jobs.match import match_table
from ml.jobs.match_evaluation import evaluate_records
from twin.parameters import load_preset
from workspace.settings import Settings
from workspace.warehouse import scratch_connection

DATA = Path(os.environ.get("BENCH_CUSTOMER_DATA", "../shared/data/matching/customers"))
ROWS = int(os.environ.get("BENCH_CUSTOMER_ROWS", "1000000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
TWINS = [("demo", 6), ("medium", int(os.environ.get("BENCH_TWIN_DAYS", "30")))]
GOALS_TWIN = {"customer": (0.995, 0.97), "warehouse": (1.0, 1.0)}
SETS = {"dataset1": "Febrl 1", "dataset2": "Febrl 2", "dataset3": "Febrl 3", "fake_1000": "fake_1000"}
GOAL_FEBRL, GOAL_RATIO, GOAL_GIB, GOAL_SHARE = 0.97, 1.3, 8.0, 0.10
GIVEN = [start + end for start in ("an", "ber", "car", "dor", "el", "fa") for end in ("a", "ia", "o", "te")]
FAMILY = [
    start + end for start in ("back", "ever", "long", "north", "wood") for end in ("field", "man", "ston", "worth")
]
SEED = 7


def main() -> None:
    """Print all sections or those that are named, or run one child's task."""
    if len(sys.argv) > 2:
        print(json.dumps(child(sys.argv[1], int(sys.argv[2]))))
        return
    for section in (public_sets, the_twin, large_table):
        if section.__name__ in (sys.argv[1:] or [section.__name__]):
            section()


def public_sets() -> None:
    """F1 on Febrl and fake_1000, one configuration."""
    print("### Public sets, one default configuration\n")
    if not DATA.is_dir():
        print(f"Not run: there is no folder {DATA}.\n")
        return
    print("| set | precision | recall | F1 | goal | |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, title in SETS.items():
            truth = Path(folder) / f"{name}.csv"
            true_pairs(name).write_csv(truth)
            settings = Settings(home=Path(folder), company="bench")
            found = evaluate_records(CUSTOMER, DATA / f"{name}.csv", None, truth, {}, settings).chosen
            assert found is not None
            goal = GOAL_FEBRL if title.startswith("Febrl") else None
            verdict = "" if goal is None else "met" if (found.f1 or 0.0) >= goal else "missed"
            print(
                f"| {title} | {found.precision:.4f} | {found.recall:.4f} | {found.f1:.4f} | {goal or ''} | {verdict} |"
            )
    print()


def the_twin() -> None:
    """Pairwise precision and recall of customers and warehouses of a twin company, all defaults."""
    print("### The twin, as the company's own master data\n")
    print("| preset, days | records | precision | recall | goal | | seconds |\n|---|---|---|---|---|---|---|")
    for preset, days in TWINS:
        with tempfile.TemporaryDirectory() as folder:
            settings = Settings(home=Path(folder), company="bench")
            staged_company(settings, load_preset(preset, days=days))
            for entity, (precision, recall) in GOALS_TWIN.items():
                started = time.perf_counter()
                match_entity(settings, SPLINK_ENTITIES[entity])
                seconds = time.perf_counter() - started
                found = matched_score(settings, entity)
                is_met = (found.precision or 0.0) >= precision and (found.recall or 0.0) >= recall
                print(
                    f"| {preset}, {days}: {entity}s | {found.records:,} | {found.precision:.4f} | {found.recall:.4f} | "
                    f"{precision} / {recall} | {'met' if is_met else 'missed'} | {seconds:.0f} |"
                )
    print()


def true_pairs(name: str) -> pl.DataFrame:
    """Pairs of record ids of one person."""
    table = pl.read_csv(DATA / f"{name}.csv", infer_schema=False)
    person = pl.col("cluster") if "cluster" in table.columns else pl.first().str.extract(r"rec-(\d+)-")
    ids = table.select(id=pl.first(), person=person)
    both = ids.join(ids, on="person").filter(pl.col("id") < pl.col("id_right"))
    return both.select(left_id="id", right_id="id_right")


def large_table() -> None:
    """Wall and memory of a large table, beside Splink alone; what a hundredth of changed records costs.

    Splink alone gets the prepared records for nothing, the same settings, keys and training, predicts from a
    probability of 0.5 on and clusters. Ours prepares the raw records and keeps every candidate pair, for the queue.
    """
    rounds = [{task: run_child(task) for task in ("ours", "splink", "changed")} for _ in range(ROUNDS)]
    print(f"### {ROWS:,} customer records\n\n| run | median s | least to most | peak GiB |\n|---|---|---|---|")
    for task, title in (("ours", "ours, whole"), ("splink", "Splink alone, same settings"),
                        ("changed", f"ours, {ROWS // 100:,} changed")):  # fmt: skip
        seconds = [found[task]["seconds"] for found in rounds]
        print(
            f"| {title} | {np.median(seconds):.1f} | {min(seconds):.1f} to {max(seconds):.1f} | "
            f"{max(found[task]['gib'] for found in rounds):.1f} |"
        )
    ratios = [found["ours"]["seconds"] / found["splink"]["seconds"] for found in rounds]
    ratio = float(np.median(ratios))
    share = float(np.median([found["changed"]["seconds"] / found["ours"]["seconds"] for found in rounds]))
    gib = max(found["ours"]["gib"] for found in rounds)
    print(
        f"\nWall {ratio:.2f} × Splink alone ({min(ratios):.2f} to {max(ratios):.2f}), goal ≤ {GOAL_RATIO}: "
        f"{said(ratio <= GOAL_RATIO)}. Memory, goal < {GOAL_GIB} GiB: {said(gib < GOAL_GIB)}. Changed records take "
        f"{share:.1%} of the whole run, goal ≤ {GOAL_SHARE:.0%}: {said(share <= GOAL_SHARE)}. {ROUNDS} rounds in turn."
    )


def said(is_met: bool) -> str:
    """The word for a goal, which is for a million records."""
    return "not judged at this size" if ROWS < 1_000_000 else "met" if is_met else "missed"


def run_child(task: str) -> dict[str, float]:
    """Run a task in a process of its own; returns its seconds and peak memory."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.bench_matching", task, str(ROWS)], stdout=subprocess.PIPE, check=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def child(task: str, rows: int) -> dict[str, float]:
    """One task on `rows` made-up records."""
    table = people(rows)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), company="bench")
        seconds = {"ours": whole, "splink": splink_alone, "changed": increment}[task](table, settings)
    return {"seconds": seconds, "gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}


def whole(table: pl.DataFrame, settings: Settings) -> float:
    """Seconds from raw records to clusters."""
    started = time.perf_counter()
    match_table(CUSTOMER, table, settings)
    return time.perf_counter() - started


def splink_alone(table: pl.DataFrame, settings: Settings) -> float:
    """Seconds of Splink on prepared records: training, prediction, its own clustering."""
    prepared = prepared_for(CUSTOMER, table)
    started = time.perf_counter()
    with scratch_connection(settings) as connection:
        database = DuckDBAPI(connection)
        model = train(CUSTOMER, prepared, database)
        linker = Linker(database.register(prepared.records.to_arrow()), for_splink(model), log_level=None)
        predicted = linker.inference.predict(threshold_match_probability=0.5)
        linker.clustering.cluster_pairwise_predictions_at_threshold(predicted, 0.9).as_pyarrow_table()
    return time.perf_counter() - started


def increment(table: pl.DataFrame, settings: Settings) -> float:
    """Seconds to compare and decide anew after one record of a hundred changed."""
    prepared = prepared_for(CUSTOMER, table)
    with scratch_connection(settings) as connection:
        model = train(CUSTOMER, prepared, DuckDBAPI(connection))
        pairs, model = score(prepared, model, DuckDBAPI(connection))
    is_changed = pl.Series(np.random.default_rng(SEED).random(table.height) < 0.01)
    started = time.perf_counter()
    new: Prepared = prepared_for(CUSTOMER, table.filter(is_changed))
    numbers = prepared.records.filter(is_changed)["record"]
    changed = new.records.with_columns(record=numbers)
    others = prepared.records.filter(~is_changed)
    with scratch_connection(settings) as connection:
        found = score_changed(CUSTOMER, changed, others, model, DuckDBAPI(connection))
    gone = pl.col("left").is_in(numbers.implode()) | pl.col("right").is_in(numbers.implode())
    decide(
        CUSTOMER, prepared.records, pl.concat([pairs.filter(~gone), found.select(pairs.columns)]).sort("left", "right")
    )
    return time.perf_counter() - started


def people(rows: int) -> pl.DataFrame:
    """Made-up records of which a fifth repeat another one, with a new address or a slip in the name."""
    luck = np.random.default_rng(SEED)
    persons = int(rows * 0.8)
    who = np.r_[np.arange(persons), luck.integers(0, persons, rows - persons)]
    is_copy = np.arange(rows) >= persons
    first, middle, last = (luck.integers(0, len(words), persons)[who] for words in (GIVEN, GIVEN, FAMILY))
    door = np.where(is_copy & (luck.random(rows) < 0.3), luck.integers(0, 10**6, rows), who * 7919 % 10**6)
    slip = is_copy & (luck.random(rows) < 0.2)
    return pl.DataFrame({
        "record_id": np.arange(rows).astype(str),
        "full_name": [f"{GIVEN[a]} {GIVEN[b]}{who_ % 97} {FAMILY[c]}{'h' if s else ''}"
                      for a, b, c, who_, s in zip(first, middle, last, who, slip, strict=True)],
        "email": [None if n % 3 == 0 else f"{GIVEN[a]}.{n}@mail.example" for a, n in zip(first, who, strict=True)],
        "phone": [None if n % 4 == 0 else f"49170{n * 31 % 10**8:08d}" for n in who],
        "address_line": [f"{d % 200} {FAMILY[d % len(FAMILY)]} street {d // 200}" for d in door],
        "postal_code": [f"{d % 9000 + 1000}" for d in door],
    })  # fmt: skip


if __name__ == "__main__":
    main()
