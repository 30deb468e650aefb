"""Past orders as a routing decision met them: what was ordered, and what each node could promise that morning.

Belongs here: the queries over the published marts, and which orders of the window lack what a replay needs. Does not
belong here: deciding anew (ml/core/routing/past), judging (ml/jobs/policy_replay).

A day's orders are those whose first parcel was made on it. What a node could promise is what it held unreserved on the
evening before, and what it received on the day. Stock that the replayed days would have left behind is not carried on.
"""

from dataclasses import dataclass
from datetime import date

import pandas as pd

from ml.core.routing.places import kilometres
from ml.core.routing.ranker import NEWS
from workspace.published import Snapshot

#: Tables without which no past order can be decided anew.
NEEDED = ("fct_orders", "fct_order_lines", "fct_shipments", "fct_inventory_daily", "dim_products", "dim_warehouses",
          "dim_regions", "feat_order_delivery", "feat_parcel_delivery")  # fmt: skip
#: Reason → why an order of the window was not replayed; the first that applies counts.
LEFT_OUT = {
    "never_allocated": "no parcel was ever made for it",
    "no_stock_record": "the shelves were not counted on the evening before",
    "no_promise": "it has no promised time",
}

_ORDERS = """
with parcel as (
    select order_id, min(created_at) as allocated_at, count(*) as parcels,
        string_agg(distinct warehouse_id, '+' order by warehouse_id) as node_actual
    from fct_shipments where created_at is not null and coalesce(status, '') <> 'cancelled' group by order_id
)
select o.order_id, cast(coalesce(p.allocated_at, o.ordered_at) as date) as day, o.region_code, o.value_tier, o.channel,
    o.segment, o.priority, p.allocated_at, o.promised_at, p.node_actual, p.parcels as parcels_actual,
    cast(o.shipping_cost_amount as double) as cost_actual, cast(not o.is_late as double) as on_time_actual,
    (epoch(o.promised_at) - epoch(p.allocated_at)) / 3600 as slack_hours,
    cast(hour(p.allocated_at) as double) as allocated_hour, cast(isodow(p.allocated_at) as double) as allocated_weekday,
    {news},
    case
        when p.order_id is null then 'never_allocated'
        when cast(p.allocated_at as date) - 1 not in (select stock_date from fct_inventory_daily) then 'no_stock_record'
        when o.promised_at is null then 'no_promise'
        else ''
    end as left_out
from fct_orders o left join parcel p using (order_id) left join feat_order_delivery f using (order_id)
where cast(coalesce(p.allocated_at, o.ordered_at) as date) between $since and $until
order by day, o.order_id
"""
_LINES = """
select l.order_id, l.product_id, l.quantity from fct_order_lines l join past using (order_id)
order by past.day, l.order_id, l.line_number
"""
_STOCK = """
with received as (
    select warehouse_id, product_id, cast(received_at as date) as day,
        sum(coalesce(received_quantity, quantity)) as units
    from {inbound} where received_at is not null group by all
)
select s.stock_date + 1 as day, s.warehouse_id, s.product_id,
    greatest(s.on_hand_quantity - s.reserved_quantity, 0) + coalesce(r.units, 0) as units
from fct_inventory_daily s
left join received r
    on s.warehouse_id = r.warehouse_id and s.product_id = r.product_id and r.day = s.stock_date + 1
where s.stock_date + 1 in (select day from past) order by all
"""
_NO_INBOUND = (
    "(select null::varchar as warehouse_id, null::varchar as product_id, null::timestamp as received_at, "
    "0 as received_quantity, 0 as quantity where false)"
)
#: A product without a weight weighs what its category does in the middle, else what all products do.
_PRODUCTS = """
select product_id, coalesce(
    weight_kg, median(weight_kg) over (partition by category), median(weight_kg) over (), 1.0
) as weight_kg from dim_products order by product_id
"""
_NODES = """
select warehouse_id, daily_capacity_orders, cast(opened_date as timestamp) as opened_date,
    cast(closed_date as timestamp) as closed_date
from dim_warehouses order by warehouse_id
"""


class NothingToReplay(ValueError):
    """No past order can be decided anew; says what is missing."""


@dataclass(frozen=True)
class PastOrders:
    """What a replay is made of.

    Attributes:
        orders: One row an order of the window, by day and id: groups, what a decision knew, what was really done
            (`_actual`), and `left_out` ("" where it can be decided anew).
        lines: `order_id`, `product_id`, `quantity` of the orders, in their order.
        stock: `day`, `warehouse_id`, `product_id`, `units` that could be promised on the day.
        nodes, km, products: As `ml.core.routing.past.Network` wants them.
    """

    orders: pd.DataFrame
    lines: pd.DataFrame
    stock: pd.DataFrame
    nodes: pd.DataFrame
    km: pd.DataFrame
    products: pd.DataFrame


def newest_day(snapshot: Snapshot) -> date:
    """The last day on which a parcel was made.

    Raises:
        NothingToReplay: there is none, or a table is absent.
    """
    absent = [table for table in NEEDED if table not in snapshot.tables]
    if absent:
        raise NothingToReplay(
            f"Past orders are decided anew from the published tables {', '.join(NEEDED)}; {', '.join(absent)} "
            f"{'is' if len(absent) == 1 else 'are'} absent. Land what they are built from."
        )
    with snapshot.connect() as connection:
        [(newest,)] = connection.execute("select cast(max(created_at) as date) from fct_shipments").fetchall()
    if newest is None:
        raise NothingToReplay("No parcel was ever made, so that no past decision can be made anew.")
    found: date = newest
    return found


def read_past_orders(snapshot: Snapshot, since: date, until: date) -> PastOrders:
    """Every order that was allocated (or, without a parcel, placed) from `since` to `until`, both included.

    Raises:
        NothingToReplay: a table is absent.
    """
    newest_day(snapshot)
    with snapshot.connect() as connection:
        news = ", ".join(f"f.{name}" for name in NEWS)
        orders = connection.execute(_ORDERS.format(news=news), {"since": since, "until": until}).df()
        connection.register("past", orders.loc[orders["left_out"] == "", ["order_id", "day"]])
        inbound = "fct_inbound_deliveries" if "fct_inbound_deliveries" in snapshot.tables else _NO_INBOUND
        nodes = connection.execute("select warehouse_id as id, latitude, longitude from dim_warehouses order by 1").df()
        regions = connection.execute(
            "select region_code as id, latitude, longitude from dim_regions where latitude is not null order by 1"
        ).df()
        return PastOrders(
            orders, connection.execute(_LINES).df(), connection.execute(_STOCK.format(inbound=inbound)).df(),
            connection.execute(_NODES).df(), kilometres(nodes, regions), connection.execute(_PRODUCTS).df(),
        )  # fmt: skip
