"""The layers of an audit beside the model's score: labels, decisions, time, proxies and remedies, from real orders.

Belongs here: which outcomes, factors and remedies are looked at, and what a person is told about them. Does not belong
here: the methods (ml/core/fairness), the query (ml/io/order_history), filing the report (ml/jobs/audit).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

from ml.core.fairness.changes import WINDOW, effect_of_change, find_changes
from ml.core.fairness.decisions import Outcome, audit_decisions, widened
from ml.core.fairness.errors import UnusableTable
from ml.core.fairness.labels import LabelDecomposition, decompose_delay, repaired_labels
from ml.core.fairness.mitigation import TradeOff, price_mitigation
from ml.core.fairness.overtime import WeeklyDisparity, weekly_disparity
from ml.core.fairness.proxies import ProxyResult, find_proxies, selective_labels
from ml.core.risk_model import one_thread
from ml.io.order_history import OrderHistory
from ml.jobs.audit_words import CARRIER_CHANGE

#: Hours of the label layer that name nobody: less than half a working day.
TOLERANCE_HOURS = 4.0
#: A late order that nobody was warned of costs this many false alarms; where acting pays follows from it.
COST_OF_MISSING, COST_OF_ALARM = 5.0, 1.0
FLAG_FROM = COST_OF_ALARM / (COST_OF_ALARM + COST_OF_MISSING)
REGION, AREA = "region_code", "area"
#: What regions are crossed with, beside the model's own groups.
FURTHER_GROUPS = ("value_tier", "channel", "segment")
ACTUAL, PROMISE, LAG = "actual_hours", "promise_hours", "lag_hours"
OUTCOMES: Mapping[str, Outcome] = {
    "on_time": Outcome("rate", "lower"),
    "promised_days": Outcome("mean", "higher"),
    "shipping_cost": Outcome("mean", "higher"),
    "split": Outcome("rate", "higher"),
    "cancelled": Outcome("rate", "higher"),
    "automated": Outcome("rate", "either"),
    "sent_to_a_person": Outcome("rate", "either"),
    "overridden": Outcome("rate", "either"),
}
#: Rows that remedies are fitted and priced on, newest first: enough for tight intervals, few enough for a minute.
REMEDY_ROWS = 12_000
VALUES = 64


@dataclass(frozen=True)
class HistoryLayers:
    """What the orders themselves say; a layer is None where the company has no columns for it.

    Attributes:
        label: Where lateness comes from.
        decision: `DecisionAudit.to_dict()`, with the outcomes that are `not_recorded` or `constant`.
        weekly: Disparity of lateness by week, with its alarm.
        changes: Found changes of the carrier mix, and what followed.
        selective: `SelectiveLabels.to_dict()`.
        repaired: Per order `late` and `repaired_late`, offered for training.
    """

    label: LabelDecomposition | None
    decision: Mapping[str, Any] | None
    weekly: WeeklyDisparity | None
    changes: Sequence[Mapping[str, Any]]
    selective: Mapping[str, Any] | None
    repaired: pd.DataFrame | None


def history_layers(history: OrderHistory, boundary: pd.Timestamp, minimum_support: int, seed: int) -> HistoryLayers:
    """Audit the orders: those since `boundary` as what is decided now, those before it as history.

    Args:
        history: All orders.
        boundary: Start of the window that the model is judged on, UTC without zone.
        minimum_support: Fewest orders at which a region is judged.
        seed: Seed of the draws.
    """
    orders = history.orders
    label = label_layer(history, minimum_support, seed)
    return HistoryLayers(
        label=label,
        decision=_decision_layer(orders, boundary, minimum_support, seed),
        weekly=_weekly(orders, minimum_support),
        changes=_carrier_changes(orders, minimum_support, seed),
        selective=_selective(orders, minimum_support, seed),
        repaired=repaired_of(orders, label) if label else None,
    )


def label_layer(history: OrderHistory, minimum_support: int, seed: int) -> LabelDecomposition | None:
    """Where the lateness of orders comes from, by region; None where no order's hours are known."""
    orders = history.orders
    if orders[[ACTUAL, PROMISE]].notna().all(axis=1).sum() == 0:
        return None
    return decompose_delay(
        orders, group=REGION, actual_hours=ACTUAL, promise_hours=PROMISE,
        recording_lag_hours=LAG if orders[LAG].notna().any() else None,
        factors=history.factors, cluster="day", minimum_support=minimum_support, tolerance_hours=TOLERANCE_HOURS,
        seed=seed,
    )  # fmt: skip


def repaired_of(orders: pd.DataFrame, label: LabelDecomposition) -> pd.DataFrame:
    """`order_id`, region, `late` and `repaired_late` of each order."""
    lag = None if "measurement" in label.not_assessed else LAG
    repaired = repaired_labels(
        orders, label, group=REGION, actual_hours=ACTUAL, promise_hours=PROMISE, recording_lag_hours=lag
    )
    return orders[["order_id", REGION, "late"]].assign(repaired_late=repaired)


def _decision_layer(
    orders: pd.DataFrame, boundary: pd.Timestamp, minimum_support: int, seed: int
) -> Mapping[str, Any] | None:
    values = {name: int(orders[name].nunique()) for name in OUTCOMES}
    outcomes = {name: outcome for name, outcome in OUTCOMES.items() if values[name] > 1}
    if not outcomes:
        return None
    is_now = orders["ordered_at"] >= boundary
    now, before = (orders[is_now], orders[~is_now]) if is_now.any() and not is_now.all() else (orders, None)
    found = audit_decisions(
        now, group=REGION, outcomes=outcomes, history=before, minimum_support=minimum_support, seed=seed
    )
    constant = {name: float(orders[name].dropna().iloc[0]) for name, count in values.items() if count == 1}
    return {**found.to_dict(), "not_recorded": [n for n, count in values.items() if not count], "constant": constant}


def _weekly(orders: pd.DataFrame, minimum_support: int) -> WeeklyDisparity | None:
    if orders["late"].notna().sum() < minimum_support:
        return None
    return weekly_disparity(orders, group=REGION, period="week", outcome="late", minimum_support=minimum_support)


def _carrier_changes(orders: pd.DataFrame, minimum_support: int, seed: int) -> list[Mapping[str, Any]]:
    """Areas whose carriers changed on a date, with what happened to lateness there and elsewhere."""
    found = find_changes(orders, group=AREA, period="date", kind="carrier", minimum_support=minimum_support, seed=seed)
    by_date: dict[str, list[Any]] = {}
    for change in found:
        by_date.setdefault(change.since, []).append(change)
    lines: list[Mapping[str, Any]] = []
    for since, changes in sorted(by_date.items()):
        areas = sorted(change.group for change in changes)
        before, after = (max(shares, key=shares.__getitem__) for shares in (changes[0].before, changes[0].after))
        effect = effect_of_change(orders, members=orders[AREA].isin(areas), since=since, period="date", outcome="late")
        lines.append({
            "date": since, "what": f"{', '.join(areas)}: {before} → {after}", "reason": CARRIER_CHANGE,
            "effect": effect.to_dict() if effect else None,
        })  # fmt: skip
    return lines


def disparity_around(orders: pd.DataFrame, day: str, minimum_support: int, seed: int) -> Mapping[str, Any] | None:
    """How far late shares of regions lay apart in the weeks after a change, beside the weeks before it.

    Args:
        orders: Of an `OrderHistory`.
        day: First day after the change, as `2026-09-30`.
        minimum_support: Fewest orders at which a region counts; a quarter of it here, for the weeks are few.
        seed: Seed of the draws.

    Returns:
        `Amplification` as a mapping; None where either side has too few orders.
    """
    since, days = pd.Timestamp(day), pd.Timedelta(days=WINDOW)
    placed = orders["ordered_at"]
    after, before = orders[placed.between(since, since + days)], orders[placed.between(since - days, since)]
    found = widened(
        after, before, group=REGION, outcome="late", minimum_support=max(minimum_support // 4, 20), seed=seed
    )
    return asdict(found) if found else None


def _selective(orders: pd.DataFrame, minimum_support: int, seed: int) -> Mapping[str, Any] | None:
    due = orders[orders["outcome_unknown"].notna()]
    if due.empty:
        return None
    return selective_labels(
        due, label="late", group=REGION, minimum_support=minimum_support, tolerance=0.01, seed=seed
    ).to_dict()


def proxies_of(inputs: pd.DataFrame, groups: pd.Series, features: Sequence[str], seed: int) -> ProxyResult | None:
    """Whether a model's features, its own group column left out, tell the group."""
    used = [name for name in features if name != groups.name and inputs[name].nunique() > 1]
    if not used or groups.nunique() < 2:
        return None
    return find_proxies(inputs[used].assign(_group=groups), group="_group", features=used, seed=seed)


def priced_remedies(
    inputs: pd.DataFrame, groups: pd.Series, outcome: pd.Series, features: Sequence[str], proxies: Sequence[str],
    boundary: int, minimum_support: int, seed: int,
) -> TradeOff | None:  # fmt: skip
    """Remedies fitted on the rows before `boundary` and priced on those after it; None where too little is known.

    Args:
        inputs: Prepared rows in order of time.
        groups: Group of each row.
        outcome: 0 and 1.
        features: Columns that the model uses.
        proxies: Those that stand for the group.
        boundary: Number of rows to fit on.
        minimum_support: Fewest late orders of a group for its spread to be judged.
        seed: Seed of fits and draws.
    """
    encoded = pd.DataFrame({name: _as_number(inputs[name]) for name in features})
    table = encoded.assign(_label=outcome.to_numpy(dtype=int), _group=groups.to_numpy())
    fit, price = table.iloc[:boundary].tail(REMEDY_ROWS), table.iloc[boundary:].tail(REMEDY_ROWS)
    fit, price = (part[part["_group"].notna()] for part in (fit, price))
    estimator = HistGradientBoostingClassifier(
        max_iter=60, max_leaf_nodes=15, min_samples_leaf=40, early_stopping=False, random_state=seed
    )
    try:
        with one_thread():
            return price_mitigation(
                estimator, fit, price, label="_label", group="_group", features=list(features), proxies=proxies,
                cost_of_missing=COST_OF_MISSING, cost_of_alarm=COST_OF_ALARM,
                minimum_support=max(minimum_support // 4, 20), seed=seed,
            )  # fmt: skip
    except UnusableTable:
        return None


def _as_number(column: pd.Series) -> np.ndarray:
    """Rank of each value among `VALUES` quantiles, or code of its category; missing stays missing.

    With more distinct values the trees look for quantiles under the weights of each fit, which took 12 times as long as
    the fit itself.
    """
    if pd.api.types.is_numeric_dtype(column):
        values = column.to_numpy(dtype=float, na_value=np.nan)
        known = np.isfinite(values)
        edges = np.unique(np.quantile(values[known], np.linspace(0, 1, VALUES)[1:-1])) if known.any() else np.array([])
        return np.where(known, np.searchsorted(edges, values), np.nan)
    codes = pd.factorize(column, sort=False)[0].astype(float)
    return np.where(codes < 0, np.nan, codes)
