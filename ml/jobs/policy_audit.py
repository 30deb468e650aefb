"""The audit of a proposed routing policy on past orders: what it would have done to regions.

Belongs here: which figures a replay holds, by which groups they are compared. Does not belong here: deciding the orders
anew (ml/jobs/policy_replay), the judgement (ml/core/fairness/policies), the twin (decisions/routing/twin_replay).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.core.fairness.cells import JOINT
from ml.core.fairness.policies import DECISIONS, PolicyComparison, compare_policies, rounds_of_orders
from ml.jobs.policy_replay import PolicyReplay

REGION = "region_code"
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
