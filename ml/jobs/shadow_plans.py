"""Plans of an order-routing challenger beside the champion's: the same open orders, stock and moment.

Belongs here: pairing kept plans, their agreement, what the challenger's choices would change. Does not belong here:
making plans (decisions/routing/plan), other models' answers (ml/jobs/shadow).

Layout: `shadow/order-routing/<plan of the champion>/<challenger>/decisions.parquet`, beside the run that explains it.
"""

import json
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from ml.core.benefits import Benefit, benefits
from ml.core.intervals import ClusterBootstrap
from ml.io.stores import ModelStores
from ml.jobs.catalogue import ORDER_ROUTING, ModelSpec
from ml.jobs.learning import days_of
from workspace.published import Snapshot

DECISIONS = "decisions.parquet"
#: Newest plan of each order that the champion decided on.
_PAIRS = """
select
    c.order_id, coalesce(c.region_code, 'unknown') as region_code, c.plan, o.ordered_at,
    s.order_id is not null as is_answered,
    c.shipping_amount as cost_before, s.shipping_amount as cost_after,
    c.on_time as on_time_before, s.on_time as on_time_after,
    cast(c.handling = 'automatic' as double) as automatic_before,
    cast(s.handling = 'automatic' as double) as automatic_after
from read_parquet($decided) as c
join read_parquet($orders) as o on c.order_id = o.order_id
left join read_parquet($silent) as s on (s.plan, s.order_id) = (c.plan, c.order_id)
where c.status <> 'excluded'
qualify row_number() over (partition by c.order_id order by c.plan desc) = 1
order by c.order_id
"""
_EXPECTED = ("expected", "of open orders, each version by its own predictions")
BASIS = {
    "cost": ("expected", "money paid for an order's parcels, each version by its own prices"),
    "on_time": _EXPECTED, "regional": _EXPECTED,
    "automatic": ("expected", "share decided without a person"),
    "error": ("not recorded", "nobody knows what would have become of a choice that was not made"),
}  # fmt: skip


def shadow_folder(shadow: Path, plan: str, challenger: str) -> Path:
    """Where a challenger's plan lies that was made beside the champion's `plan`."""
    return shadow / ORDER_ROUTING.name / plan / challenger


def plans_beside(stores: ModelStores, spec: ModelSpec, snapshot: Snapshot, challenger: str, champion: str,
                 fewest: int) -> tuple[dict[str, Any] | None, tuple[Benefit, ...]]:  # fmt: skip
    """Agreement, as its gate reads it, and benefits; None and nothing where no plan was made in shadow.

    They agree by the expected share on time of what each chose for an order.
    """
    decided, silent = _files(stores.paths.plans, stores.paths.shadow, challenger, champion)
    if not decided:
        return None, ()
    with duckdb.connect(":memory:") as connection:
        values = {"decided": decided, "silent": silent, "orders": str(snapshot.path("fct_orders"))}
        pairs = connection.execute(_PAIRS, values).df()
    both = pairs[pairs["is_answered"]].dropna(subset=["on_time_before", "on_time_after"]).reset_index(drop=True)
    if both.empty:
        return None, ()
    both["day"] = days_of(both, "ordered_at")
    both["regional_before"], both["regional_after"] = both["on_time_before"], both["on_time_after"]
    found = benefits(both, BASIS, "day", "region_code", fewest, spec.replicates, spec.seed)
    return _agreement(pairs, both, spec), tuple(found)


def _files(plans: Path, shadow: Path, challenger: str, champion: str) -> tuple[list[str], list[str]]:
    """Decisions of the champion's plans, and of the challenger's beside them."""
    decided, silent = list[str](), list[str]()
    for summary in sorted(plans.glob("*/summary.json")):
        beside = shadow_folder(shadow, summary.parent.name, challenger) / DECISIONS
        if beside.is_file() and json.loads(summary.read_text(encoding="utf-8"))["model_version"] == champion:
            decided.append(str(summary.parent / DECISIONS))
            silent.append(str(beside))
    return decided, silent


def _agreement(pairs: pd.DataFrame, both: pd.DataFrame, spec: ModelSpec) -> dict[str, Any]:
    apart = (both["on_time_after"] - both["on_time_before"]).abs().to_numpy()
    days = both["day"].to_numpy()
    groups = both.groupby("region_code").indices

    def mean(rows: Any) -> dict[str, float | None]:
        return ClusterBootstrap(days[rows], spec.replicates, spec.seed).mean(apart[rows]).as_dict()

    return {
        "scored": len(pairs), "both": len(both), "as_of": [str(pairs["plan"].min()), str(pairs["plan"].max())],
        "difference": mean(slice(None)), "by_region": {str(region): mean(at) for region, at in groups.items()},
        "rows": {str(region): len(at) for region, at in groups.items()},
    }  # fmt: skip
