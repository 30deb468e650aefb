"""Forecasts beside simple rules: stock-outs within 48 hours on the twin, next month's stock-outs on public data.

The twin's rows are those of the company that the home works on: run `oi demo` (or generate another preset) first.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.civ_stock import RULES, write_rows
from ml.core.features import Roles, prepare
from ml.core.intervals import ClusterBootstrap, Estimate, Floats
from ml.core.lead_times import TreeParameters
from ml.core.light_model import lighten
from ml.core.metrics import Ranking, evaluate
from ml.core.risk_model import learn
from ml.core.splits import rolling_cuts, timeline
from ml.io.data import TableSource, file_table, published_table, read_rows
from ml.jobs.catalogue import LEAD_TIME, STOCKOUT, ModelSpec
from ml.jobs.lead_times import learn_and_judge_lead_times, worst_region
from ml.jobs.learning import Learned, days_of, learn_and_judge
from ml.jobs.stock_rows import ALERT_HOURS, looked_back_on
from workspace.published import Snapshot, find_current
from workspace.settings import load_settings

CIV_STOCK = Path(__file__).parents[2] / "shared" / "data" / "civ_stock"
LEAST_RATIO, RULE_DAYS, LARGE_REGION = 1.5, 7.0, 500
REPLICATES, SEED, THREADS = 200, 6, 2
REPORTED = {
    "promises_kept": "90 % promises kept", "width": "mean width, hours", "pinball": "pinball loss, hours",
    "skill_over_company_quantiles": "skill over everybody's past quantiles",
    "skill_over_lane_quantiles": "skill over the lane's past quantiles",
}  # fmt: skip


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=["twin", "civ_stock", "lead_times"], help="one of the sets")
    parser.add_argument("--folds", type=int, default=4, help="rolling origins of the twin's counts and the lead times")
    parser.add_argument("--civ-stock", type=Path, default=CIV_STOCK, help="folder of the public data")
    arguments = parser.parse_args()
    if arguments.only in (None, "twin"):
        twin(arguments.folds)
    if arguments.only in (None, "civ_stock"):
        civ_stock(arguments.civ_stock)
    if arguments.only in (None, "lead_times"):
        lead_times(arguments.folds)


def twin(folds: int) -> None:
    """Average precision against days of cover over 48 hours, and recall where both are as precise.

    Versions learn from thinned rows, as the product's do; every count of the stretch after their training is judged.
    """
    snapshot = find_current(load_settings().paths.published)
    if snapshot is None or STOCKOUT.table not in snapshot.tables:
        print("Skipped: the home's company has no published features of stock. Run `oi demo` first.\n")
        return
    judged = pd.concat(list(_stretches(snapshot, folds)), ignore_index=True)
    found = _beside_cover(judged)
    met = "met" if found["third"].value >= LEAST_RATIO else "missed"
    by_fold = [_beside_cover(part)["third"].value for _, part in judged.groupby("fold")]
    outcome, ours = judged["is_stocked_out"].to_numpy(), judged["predicted"].to_numpy()
    print(f"Stock-outs within {ALERT_HOURS} h at the twin's nodes: every count of {folds} stretches, each judged by a "
          f"version that learned before it.\n")  # fmt: skip
    print("| counts | ran out | average precision | days of cover | ratio | goal | |")
    print("|---|---|---|---|---|---|---|")
    print(f"| {len(judged):,} | {int(outcome.sum()):,} | {found['ours'][1]} | {found['theirs'][1]} | {found['third']} "
          f"| ≥ {LEAST_RATIO} | {met} |\n")  # fmt: skip
    print(f"By stretch: {', '.join(f'{value:.2f}' for value in by_fold)}.\n")
    recall_at_equal_precision(outcome, ours, judged["cover_days"].to_numpy())
    days = days_of(judged, STOCKOUT.roles.time)
    quality = evaluate(outcome, ours, ClusterBootstrap(days, REPLICATES, SEED))
    print(f"Calibration error (debiased): {quality['ece_debiased']}; ROC-AUC {quality['roc_auc']}.\n")


def _beside_cover(judged: pd.DataFrame) -> dict:
    """Areas of the model and of the fewest days of cover, and the ratio of their average precisions."""
    cover = -judged["cover_days"].fillna(np.inf).to_numpy()
    return areas(
        judged["is_stocked_out"].to_numpy(), judged["predicted"].to_numpy(), cover,
        days_of(judged, STOCKOUT.roles.time), lambda a, b: a[1] / b[1],
    )  # fmt: skip


def _stretches(snapshot: Snapshot, folds: int) -> Iterator[pd.DataFrame]:
    """Every count with something left, by stretch, with what the version before it said."""
    frame, features = read_rows(published_table(snapshot, STOCKOUT.table, STOCKOUT.view), STOCKOUT.roles)
    since = frame[STOCKOUT.roles.time].min()
    counts, _ = read_rows(published_table(snapshot, STOCKOUT.table, looked_back_on(since)), STOCKOUT.roles)
    times, outcome, inputs = (
        timeline(frame, STOCKOUT.roles),
        frame["is_stocked_out"].to_numpy(),
        prepare(frame, features),
    )
    asked_at = pd.to_datetime(counts[STOCKOUT.roles.time], utc=True)
    for fold, cut in enumerate(rolling_cuts(times, folds, share=STOCKOUT.judged_share)):
        fitted = learn(inputs, outcome, times, cut.learn, features, STOCKOUT.plan, STOCKOUT.seed, THREADS)
        rows = counts[(asked_at >= cut.origin) & (asked_at < cut.end) & counts["is_stocked_out"].notna()]
        predicted = lighten(fitted.model, fitted.features).probabilities(rows, THREADS)
        yield rows[["observed_at", "is_stocked_out", "cover_days"]].assign(predicted=predicted, fold=fold)


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
        found = areas(outcome, ours, scores[best], sites, partial(_gain, position))["third"]
        gains.append((best, found))
    print(f"| model less the best rule | {gains[0][1]} ({gains[0][0]}) | {gains[1][1]} ({gains[1][0]}) |\n")
    met = all(gain.low is not None and gain.low > 0 for _best, gain in gains)
    print(f"Goal: better than the best naive rule, interval above 0, sites resampled: {'met' if met else 'missed'}. "
          f"Calibration error (debiased): {learned.overall['ece_debiased']}.\n")  # fmt: skip


def _gain(position: int, mine: tuple[float, float], other: tuple[float, float]) -> float:
    return mine[position] - other[position]


def lead_times(folds: int) -> None:
    """Coverage of the 90 % interval of the hours from order to door, overall and in the worst large region."""
    snapshot = find_current(load_settings().paths.published)
    if snapshot is None or LEAD_TIME.table not in snapshot.tables:
        print("Skipped: the home's company has no published features of orders. Run `oi demo` first.\n")
        return
    spec = replace(LEAD_TIME, folds=folds, replicates=REPLICATES)
    source = published_table(snapshot, spec.table, spec.view)
    frame, features = read_rows(source, spec.roles)
    learned = learn_and_judge_lead_times(frame, features, spec, source.as_of, LARGE_REGION, TreeParameters())
    found = learned.overall
    print(f"Lead time, 90 % interval, {load_settings().paths.company}: {len(learned.backtest):,} delivered orders at "
          f"{folds} rolling origins.\n")  # fmt: skip
    print("| measure | value | goal | |\n|---|---|---|---|")
    is_met = 0.88 <= found["coverage"].value <= 0.92
    print(f"| coverage | {found['coverage']} | 0.88–0.92 | {'met' if is_met else 'missed'} |")
    worst, large = worst_region(learned.by_group, LARGE_REGION)
    if worst is not None:
        covered = worst.metrics["coverage"]
        print(f"| worst of {large} regions with ≥ {LARGE_REGION} orders ({', '.join(worst.names.values())}, "
              f"{worst.count:,}) | {covered} | ≥ 0.86 | {'met' if covered.value >= 0.86 else 'missed'} |")  # fmt: skip
    for name, title in REPORTED.items():
        print(f"| {title} | {found[name]} | report | |")
    by_fold = ", ".join(f"{stretch.metrics['coverage'].value:.3f}" for stretch in learned.stretches)
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
