"""Learning a risk from a table and judging it by rolling origins, without any store.

Belongs here: the order of the steps from rows to a fitted version and its evidence. Does not belong here: logging and
registering (ml/jobs/train), methods (ml/core).
"""

from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.inspection import permutation_importance

from ml.core.baselines import group_rate, overall_rate
from ml.core.features import FeatureSet, UnusableTable, prepare
from ml.core.intervals import ClusterBootstrap, Estimate, Floats
from ml.core.metrics import Segment, evaluate, log_losses, reliability, segments
from ml.core.risk_model import FittedRisk, fit_trees, learn, one_thread, positive_probability
from ml.core.splits import Cut, Timeline, rolling_cuts, timeline
from ml.jobs.catalogue import ModelSpec

IMPORTANCE_ROWS = 3000
IMPORTANCE_REPEATS = 3
#: Shares of the rows learned from, newest first, of which the learning curve tells the loss.
CURVE_SHARES = (0.1, 0.25, 0.5, 1.0)
FEWEST_ON_CURVE = 500
BASE_RATE, LANE_RATE = "base_rate", "lane_rate"


@dataclass(frozen=True)
class Fold:
    """One stretch of the backtest."""

    origin: pd.Timestamp
    end: pd.Timestamp
    count_learned: int
    count_judged: int
    calibration: str
    metrics: dict[str, Estimate]


@dataclass(frozen=True)
class Learned:
    """A fitted version with its evidence.

    Attributes:
        fitted: The version; it learned before the last fold's origin and is what the last fold judged.
        inputs: Prepared rows of the whole table.
        backtest: One row a judged row: key, time, groups, `fold`, `outcome`, `predicted`, and each baseline.
        folds: The backtest's stretches.
        overall: Metrics over all stretches together.
        latest: Metrics of the last stretch, that is of the shipped version alone.
        by_group: Metrics by the first group column, and by its combination with the second.
        importance: Feature → loss of ROC-AUC when its values are shuffled, on the last stretch.
        curve: Rows learned from, newest first → log loss of the last stretch by trees without calibrator; empty where
            the rows are few.
        reliability: Predicted against realised rate.
        notes: What a reader must know: stretches not judged, features dropped for what they hold.
    """

    fitted: FittedRisk
    inputs: pd.DataFrame
    backtest: pd.DataFrame
    folds: tuple[Fold, ...]
    overall: dict[str, Estimate]
    latest: dict[str, Estimate]
    by_group: tuple[Segment, ...]
    importance: dict[str, float]
    curve: dict[int, float]
    reliability: pd.DataFrame
    notes: tuple[str, ...]


def learn_and_judge(frame: pd.DataFrame, features: FeatureSet, spec: ModelSpec, as_of: pd.Timestamp | None,
                    minimum_support: int, threads: int = 1, taught: Floats | None = None) -> Learned:  # fmt: skip
    """Learn a version and judge its recipe by rolling origins.

    Args:
        frame: Rows with the columns of the model's roles and features.
        features: Columns that may be used.
        spec: The model.
        as_of: The moment that the rows describe.
        minimum_support: Fewest rows at which a segment is judged.
        threads: Fits that run side by side.
        taught: Labels to learn from instead of the recorded ones, by which every stretch is judged.

    Raises:
        UnusableTable: the rows cannot be learned from; says why and what to do.
    """
    times = timeline(frame, spec.roles, as_of)
    outcome = _outcome(frame, spec.roles.target)
    taught = outcome if taught is None else taught
    inputs = prepare(frame, features)
    cuts = rolling_cuts(times, spec.folds, share=spec.judged_share)
    if not cuts:
        raise UnusableTable(
            f"No origin leaves rows both to learn from and to judge among {int(times.labelled.sum())} labelled rows; a "
            f"label may be used only once it is known and mature. Land a longer history."
        )
    notes: list[str] = []
    judged: list[pd.DataFrame] = []
    fitted_folds: list[tuple[Cut, FittedRisk]] = []

    def attempt(cut: Cut) -> FittedRisk | UnusableTable:
        try:
            return learn(inputs, taught, times, cut.learn, features, spec.plan, spec.seed)
        except UnusableTable as error:
            return error

    with ThreadPoolExecutor(max_workers=threads) as pool:  # the longest first
        attempts = list(pool.map(attempt, reversed(cuts)))
    for cut, fitted in zip(cuts, reversed(attempts), strict=True):
        if isinstance(fitted, UnusableTable):
            if cut is cuts[-1]:
                raise fitted
            notes.append(f"The stretch from {cut.origin:%Y-%m-%d} is not judged: {fitted}")
            continue
        fitted_folds.append((cut, fitted))
        judged.append(_judged_rows(frame, outcome, inputs, cut, fitted, spec).assign(fold=len(fitted_folds)))
    backtest = pd.concat(judged, ignore_index=True)
    last_cut, version = fitted_folds[-1]
    dropped = {name: why for name, why in version.features.left_out.items() if name not in features.left_out}
    notes.extend(f"Column {name} is not used: {reason}." for name, reason in dropped.items())
    with ThreadPoolExecutor(max_workers=threads) as pool:
        importance = pool.submit(_importance, version, inputs[last_cut.judge], outcome[last_cut.judge], spec.seed)
        curve = _learning_curve(inputs, (taught, outcome), times, last_cut, version, spec, pool)
    return Learned(
        fitted=version,
        inputs=inputs,
        backtest=backtest,
        folds=tuple(
            Fold(cut.origin, cut.end, int(cut.learn.sum()), len(rows), fitted.calibration, _metrics(rows, spec))
            for (cut, fitted), rows in zip(fitted_folds, judged, strict=True)
        ),
        overall=_metrics(backtest, spec),
        latest=_metrics(judged[-1], spec),
        by_group=_by_group(backtest, spec, minimum_support),
        importance=importance.result(),
        curve=curve,
        reliability=reliability(backtest["outcome"].to_numpy(), backtest["predicted"].to_numpy()),
        notes=tuple(notes),
    )


def learn_again(frame: pd.DataFrame, features: FeatureSet, spec: ModelSpec, as_of: pd.Timestamp | None,
                threads: int = 1) -> FittedRisk:  # fmt: skip
    """The version alone, without judging its recipe: the fit of the last origin.

    Raises:
        UnusableTable: the rows cannot be learned from.
    """
    times = timeline(frame, spec.roles, as_of)
    inputs = prepare(frame, features)
    cuts = rolling_cuts(times, spec.folds, share=spec.judged_share)
    if not cuts:
        raise UnusableTable("No origin leaves rows both to learn from and to judge. Land a longer history.")
    outcome = _outcome(frame, spec.roles.target)
    return learn(inputs, outcome, times, cuts[-1].learn, features, spec.plan, spec.seed, threads)


def _outcome(frame: pd.DataFrame, target: str) -> Floats:
    outcome = frame[target].to_numpy(dtype=np.float64, na_value=np.nan)
    known = outcome[np.isfinite(outcome)]
    if not np.isin(known, (0.0, 1.0)).all():
        raise UnusableTable(
            f"{target} must hold 0, 1 or null; it holds values from {known.min():g} to {known.max():g}. Name a yes/no "
            f"column."
        )
    return outcome


def _judged_rows(frame: pd.DataFrame, outcome: Floats, inputs: pd.DataFrame, cut: Cut, fitted: FittedRisk,
                 spec: ModelSpec) -> pd.DataFrame:  # fmt: skip
    roles = spec.roles
    lanes = [name for name in roles.lanes if name in frame.columns] or list(roles.groups[:1])
    rows = frame.loc[cut.judge, [roles.key, roles.time, *roles.groups]].reset_index(drop=True)
    learned = outcome[cut.learn]
    rows["outcome"] = outcome[cut.judge]
    rows["predicted"] = fitted.predict(inputs[cut.judge])
    rows[BASE_RATE] = overall_rate(learned, len(rows))
    if lanes:
        rows[LANE_RATE] = group_rate(frame.loc[cut.learn, lanes], learned, frame.loc[cut.judge, lanes])
    return rows


def days_of(rows: pd.DataFrame, time: str) -> np.ndarray:
    """The UTC day of each row, by which intervals are clustered."""
    return pd.to_datetime(rows[time], utc=True).dt.strftime("%Y-%m-%d").to_numpy()


def _metrics(rows: pd.DataFrame, spec: ModelSpec) -> dict[str, Estimate]:
    bootstrap = ClusterBootstrap(days_of(rows, spec.roles.time), spec.replicates, spec.seed)
    baselines = {name: rows[name].to_numpy() for name in (BASE_RATE, LANE_RATE) if name in rows}
    return evaluate(rows["outcome"].to_numpy(), rows["predicted"].to_numpy(), bootstrap, baselines)


def _by_group(rows: pd.DataFrame, spec: ModelSpec, minimum_support: int) -> tuple[Segment, ...]:
    groups = spec.roles.groups
    found: list[Segment] = []
    for by in [groups[:1], groups[:2]][: len(groups)]:
        found += segments(rows, by, rows["outcome"].to_numpy(), rows["predicted"].to_numpy(),
                          days_of(rows, spec.roles.time), minimum_support, spec.replicates, spec.seed)  # fmt: skip
    return tuple(found)


def _learning_curve(inputs: pd.DataFrame, labels: tuple[Floats, Floats], times: Timeline, cut: Cut, fitted: FittedRisk,
                    spec: ModelSpec, pool: Executor) -> dict[int, float]:  # fmt: skip
    """Whether more history would help: the same trees on ever longer newest parts of the rows learned from."""
    taught, outcome = labels
    newest_first = np.flatnonzero(cut.learn)[np.argsort(-times.made_at[cut.learn].asi8, kind="stable")]

    def loss(count: int) -> float | None:
        rows = np.zeros(len(outcome), dtype=bool)
        rows[newest_first[:count]] = True
        if count < FEWEST_ON_CURVE or taught[rows].min() == taught[rows].max():
            return None
        model = fit_trees(inputs, taught, rows, fitted.features, fitted.parameters, spec.plan, spec.seed)
        predicted = positive_probability(model, inputs.loc[cut.judge, fitted.features.names])
        return float(log_losses(outcome[cut.judge], predicted).mean())

    counts = [round(share * len(newest_first)) for share in CURVE_SHARES]
    losses = list(pool.map(loss, reversed(counts)))  # the longest first
    return {count: lost for count, lost in zip(counts, reversed(losses), strict=True) if lost is not None}


def _importance(fitted: FittedRisk, inputs: pd.DataFrame, outcome: Floats, seed: int) -> dict[str, float]:
    if outcome.min() == outcome.max():
        return {}
    sample = inputs[fitted.features.names].assign(outcome=outcome)
    if len(sample) > IMPORTANCE_ROWS:
        sample = sample.sample(IMPORTANCE_ROWS, random_state=seed)
    labels = sample.pop("outcome").to_numpy()
    if labels.min() == labels.max():
        return {}
    with one_thread():
        found = permutation_importance(
            fitted.model, sample, labels, scoring="roc_auc", n_repeats=IMPORTANCE_REPEATS, random_state=seed
        )
    ranked = sorted(zip(fitted.features.names, found.importances_mean, strict=True), key=lambda pair: -pair[1])
    return {name: float(value) for name, value in ranked}
