"""A published past small enough to know what a routing policy does to it: four regions with a node each.

Six days, twelve orders a day and region. Express is never late and dear, ground is late one time in two beyond 100 km
and cheap; every node has plenty of the one product, `p2` is nowhere.
"""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from ml.core.routing.confidence import Uncertainty
from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.policy import RoutingPolicy
from ml.core.routing.ranker import NEWS
from ml.jobs.policy_replay import Router
from ml.jobs.routing import PRIORITIES, paid_prices
from workspace.published import Snapshot, publish
from workspace.settings import Settings

REGIONS, DAYS, ORDERS_A_DAY = ("R1", "R2", "R3", "R4"), 6, 12
#: Orders of the last day that lack something: no parcel, no known region, a product that nobody knows.
LACKING = {"unallocated": "never_allocated", "nowhere": "unknown_region", "unheard": "unknown_product"}
_ORDERS = f"""
    select 'o_' || r || '_' || d || '_' || i as order_id, 'R' || r as region_code, d, i
    from range(1, 5) a(r), range({DAYS}) b(d), range({ORDERS_A_DAY}) c(i)
    union all select * from (values ('unallocated', 'R1', {DAYS - 1}, 0), ('nowhere', 'unknown', {DAYS - 1}, 0),
        ('unheard', 'R1', {DAYS - 1}, 0)) t(order_id, region_code, d, i)"""
_AT = "timestamp '2026-10-01 08:00:00' + to_days(cast(d as integer))"
TABLES = {
    "fct_orders": f"""
        select order_id, region_code, 'standard' as priority, {_AT} as ordered_at,
            {_AT} + interval 3 day as promised_at, 'gold' as value_tier, 'web' as channel, 'b2c' as segment,
            9.0 as shipping_cost_amount, false as is_late
        from ({_ORDERS})""",
    "fct_order_lines": f"""
        select order_id, 1 as line_number, case order_id when 'unheard' then 'p9' else 'p1' end as product_id,
            1 as quantity from ({_ORDERS})""",
    "fct_shipments": f"""
        select 's_' || order_id as shipment_id, order_id, 'n' || (i % 4 + 1) as warehouse_id, 'delivered' as status,
            {_AT} + interval 1 hour as created_at, 5.0 as cost_amount, 1.0 as weight_kg
        from ({_ORDERS}) where order_id <> 'unallocated'
        union all
        select 'h' || s || '_' || i, 'history', 'n1', 'delivered', null,
            4.0 + 6.0 * (s = 'express')::int + i * 0.01, 1.0
        from (values ('ground'), ('express')) t(s), range(100) r(i)""",
    "feat_parcel_delivery": """
        select 'h' || s || '_' || i as shipment_id, 'R1' as region_code, s as service_level, i * 30.0 as distance_km,
            timestamp '2026-09-01' + to_hours(cast(i as integer)) as allocated_at
        from (values ('ground'), ('express')) t(s), range(100) r(i)""",
    "fct_inventory_daily": f"""
        select 'n' || n as warehouse_id, 'p1' as product_id, date '2026-09-30' + cast(d as integer) as stock_date,
            1000 as on_hand_quantity, 10 as reserved_quantity
        from range(1, 5) a(n), range({DAYS}) b(d)""",
    "dim_products": "select unnest(['p1', 'p2']) as product_id, 'tea' as category, 1.0 as weight_kg",
    "dim_warehouses": """
        select 'n' || n as warehouse_id, 'R' || n as region_code, 30.0 as latitude, 100.0 + 4 * n as longitude,
            500 as daily_capacity_orders, null::date as opened_date, null::date as closed_date from range(1, 5) a(n)""",
    "dim_regions": """
        select 'R' || n as region_code, 30.0 as latitude, 102.0 + 4 * n as longitude from range(1, 5) a(n)
        union all select 'unknown', null, null""",
    "feat_order_delivery": f"select order_id, {', '.join(f'0.1 as {name}' for name in NEWS)} from ({_ORDERS})",
}


class LateOnGround:
    """P(late) of parcels by service; `elsewhere` is that of ground outside R3."""

    def __init__(self, elsewhere: float = 0.5) -> None:
        self.elsewhere = elsewhere

    def probabilities(self, rows: pd.DataFrame) -> Any:
        ground = np.where(rows["region_code"] == "R3", 0.5, self.elsewhere)
        return np.where(rows["service_level"] == "ground", ground, 0.02)


def publish_past(settings: Settings, folder: Path, **changes: str | None) -> Snapshot:
    """Publish the tables; a keyword replaces the query of one, None leaves it out."""
    files: dict[str, Path] = {}
    with duckdb.connect() as connection:
        for name, query in {**TABLES, **changes}.items():
            if query is not None:
                files[name] = folder / f"{name}.parquet"
                connection.execute(f"copy ({query}) to '{files[name]}' (format parquet)")
    return publish(settings.paths.ensure().published, files, {"as_of": "2026-10-11T00:00:00"}, 3)


def known_router(snapshot: Snapshot, elsewhere: float = 0.5, lateness_cost: float = 40.0) -> Router:
    """A router whose lateness is known; an express parcel pays where a late one costs 40."""
    ranker = SimpleNamespace(cost=paid_prices(snapshot), uncertainty=Uncertainty(0.1, 0.02))
    parameters = RoutingParameters(lateness_cost=lateness_cost, unfilled_cost=100.0, dual_rounds=5, search_sweeps=1)
    model: Any = SimpleNamespace(estimator=ranker, light=LateOnGround(elsewhere), version="7")
    return Router(model, RoutingPolicy(parameters), PRIORITIES)
