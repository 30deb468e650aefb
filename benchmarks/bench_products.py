"""Matching products: Walmart–Amazon with and without labels, the twin's catalogues, changed and large tables.

Walmart–Amazon (Magellan's benchmark, Ditto's split) is read from BENCH_PRODUCT_DATA, a folder with train.txt,
valid.txt, test.txt, walmart.csv, amazon.csv and gt.csv; without it those sections say so. Matchers learn on the
training pairs, their threshold is chosen on the validation pairs, and the test pairs are judged once.
"""

import os
import re
import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks.twin_products import twin_products
from ml.core.matching.products.matcher import Matcher, taught_by_labels
from ml.io.matching import State
from ml.jobs.match_evaluation import evaluate_products
from ml.jobs.products import ProductTable, match_products, product_table, score_products
from ml.jobs.rescoring_products import scored_products
from ml.jobs.scored import Scored, rules_fingerprint
from workspace.settings import Settings

DATA = Path(os.environ.get("BENCH_PRODUCT_DATA", "../shared/data/matching/products/walmart_amazon"))
PRESETS = os.environ.get("BENCH_PRESETS", "demo medium").split()
LARGE = int(os.environ.get("BENCH_PRODUCT_ROWS", "10000"))
GOAL_F1, GOAL_PRECISION, GOAL_RECALL, GOAL_SECONDS = 0.80, 0.995, 0.98, 120.0

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LabelledPairs:
    """Pairs by position in the records, and whether they are the same."""

    left: Ints
    right: Ints
    same: Ints


def main() -> None:
    """Print the figures."""
    if (DATA / "train.txt").exists():
        usual_pairs()
        whole_tables()
    else:
        print(f"Walmart–Amazon is not in {DATA}: its figures were not measured.\n")
    the_twin()
    changed_products()
    large_tables()


def usual_pairs() -> None:
    """The usual test pairs: learnt from the training pairs, without labels, and a plain likeness of words."""
    products, pairs = read_usual_pairs()
    features = {name: products.features(of.left, of.right) for name, of in pairs.items()}
    started = time.monotonic()
    taught = taught_by_labels(features["train"], pairs["train"].same)
    seconds = time.monotonic() - started
    _, by_codes = score_products(products)
    scores = {
        "taught by the training pairs": {name: taught.probability(features[name]) for name in ("valid", "test")},
        "no labels: taught by the tables' codes": {name: by_codes.probability(features[name]) for name in pairs},
        "no labels: shipped weights": {name: Matcher().probability(features[name]) for name in pairs},
        "likeness of words (TF-IDF cosine)": {name: features[name]["words"] for name in pairs},
    }
    print("### Walmart–Amazon, usual test pairs\n")
    print(f"{len(pairs['test'].same):,} pairs, {pairs['test'].same.sum()} the same; CPU, taught in {seconds:.1f} s.")
    print(
        "A matcher without labels links from probability 0.5 on; the others from the best F1 on the validation pairs.\n"
    )
    print("| matcher | threshold | precision | recall | F1 | goal 0.80 |\n|---|---|---|---|---|---|")
    for name, score in scores.items():
        threshold = 0.5 if name.startswith("no labels") else best_threshold(score["valid"], pairs["valid"].same)
        precision, recall, f1 = measures(score["test"] >= threshold, pairs["test"].same)
        met = _met(f1 >= GOAL_F1) if name.startswith("taught") else ""
        print(f"| {name} | {threshold:.3f} | {precision:.3f} | {recall:.3f} | {f1:.3f} | {met} |")
    print("\nPublished on these pairs: Magellan 0.719, Ditto 0.868 (GPU). Records of all pairs are known "
          "to the matcher, as whole tables are when one links them; labels of the test pairs are not.\n")  # fmt: skip


def read_usual_pairs() -> tuple[ProductTable, dict[str, LabelledPairs]]:
    """Records of all pairs as two tables, and the pairs by position."""
    left: dict[str, int] = {}
    right: dict[str, int] = {}
    found = {}
    for name in ("train", "valid", "test"):
        lines = [line.split("\t") for line in (DATA / f"{name}.txt").read_text(encoding="utf-8").splitlines()]
        found[name] = (
            np.array([left.setdefault(a, len(left)) for a, _, _ in lines]),
            np.array([right.setdefault(b, len(right)) for _, b, _ in lines]),
            np.array([int(label) for _, _, label in lines]),
        )
    products = product_table(_records(left, "w"), _records(right, "a"))
    pairs = {name: LabelledPairs(a, b + len(left), same) for name, (a, b, same) in found.items()}
    return products, pairs


def _records(texts: dict[str, int], prefix: str) -> pl.DataFrame:
    fields = [dict(re.findall(r"COL (\w+) VAL (.*?)(?= COL |$)", text.strip())) for text in texts]
    return pl.DataFrame([
        {"record_id": f"{prefix}{number}", "title": field.get("title", ""), "brand": field.get("brand", ""),
         "model_code": field.get("modelno", ""), "price": field.get("price", "")}
        for number, field in enumerate(fields)
    ])  # fmt: skip


def best_threshold(score: Floats, same: Ints) -> float:
    """The score from which on F1 is greatest."""
    candidates = np.unique(score)
    return float(max(candidates[-len(candidates) // 2 :], key=lambda least: measures(score >= least, same)[2]))


def measures(linked: npt.NDArray[np.bool_], same: Ints) -> tuple[float, float, float]:
    """Precision, recall, F1."""
    right = float((linked & (same == 1)).sum())
    return right / max(linked.sum(), 1), right / same.sum(), 2 * right / (linked.sum() + same.sum())


def whole_tables() -> None:
    """Both tables whole, as `oi match evaluate` links them, without labels."""
    started = time.monotonic()
    found = evaluate_products(DATA / "walmart.csv", DATA / "amazon.csv", DATA / "gt.csv", {})
    seconds = time.monotonic() - started
    assert found.chosen is not None
    print("### Walmart–Amazon, whole tables (2,554 × 22,074 records, 853 true pairs), no labels\n")
    print("| threshold | precision | recall | F1 |\n|---|---|---|---|")
    for at in (found.chosen, *found.curve):
        chosen = " (chosen)" if at is found.chosen else ""
        print(f"| {at.threshold:.3f}{chosen} | {at.precision or 0:.3f} | {at.recall:.3f} | {at.f1:.3f} |")
    print(f"\n{found.found.pairs.height:,} candidate pairs; {seconds:.1f} s with reading.\n")


def the_twin() -> None:
    """Five systems' catalogues of a twin company, as they land, against its truth."""
    print("### The twin's catalogues in five systems, no labels\n")
    print("| preset | records | true pairs | precision (≥ 0.995) | recall (≥ 0.98) | | numbers alone | seconds |\n"
          "|---|---|---|---|---|---|---|---|")  # fmt: skip
    for preset in PRESETS:
        records, product = twin_products(preset)
        started = time.monotonic()
        clusters = match_products(records, floor=GOAL_PRECISION).clusters
        seconds = time.monotonic() - started
        precision, recall, true = pairwise(clusters["cluster"], pl.Series(product))
        alone = pl.coalesce(pl.when(pl.col("gtin").str.len_chars() > 0).then("gtin"), "record_id")
        bare = pairwise(records.select(alone.alias("key"))["key"], pl.Series(product))
        met = _met(precision >= GOAL_PRECISION and recall >= GOAL_RECALL)
        print(f"| {preset} | {records.height:,} | {true:,} | {precision:.4f} | {recall:.4f} | {met} | "
              f"{bare[0]:.3f} / {bare[1]:.3f} | {seconds:.1f} |")  # fmt: skip
    print("\nNumbers alone: precision / recall of linking records whose GTIN is written alike.\n")


def pairwise(cluster: pl.Series, thing: pl.Series) -> tuple[float, float, int]:
    """Precision and recall of pairs that share a cluster, and the number of true pairs."""
    table = pl.DataFrame({"cluster": cluster, "thing": thing})
    together, true, both = (
        int(table.group_by(keys).len().select((pl.col("len") * (pl.col("len") - 1) // 2).sum()).item())
        for keys in (["cluster"], ["thing"], ["cluster", "thing"])
    )
    return both / max(together, 1), both / true, true


def large_tables() -> None:
    """Time to link two tables of the same size, of products and of nothing but equal titles."""
    records, _ = twin_products("medium")
    shop, erp = (records.filter(pl.col("source_system") == system) for system in ("wms", "erp"))
    rows = {
        "catalogues of the twin": (_to_size(shop), _to_size(erp)),
        "equal titles": tuple(
            pl.DataFrame({"record_id": [f"{side}{n}" for n in range(LARGE)], "title": ["Gift card"] * LARGE})
            for side in "ab"
        ),
    }
    print(f"### Time for {LARGE:,} × {LARGE:,} records (goal: well under {GOAL_SECONDS:.0f} s)\n")
    print("| tables | candidate pairs | largest cluster | seconds | |\n|---|---|---|---|---|")
    for name, (left, right) in rows.items():
        started = time.monotonic()
        found = match_products(left, right)
        seconds = time.monotonic() - started
        largest = found.clusters["cluster"].value_counts()["count"].max()
        print(f"| {name} | {found.pairs.height:,} | {largest} | {seconds:.1f} | {_met(seconds < GOAL_SECONDS / 2)} |")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"\nPeak memory of the whole benchmark: {peak:.1f} GiB.")


def changed_products() -> None:
    """What a hundredth of changed titles costs beside scoring all pairs, in pairs and in time."""
    print("### A hundredth of the records changed\n")
    print("| preset | records | pairs, whole | pairs, changed | share of pairs | seconds, whole | share of the time |")
    print("|---|---|---|---|---|---|---|")
    for preset in PRESETS:
        records = twin_products(preset)[0].sort("record_id")
        is_changed = pl.Series(np.random.default_rng(7).random(records.height) < 0.01)
        title = pl.when(is_changed).then(pl.format("{} new", "title")).otherwise("title")
        with tempfile.TemporaryDirectory() as folder:
            settings = Settings(home=Path(folder), company="bench")
            whole, seconds = _scored(settings, records, None)
            changed, less = _scored(settings, records.with_columns(title=title), _state(records, whole))
        print(f"| {preset} | {records.height:,} | {whole.count_pairs:,} | {changed.count_pairs:,} | "
              f"{changed.count_pairs / whole.count_pairs:.1%} | {seconds:.1f} | {less / seconds:.0%} |")  # fmt: skip
    print()


def _scored(settings: Settings, records: pl.DataFrame, state: State | None) -> tuple[Scored, float]:
    started = time.monotonic()
    found = scored_products(settings, records.with_columns(digest=records.hash_rows(seed=1)), state)
    return found, time.monotonic() - started


def _state(records: pl.DataFrame, whole: Scored) -> State:
    """What a run leaves for the next, golden ids aside."""
    return State(
        records=whole.records.with_columns(record_id=whole.ids, digest=records.hash_rows(seed=1)), pairs=whole.pairs,
        identities=pl.DataFrame(), rarities=whole.rarities,
        facts={"model": whole.model, "fingerprint": rules_fingerprint(), "count_trained": records.height},
    )  # fmt: skip


def _to_size(records: pl.DataFrame) -> pl.DataFrame:
    """As many records as asked for; further ones are other models of the same goods."""
    times = -(-LARGE // records.height)
    return pl.concat([
        records.with_columns(
            record_id=pl.format("{}-{}", "record_id", pl.lit(turn)), gtin=pl.when(pl.lit(turn == 0)).then("gtin"),
            title=pl.format("{}{}", "title", pl.lit(f"x{turn}" if turn else "")),
            model_code=pl.format("{}{}", "model_code", pl.lit(f"x{turn}" if turn else "")),
        )
        for turn in range(times)
    ]).head(LARGE)  # fmt: skip


def _met(is_met: bool) -> str:
    return "met" if is_met else "**missed**"


if __name__ == "__main__":
    main()
