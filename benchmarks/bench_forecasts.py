"""Forecasts beside simple rules: stock-outs within 48 hours on the twin, next month's stock-outs on public data.

The twin's rows are those of the company that the home works on: run `oi demo` (or generate another preset) first.
"""

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.civ_stock import RULES, write_rows
from ml.core.features import Roles
from ml.core.intervals import ClusterBootstrap, Estimate, Floats
from ml.core.metrics import Ranking
from ml.io.data import TableSource, file_table, published_table, read_rows
from ml.jobs.catalogue import LATE_DELIVERY, STOCKOUT, ModelSpec
from ml.jobs.lead_times import judge_lead_times
from ml.jobs.learning import Learned, days_of, learn_and_judge
from ml.jobs.stock_rows import HORIZONS, labelled
from workspace.published import find_current
from workspace.settings import load_settings

CIV_STOCK = Path(__file__).parents[2] / "shared" / "data" / "civ_stock"
LEAST_RATIO, RULE_DAYS, LARGE_REGION = 1.5, 7.0, 500
REPLICATES, SEED = 200, 6


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=["twin", "civ_stock", "lead_times"], help="one of the sets")
    parser.add_argument("--rows", type=int, default=360_000, help="rows of the twin, about, over all horizons")
    parser.add_argument("--folds", type=int, default=6, help="rolling origins of the lead times")
    parser.add_argument("--civ-stock", type=Path, default=CIV_STOCK, help="folder of the public data")
    arguments = parser.parse_args()
    if arguments.only in (None, "twin"):
        twin(arguments.rows)
    if arguments.only in (None, "civ_stock"):
        civ_stock(arguments.civ_stock)
    if arguments.only in (None, "lead_times"):
        lead_times(arguments.folds)


def twin(rows: int) -> None:
    """Average precision against days of cover at each horizon, and recall where both are as precise."""
    snapshot = find_current(load_settings().paths.published)
    if snapshot is None or STOCKOUT.table not in snapshot.tables:
        print("Skipped: the home's company has no published features of stock. Run `oi demo` first.\n")
        return
    by_key = f"list_value({', '.join(map(str, HORIZONS))})[cast(1 + md5_number_lower(stock_key) % 3 as bigint)]"
    spec = replace(STOCKOUT, view=labelled(by_key, rows))
    source = published_table(snapshot, spec.table, spec.view)
    learned, frame = judge(source, spec)
    judged = learned.backtest.merge(frame[["stock_key", "cover_days"]], on="stock_key", validate="one_to_one")
    print(f"Stock-outs at the twin's nodes: {len(judged):,} rows judged at {len(learned.folds)} rolling origins.\n")
    print("| horizon | rows | ran out | average precision | days of cover | ratio | goal | |")
    print("|---|---|---|---|---|---|---|---|")
    for horizon in sorted(judged["horizon"].unique()):
        part = judged[judged["horizon"] == horizon].reset_index(drop=True)
        outcome, ours = part["outcome"].to_numpy(), part["predicted"].to_numpy()
        cover = -part["cover_days"].fillna(np.inf).to_numpy()
        found = areas(outcome, ours, cover, days_of(part, "observed_at"), lambda a, b: a[1] / b[1])
        met = "met" if found["third"].value >= LEAST_RATIO else "missed"
        print(f"| {horizon} | {len(part):,} | {int(outcome.sum()):,} | {found['ours'][1]} | {found['theirs'][1]} "
              f"| {found['third']} | ≥ {LEAST_RATIO} | {met} |")  # fmt: skip
    print()
    part = judged[judged["horizon"] == "48 h"]
    recall_at_equal_precision(part["outcome"].to_numpy(), part["predicted"].to_numpy(), part["cover_days"].to_numpy())
    print(f"Calibration error (debiased): {learned.overall['ece_debiased']}; ROC-AUC {learned.overall['roc_auc']}.\n")


def recall_at_equal_precision(outcome: Floats, predicted: Floats, cover: Floats) -> None:
    """What the rule "less than a week of cover" finds, and what the model finds at no less precision."""
    flagged = np.nan_to_num(cover, nan=np.inf) < RULE_DAYS
    precision, recall = outcome[flagged].mean(), outcome[flagged].sum() / outcome.sum()
    order = np.argsort(-predicted, kind="stable")
    found = np.cumsum(outcome[order])
    as_precise = np.flatnonzero(found / np.arange(1, len(order) + 1) >= precision)
    ours = found[as_precise[-1]] / outcome.sum() if len(as_precise) else 0.0
    print(f"48 h: under {RULE_DAYS:.0f} days of cover the rule is right in {precision:.3f} of its alerts and finds "
          f"{recall:.3f} of the stock-outs; at no less precision the model finds {ours:.3f}.\n")  # fmt: skip


def civ_stock(folder: Path) -> None:
    """ROC-AUC and average precision of next month's stock-out, less those of the best naive rule."""
    if not folder.is_dir():
        print(f"Skipped: the public data are not in {folder}.\n")
        return
    with tempfile.TemporaryDirectory() as scratch:
        roles = Roles(
            key="row_key", time="made_at", target="is_out_next_month", known_at="matures_at", groups=("region_code",),
            lanes=("region_code",), excluded=tuple(f"rule_{number}" for number in range(len(RULES))),
        )  # fmt: skip
        spec = ModelSpec("civ-stock", "Stock is 0 at the end of the next month", "civ_stock", roles,
                         replace(STOCKOUT.plan, rising=(), falling=(), rehearsals=3), seed=SEED)  # fmt: skip
        source = file_table(write_rows(folder, Path(scratch)))
        learned, _ = judge(source, spec)
        rules = pd.read_parquet(source.path, columns=["row_key", *roles.excluded])
    judged = learned.backtest.merge(rules, on="row_key", validate="one_to_one")
    outcome = judged["outcome"].to_numpy()
    scores = {name: judged[f"rule_{number}"].to_numpy(np.float64) for number, name in enumerate(RULES)}
    print(f"Next month's stock-out at health sites: {len(judged):,} rows judged, {int(outcome.sum()):,} out.\n")
    print("| score | ROC-AUC | average precision |\n|---|---|---|")
    sites = judged["row_key"].str.split("|").str[0].to_numpy()
    plain = {name: Ranking(outcome, score).areas(np.ones(len(outcome))) for name, score in scores.items()}
    for name, (roc, precision) in plain.items():
        print(f"| {name} | {roc:.4f} | {precision:.4f} |")
    ours = judged["predicted"].to_numpy()
    roc, precision = Ranking(outcome, ours).areas(np.ones(len(outcome)))
    print(f"| model | {roc:.4f} | {precision:.4f} |")
    gains = []
    for position in (0, 1):
        best = max(plain, key=lambda name: plain[name][position])
        found = areas(outcome, ours, scores[best], sites, lambda a, b, at=position: a[at] - b[at])["third"]
        gains.append((best, found))
    print(f"| model less the best rule | {gains[0][1]} ({gains[0][0]}) | {gains[1][1]} ({gains[1][0]}) |\n")
    met = all(gain.low is not None and gain.low > 0 for _best, gain in gains)
    print(f"Goal: better than the best naive rule, interval above 0, sites resampled: {'met' if met else 'missed'}. "
          f"Calibration error (debiased): {learned.overall['ece_debiased']}.\n")  # fmt: skip


def lead_times(folds: int) -> None:
    """Coverage of the 90 % interval of the hours from order to door, overall and in the worst large region."""
    snapshot = find_current(load_settings().paths.published)
    if snapshot is None or LATE_DELIVERY.table not in snapshot.tables:
        print("Skipped: the home's company has no published features of orders. Run `oi demo` first.\n")
        return
    source = published_table(snapshot, LATE_DELIVERY.table)
    judged = judge_lead_times(source, LATE_DELIVERY, folds)
    inside = judged["is_inside"].to_numpy()
    by_region = judged.groupby("region_code")["is_inside"].agg(["mean", "size"])
    large = by_region[by_region["size"] >= LARGE_REGION]
    days = judged["ordered_at"].dt.date.to_numpy()
    overall = ClusterBootstrap(days, REPLICATES, SEED).mean(inside)
    print(f"Lead time, 90 % interval, {load_settings().paths.company}: {len(judged):,} delivered orders at {folds} "
          f"rolling origins.\n")  # fmt: skip
    print("| measure | value | goal | |\n|---|---|---|---|")
    print(f"| coverage | {overall} | 0.88–0.92 | {'met' if 0.88 <= overall.value <= 0.92 else 'missed'} |")
    if len(large):
        worst = large["mean"].idxmin()
        value = large.loc[worst, "mean"]
        print(f"| worst of {len(large)} regions with ≥ {LARGE_REGION} orders ({worst}, {large.loc[worst, 'size']:,}) "
              f"| {value:.3f} | ≥ 0.86 | {'met' if value >= 0.86 else 'missed'} |")  # fmt: skip
    print(f"| mean width, hours | {judged['width'].mean():.0f} | | |")
    print(f"| 90 % promises kept | {judged['is_kept'].mean():.3f} | report | |")
    by_fold = ", ".join(f"{value:.3f}" for value in judged.groupby("fold")["is_inside"].mean())
    print(f"\nCoverage by origin: {by_fold}.\n")


def judge(source: TableSource, spec: ModelSpec) -> tuple[Learned, pd.DataFrame]:
    """The rolling-origin backtest of a recipe on a table."""
    frame, features = read_rows(source, spec.roles)
    return learn_and_judge(frame, features, replace(spec, replicates=REPLICATES), None, 100, 2), frame


def areas(outcome: Floats, ours: Floats, theirs: Floats, clusters: np.ndarray,
          third: Callable[[tuple[float, float], tuple[float, float]], float]) -> dict:  # fmt: skip
    """ROC-AUC and average precision of two scores and a figure of both, with intervals over the same resamples."""
    bootstrap = ClusterBootstrap(clusters, REPLICATES, SEED)
    mine, other = Ranking(outcome, ours), Ranking(outcome, theirs)
    ones = np.ones(len(outcome))
    pairs = [(mine.areas(weights), other.areas(weights)) for weights in bootstrap.row_weights()]
    values = mine.areas(ones), other.areas(ones)
    estimates = [
        [bootstrap.estimate(values[side][at], np.array([pair[side][at] for pair in pairs])) for at in (0, 1)]
        for side in (0, 1)
    ]
    both: Estimate = bootstrap.estimate(third(*values), np.array([third(*pair) for pair in pairs]))
    return {"ours": estimates[0], "theirs": estimates[1], "third": both}


if __name__ == "__main__":
    main()
