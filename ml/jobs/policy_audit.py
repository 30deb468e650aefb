"""The audit of a proposed routing policy on past orders: what it would have done to regions.

Belongs here: which figures a replay holds, by which groups they are compared. Does not belong here: deciding the orders
anew (ml/jobs/policy_replay), the judgement (ml/core/fairness/policies), the twin (decisions/routing/twin_replay).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.core.fairness.cells import JOINT
from ml.core.fairness.policies import DECISIONS, PolicyComparison, compare_policies, rounds_of_orders
from ml.io.past_orders import NothingToReplay, newest_day
from ml.io.stores import ModelStores
from ml.jobs.policy_replay import PolicyReplay, load_router, replay_with
from workspace.published import Snapshot

REGION = "region_code"
#: Bounds on the regional on-time gap that are priced, and the newest days that they are priced on.
GAPS, PRICED_DAYS = (0.3, 0.15), 7
#: Figures that a replay of past orders holds. An order's promise was made before it was routed; when a replayed order
#: would have arrived, and what a person would have overridden, nobody knows.
REPLAYED = ("on_time", "split", "unfilled", "shipping_cost", "automated", "sent_to_a_person")


def audit_replay(
    replay: PolicyReplay, threshold: float, minimum_support: int, groups: Sequence[str] = (REGION,)
) -> PolicyComparison:
    """Judge a replay by region, or by region crossed with further columns.

    Args:
        replay: Both decisions on past orders.
        threshold: Confidence from which a decision goes by itself.
        minimum_support: Fewest orders at which a group is judged.
        groups: Columns of the replay, the region first; crossed where there are several.
    """
    orders = figures_of(replay.orders, threshold)
    crossed = orders[list(groups)].fillna("unknown").astype("str").agg(JOINT.join, axis=1)
    names, support, rounds = rounds_of_orders(orders.assign(_group=crossed), group="_group", round_="day",
                                              figures=REPLAYED)  # fmt: skip
    return compare_policies(
        "past_orders", names, support, rounds, DECISIONS, minimum_support=minimum_support, left_out=replay.left_out,
        facts={
            "current": replay.current.to_dict(), "proposed": replay.proposed.to_dict(), "groups": list(groups),
            "since": str(replay.since), "until": str(replay.until), "model_version": replay.model_version,
            "snapshot": replay.snapshot, "affected": len(replay.affected),
        },
    )  # fmt: skip


def price_constraint(
    stores: ModelStores, snapshot: Snapshot, minimum_support: int, gaps: Sequence[float] = GAPS, days: int = PRICED_DAYS
) -> list[dict[str, Any]]:
    """What a bound on the regional on-time gap takes off the spread between regions, and what it costs.

    Args:
        stores: Open stores.
        snapshot: The published data.
        minimum_support: Fewest orders at which a region counts.
        gaps: Largest distances to the best region's expected on-time share, as shares.
        days: Newest days of past orders that are decided anew.

    Returns:
        One entry a bound: `limit`; `spread` and `cost` an order, each (without, with) the bound; `kept`, the share of
        the spread that remains, and `extra`, the share by which cost rises, both with 95 % intervals over days;
        `orders`, `days`. Empty where no lateness model is registered or no order can be decided anew.
    """
    router = load_router(stores)
    if router.model is None:
        return []
    found = []
    for gap in gaps:
        bounded = replace(router.policy, parameters=replace(router.policy.parameters, regional_gap=gap))
        try:
            last = newest_day(snapshot)
            replay = replay_with(router, snapshot, router.policy, bounded, last - timedelta(days=days - 1), last)
        except NothingToReplay:
            return []
        compared = audit_replay(replay, 1.0, minimum_support)
        spread, cost = compared.figures["on_time"], compared.figures["shipping_cost"]
        if spread.spread_change is None or not spread.spread_before or cost.interval is None or not cost.before:
            return []
        found.append({
            "limit": gap, "spread": [spread.spread_before, spread.spread_after], "cost": [cost.before, cost.after],
            "kept": spread.spread_after / spread.spread_before,
            "kept_interval": [max(0.0, 1 + end / spread.spread_before) for end in spread.spread_change],
            "extra": (cost.change or 0.0) / cost.before, "extra_interval": [end / cost.before for end in cost.interval],
            "orders": compared.orders, "days": compared.rounds,
        })  # fmt: skip
    return found


def figures_of(orders: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """The orders with the figures `REPLAYED`, `_before` and `_after`; NaN where a figure is not known."""
    columns: dict[str, NDArray[np.float64]] = {}
    for when in ("before", "after"):
        sure = orders[f"confidence_{when}"].to_numpy(np.float64)
        automated = np.where(np.isfinite(sure), (sure >= threshold).astype(np.float64), np.nan)
        shipped = orders[f"parcels_{when}"] > 0
        columns |= {
            f"split_{when}": np.where(shipped, orders[f"parcels_{when}"] > 1, np.nan),
            f"unfilled_{when}": (orders[f"status_{when}"] != "filled").astype(np.float64),
            f"shipping_cost_{when}": np.where(shipped, orders[f"cost_{when}"], np.nan),
            f"automated_{when}": automated, f"sent_to_a_person_{when}": 1.0 - automated,
        }  # fmt: skip
    return orders.assign(**columns)
