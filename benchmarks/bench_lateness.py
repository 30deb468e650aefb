"""Lateness risk: what training and scoring cost beside bare scikit-learn, and how much of what is knowable it knows.

Belongs here: the figures of late-delivery-risk. `--only training|scoring|twin` runs a part.

*training* — `learn` on 1 M rows beside the same scikit-learn fits in a plain loop, in turn. *scoring* — the flat walk
beside `predict_proba`; single rows by their 99th percentile. *twin* — preset `medium`, landed, built and
backtested as a company would: the share of an oracle's log-loss gain over the base rate (`twin_oracle`), and of the
gain of what that oracle can teach from the published features alone. BENCH_PRESET names another preset.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline

from benchmarks.twin_oracle import AHEAD, oracle
from ml.core.calibration import calibrate, choose_method
from ml.core.features import FeatureSet, Roles, feature_set_of, prepare
from ml.core.intervals import ClusterBootstrap, Floats
from ml.core.light_model import lighten
from ml.core.metrics import log_losses
from ml.core.risk_model import Plan, build, encoder, learn, one_thread
from ml.core.splits import rolling_cuts, timeline
from ml.io.data import published_table, read_rows
from ml.jobs.catalogue import LATE_DELIVERY
from ml.jobs.learning import BASE_RATE, days_of, learn_and_judge
from orchestration.lib.runs import days_of as days_of_facts
from orchestration.lib.runs import run_job
from sources.landing import land
from sources.manifest import load_adapter
from twin.generate import generate_company
from twin.network import TIME_ZONE
from twin.parameters import load_preset
from twin.world import build_world
from workspace.published import open_current
from workspace.settings import Settings

TRAINING_ROWS = int(os.environ.get("BENCH_TRAINING_ROWS", "1000000"))
TRAINING_ROUNDS = int(os.environ.get("BENCH_TRAINING_ROUNDS", "1"))
SCORED_ROWS, ROUNDS, SINGLES, THREADS = 500_000, 5, 5_000, 2
PRESET = os.environ.get("BENCH_PRESET", "medium")
FUTURES, ORACLE_DAYS = int(os.environ.get("BENCH_FUTURES", "40")), int(os.environ.get("BENCH_ORACLE_DAYS", "10"))
NUMBERS, SEED, LEAST_TAUGHT = 24, 7, 0.002
ROLES = Roles(key="order_id", time="ordered_at", target="is_late", known_at="known_at", groups=("region",),
              included=("region",))  # fmt: skip
HEADER = "| figure | goal | median | min–max |\n|---|---|---|---|"


def orders(rows: int) -> tuple[pd.DataFrame, FeatureSet]:
    """Orders over a year whose lateness follows eight of 24 numbers and the region."""
    rng = np.random.default_rng(SEED)
    columns = {f"x{i:02d}": rng.gamma(2, 1, rows) for i in range(NUMBERS)}
    region = rng.integers(0, 31, rows)
    score = -3.4 + sum(0.25 * columns[f"x{i:02d}"] for i in range(8)) - 0.03 * region
    frame = pd.DataFrame({
        "order_id": np.arange(rows).astype(str),
        "ordered_at": pd.Timestamp("2025-01-01", tz="UTC")
        + pd.to_timedelta(np.sort(rng.uniform(0, 365, rows)), unit="D"),
        "region": np.array([f"R{i:02d}" for i in range(31)])[region],
        "is_late": (rng.random(rows) < expit(score)).astype(float), **columns,
    })  # fmt: skip
    frame["known_at"] = frame["ordered_at"] + pd.Timedelta(days=4)
    return frame, feature_set_of([("region", "category"), *((name, "number") for name in columns)])


def seconds(work: Callable[[], object]) -> float:
    """Wall time."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def line(figure: str, goal: str, values: list[float], digits: int = 2) -> str:
    """One row of the table."""
    spread = f"{min(values):,.{digits}f}–{max(values):,.{digits}f}"
    return f"| {figure} | {goal} | {statistics.median(values):,.{digits}f} | {spread} |"


def training() -> list[str]:
    """`learn` beside the same fits by scikit-learn alone, one thread each."""
    frame, features = orders(TRAINING_ROWS)
    times, outcome, plan = timeline(frame, ROLES), frame["is_late"].to_numpy(), Plan()
    inputs, rows = frame[features.names], times.labelled

    def ours() -> None:
        learn(inputs, outcome, times, rows, features, plan, SEED)

    def bare() -> None:
        cuts = rolling_cuts(times, plan.rehearsals, within=rows)
        with one_thread():
            scores = []
            for parameters in plan.candidates:
                for cut in cuts:
                    fitted = build(features, parameters, plan, SEED).fit(inputs[cut.learn], outcome[cut.learn])
                    scores.append(fitted.decision_function(inputs[cut.judge]))
            model = build(features, plan.candidates[-1], plan, SEED).fit(inputs[rows], outcome[rows])
            labels = [outcome[cut.judge] for cut in cuts]
            calibrate(model, np.concatenate(scores[: len(cuts)]), np.concatenate(labels),
                      choose_method(scores[: len(cuts)], labels))  # fmt: skip

    taken = [(seconds(bare), seconds(ours)) for _ in range(TRAINING_ROUNDS)]
    return [
        line(f"training on {TRAINING_ROWS:,} rows, s", "", [mine for _, mine in taken], 1),
        line("the same fits by scikit-learn alone, s", "", [theirs for theirs, _ in taken], 1),
        line("÷ scikit-learn", "≤ 1.2", [mine / theirs for theirs, mine in taken]),
    ]


def scoring() -> list[str]:
    """The flat walk beside `predict_proba`, and single rows."""
    frame, features = orders(SCORED_ROWS)
    with one_thread():
        model = build(features, Plan().candidates[-1], Plan(), SEED).fit(
            frame[features.names][:200_000], frame["is_late"][:200_000]
        )
    light = lighten(model, features)
    batches = [frame[start : start + 100_000] for start in range(0, len(frame), 100_000)]
    light.probabilities(batches[0][:100])

    def theirs() -> None:
        with one_thread():
            for batch in batches:
                model.predict_proba(batch[features.names])

    taken = [
        (seconds(theirs), seconds(lambda: [light.probabilities(batch, THREADS) for batch in batches]))
        for _ in range(ROUNDS)
    ]
    rows = frame.head(SINGLES).to_dict(orient="records")
    percentiles = []
    for _ in range(ROUNDS):
        singles = [seconds(partial(light.probability, row)) for row in rows]
        percentiles.append(1000 * float(np.quantile(singles, 0.99)))
    return [
        line(f"batch, rows a second on {THREADS} threads", "≥ 200,000", [SCORED_ROWS / mine for _, mine in taken], 0),
        line(
            "scikit-learn's `predict_proba` on one, rows a second", "", [SCORED_ROWS / other for other, _ in taken], 0
        ),
        line("one row, 99th percentile, ms", "≤ 3", percentiles, 3),
    ]


def in_the_twin() -> list[str]:
    """The share of the oracle's gain, on orders that the backtest judged."""
    parameters = load_preset(PRESET)
    with tempfile.TemporaryDirectory(prefix="bench-lateness-") as folder:
        settings = Settings(home=Path(folder), company="demo")
        generate_company(parameters, settings.paths)
        land(settings, load_adapter("demo"), settings.paths.extracts)
        built = run_job(settings, "build", days_of_facts(settings, None, None), lambda _event: None)
        if not built.success:
            raise RuntimeError(f"The build failed: {[step.error for step in built.steps if step.error]}")
        snapshot = open_current(settings.paths.published)
        with snapshot.connect() as connection:
            codes = connection.execute("select order_id, source_system, order_code from fct_orders").df()
        frame, features = read_rows(published_table(snapshot, LATE_DELIVERY.table), LATE_DELIVERY.roles)
        learned = learn_and_judge(frame, features, replace(LATE_DELIVERY, replicates=100), None, 200, threads=2)
    backtest = learned.backtest.merge(codes, on="order_id")
    first = pd.Timestamp(parameters.first_day, tz=TIME_ZONE)
    day = (pd.to_datetime(backtest[LATE_DELIVERY.roles.time], utc=True) - first).dt.days
    judged = np.unique(day[day < parameters.days - AHEAD])
    days = [int(judged[at]) for at in np.linspace(0, len(judged) - 1, ORACLE_DAYS).round().astype(int)]
    known = oracle(build_world(parameters), days, FUTURES).dropna()
    rows = backtest.merge(known, on=["source_system", "order_code"])
    rows["taught"] = taught(rows, prepare(rows[["order_id"]].merge(frame, on="order_id"), features), features)
    return _shares(rows, len(days))


def taught(rows: pd.DataFrame, inputs: pd.DataFrame, features: FeatureSet) -> Floats:
    """What the oracle would say if it saw no more than what is published.

    Its probabilities are learned from the features, each order's from four fifths of the others: their mean, given what
    is published, is the best that anybody could state from it. Orders of the same day are among the others, so that
    some of the day's hidden state comes through: it is rather too good than too bad.
    """
    found = np.empty(len(rows))
    kinds = [True] * len(features.of_kind("category")) + [False] * len(features.of_kind("number"))
    for learn_from, asked in KFold(5, shuffle=True, random_state=SEED).split(inputs):
        boost = HistGradientBoostingRegressor(categorical_features=kinds, max_iter=300, learning_rate=0.05,
                                              min_samples_leaf=40, random_state=SEED)  # fmt: skip
        with one_thread():
            fitted = Pipeline([("encode", encoder(features)), ("boost", boost)])
            fitted.fit(inputs.iloc[learn_from], rows["oracle"].to_numpy()[learn_from])
            found[asked] = fitted.predict(inputs.iloc[asked])
    return np.clip(found, LEAST_TAUGHT, 1 - LEAST_TAUGHT)


def _shares(rows: pd.DataFrame, days: int) -> list[str]:
    outcome = rows["outcome"].to_numpy()

    def loss(name: str) -> Floats:
        return log_losses(outcome, rows[name].to_numpy())

    bootstrap = ClusterBootstrap(days_of(rows, LATE_DELIVERY.roles.time), 500, SEED)
    least = 2 * loss("oracle") - loss("oracle_half")
    gained = loss(BASE_RATE) - loss("predicted")
    lines = []
    for whose, goal, losses in (
        ("the oracle's", "≥ 80", least),
        ("what the oracle can teach from the published features", "report", loss("taught")),
    ):
        possible = loss(BASE_RATE) - losses
        share = bootstrap.estimate(
            100 * gained.mean() / possible.mean(), 100 * bootstrap.sums(gained) / bootstrap.sums(possible)
        )
        told = (
            f"base rate {loss(BASE_RATE).mean():.4f}, ours {loss('predicted').mean():.4f}, theirs {losses.mean():.4f}"
        )
        lines.append(
            f"| twin `{PRESET}`, {len(rows):,} orders of {days} days, share of {whose} log-loss gain, % ({told}) "
            f"| {goal} | {share.value:.1f} | {share.low:.1f}–{share.high:.1f} |"
        )
    return lines


PARTS = {"training": training, "scoring": scoring, "twin": in_the_twin}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS)
    chosen = parser.parse_args().only
    print(HEADER)
    for name, part in PARTS.items():
        if chosen in (None, name):
            print("\n".join(part()), flush=True)


if __name__ == "__main__":
    main()
