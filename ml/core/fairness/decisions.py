"""The decision layer: what a policy does to groups, and whether it widens what history did.

Belongs here: outcomes of decisions by group (shares and means) and amplification. Does not belong here: the policy
itself, or running it in the twin.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from ml.core.fairness.cells import is_unknown
from ml.core.fairness.errors import UnusableTable
from ml.core.fairness.grouped import GroupData
from ml.core.fairness.inference import assess
from ml.core.fairness.intervals import standard_errors
from ml.core.fairness.judge import Judge, holm
from ml.core.fairness.metrics import Metric, Worse
from ml.core.fairness.results import Interval, MetricResult, Verdict, json_values
from ml.core.fairness.shrinkage import between_group_variance

ORDER: tuple[Verdict, ...] = ("gap", "no_gap_found", "insufficient_evidence", "undefined")


@dataclass(frozen=True)
class Outcome:
    """One outcome of decisions: a column of 0 and 1 (`rate`) or of numbers (`mean`), and which direction is worse."""

    kind: Literal["rate", "mean"]
    worse: Worse = "either"


@dataclass(frozen=True)
class Amplification:
    """Spread between groups under the decisions, divided by the spread in history; above 1 the policy widens it.

    The spread is the estimated standard deviation of the true values. `ratio` is None when history shows none
    beyond chance: nothing can be said about a multiple of it.
    """

    now: float
    history: float
    ratio: float | None
    interval: Interval | None


@dataclass(frozen=True)
class DecisionAudit:
    """All outcomes by group, and the amplification of those that history knows too."""

    verdict: Verdict
    metrics: Mapping[str, MetricResult]
    amplification: Mapping[str, Amplification]
    groups: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        plain: dict[str, Any] = json_values(self)
        return plain


def audit_decisions(
    table: pd.DataFrame,
    *,
    group: str,
    outcomes: Mapping[str, Outcome],
    history: pd.DataFrame | None = None,
    minimum_support: int = 100,
    tolerance: float = 0.0,
    alpha: float = 0.05,
    seed: int = 0,
    resamples: int = 2000,
) -> DecisionAudit:
    """Audit outcomes such as on time, promised days, cost, split, automated, sent to a person, overridden.

    Args:
        table: One row per decision.
        group: Column of the group.
        outcomes: Column → what it is.
        history: The same columns as history served them, for the amplification; columns that it lacks are left out.
        minimum_support: Fewest decisions at which a group is judged.
        tolerance: Differences up to this, in the outcome's unit, are of no practical weight.
        alpha: Error of false alarms over all outcomes and groups.
        seed: Seed of the draws.
        resamples: Draws under the null.

    Raises:
        UnusableTable: a column is missing or holds values outside its rule.
    """
    data = {name: _data(table, group, name, outcome) for name, outcome in outcomes.items()}
    judge = Judge("harm", minimum_support, tolerance, alpha, seed, resamples, frozenset())
    metrics = {n: Metric(n, "decision", o.kind, frozenset(), worse=o.worse) for n, o in outcomes.items()}
    evidence = {
        n: assess(d, minimum_support=minimum_support, alpha=alpha, resamples=resamples, seed=seed,
                  worse_sign=judge.worse_sign(metrics[n]))
        for n, d in data.items()
    }  # fmt: skip
    adjusted = holm({n: e.p for n, e in evidence.items() if e.p is not None})
    results = {n: judge.metric(metrics[n], data[n], evidence[n], adjusted.get(n)) for n in outcomes}
    widened = {
        n: _amplification(data[n], _data(history, group, n, o), minimum_support, seed, resamples)
        for n, o in outcomes.items() if history is not None and n in history.columns
    }  # fmt: skip
    verdict: Verdict = next((v for v in ORDER if any(m.verdict == v for m in results.values())), "undefined")
    groups = next(iter(data.values())).groups if data else ()
    return DecisionAudit(verdict, results, widened, groups)


def widened(
    now: pd.DataFrame, history: pd.DataFrame, *, group: str, outcome: str, minimum_support: int = 100, seed: int = 0,
    resamples: int = 2000,
) -> Amplification | None:  # fmt: skip
    """Spread of a rate between groups in one table over that in another; None where either judges fewer than two.

    Args:
        now: One row an order.
        history: The same columns, of other orders.
        group: Column of the group.
        outcome: Column of 0 and 1; rows where it is missing are left out.
        minimum_support: Fewest rows at which a group counts.
        seed: Seed of the draws.
        resamples: Draws around the rates.

    Raises:
        UnusableTable: a column is missing or holds values outside its rule.
    """
    sides = [_data(table, group, outcome, Outcome("rate")) for table in (now, history)]
    if any((side.group_n >= minimum_support).sum() < 2 for side in sides):
        return None
    return _amplification(sides[0], sides[1], minimum_support, seed, resamples)


def _data(table: pd.DataFrame, group: str, column: str, outcome: Outcome) -> GroupData:
    for needed in (group, column):
        if needed not in table.columns:
            raise UnusableTable(
                f"Column {needed!r} is not in the table, which has {list(table.columns)}. Name one that is."
            )
    known = table[table[group].notna() & table[column].notna()]
    known = known[~known[group].astype("str").map(is_unknown).astype(bool)]
    values = pd.to_numeric(known[column]).to_numpy(dtype=float)
    if not np.isfinite(values).all() or (outcome.kind == "rate" and not np.isin(values, (0.0, 1.0)).all()):
        rule = "A rate's column holds 0 and 1" if outcome.kind == "rate" else "A mean's column holds finite numbers"
        raise UnusableTable(f"{rule}; column {column!r} holds other values. Correct or leave them out.")
    codes, names = pd.factorize(known[group].astype("str"), sort=True)
    n = np.bincount(codes, minlength=len(names)).astype(float)[None]
    total = np.bincount(codes, weights=values, minlength=len(names))[None]
    squares = np.bincount(codes, weights=values**2, minlength=len(names))[None]
    varies = outcome.kind == "mean" and len(values) > 0 and float(np.ptp(values)) > 0
    skewness, kurtosis = (float(stats.skew(values)), float(stats.kurtosis(values))) if varies else (0.0, 0.0)
    named = tuple(str(name) for name in names)
    return GroupData(outcome.kind, named, n, n, total, squares, skewness=skewness, kurtosis=kurtosis)


def _amplification(now: GroupData, history: GroupData, support: int, seed: int, resamples: int) -> Amplification:
    rng = np.random.default_rng(seed)
    spreads = [_spread_draws(data, support, rng, resamples) for data in (now, history)]
    (point_now, drawn_now), (point_then, drawn_then) = spreads
    if point_then <= 0 or float(np.quantile(drawn_then, 0.025)) <= 0:
        return Amplification(point_now, point_then, None, None)
    low, high = np.quantile(drawn_now / np.maximum(drawn_then, 1e-12), [0.025, 0.975])
    return Amplification(point_now, point_then, point_now / point_then, (float(low), float(high)))


def _spread_draws(data: GroupData, support: int, rng: np.random.Generator, resamples: int) -> tuple[float, np.ndarray]:
    """Standard deviation of the true values between groups, and draws of it around the estimated values."""
    judged = data.group_n >= support
    values, errors = data.values[judged], standard_errors(data)[judged]
    point = float(np.sqrt(between_group_variance(values, errors)))
    noise = rng.standard_normal((resamples, len(values))) * errors
    # A draw adds the noise of the estimate once more, so that its errors are larger by √2.
    drawn = np.array([between_group_variance(values + row, errors * np.sqrt(2)) for row in noise])
    return point, np.sqrt(drawn)
