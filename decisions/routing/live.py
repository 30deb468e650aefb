"""The batch of this moment: open orders that may still be re-assigned, free stock, nodes, lanes and predictions.

Belongs here: what is open, committed or free by the published marts. Does not belong here: solving and keeping
(`decisions.routing.plan`), prices and lateness themselves (ml.core.routing).

An order stays re-assignable until its commit time: its parcel is packed, or the release window since it was given to
its node has passed. Units that such an order holds at its node count as free, because it may leave them.
"""

from dataclasses import dataclass, replace
from datetime import datetime

import duckdb
import numpy as np
import pandas as pd

from decisions.routing.problem import Batch, join_tables
from decisions.routing.tables import Table, query_table
from ml.core.light_model import LightModel
from ml.core.routing.places import kilometres, lateness_of_offers
from ml.core.routing.problem import LatenessTable
from ml.core.routing.ranker import NEWS
from ml.core.routing.shipping import ShippingCost
from workspace.published import Snapshot

#: Tables of a snapshot that a plan is made from.
NEEDED = ("fct_orders", "fct_order_lines", "fct_shipments", "fct_inventory_daily", "dim_products", "dim_warehouses",
          "dim_regions", "feat_order_delivery")  # fmt: skip

#: Orders with open lines, what they wait in, and why one may not be re-assigned ("" where it may).
_OPEN = """
create temp table waiting as
select order_id, count(*) as parcels, any_value(warehouse_id) as warehouse_id, min(created_at) as created_at,
    bool_or(status <> 'created') as is_packed
from fct_shipments where not has_left and coalesce(status, '') <> 'cancelled' group by order_id;
create temp table open_orders as
select o.order_id, o.region_code, o.priority, o.promised_at, w.warehouse_id, coalesce(w.parcels, 0) as parcels,
    case
        when o.approved_at is null and o.status = 'created' then 'not_approved'
        when w.parcels > 1 then 'several_parcels'
        when w.is_packed or w.created_at < $as_of - to_hours($window) then 'committed'
        else ''
    end as held
from fct_orders o left join waiting w using (order_id)
where not coalesce(o.is_cancelled, false)
    and o.order_id in (select order_id from fct_order_lines where open_quantity > 0)
order by o.order_id;
create temp table open_lines as
select l.order_id, l.product_id, l.line_number, l.open_quantity as quantity
from fct_order_lines l join open_orders using (order_id) where l.open_quantity > 0 order by l.order_id, l.line_number
"""
_STOCK = """
with own as (
    select o.warehouse_id, l.product_id, sum(l.quantity) as units
    from open_lines l join open_orders o using (order_id) where o.held = '' and o.parcels = 1 group by all
)
select s.warehouse_id, s.product_id, s.on_hand_quantity,
    greatest(s.reserved_quantity - coalesce(own.units, 0), 0) as reserved_quantity, v.scarcity, v.relief
from fct_inventory_daily s
left join own using (warehouse_id, product_id)
left join unit_values v using (warehouse_id, product_id)
where s.stock_date = (select max(stock_date) from fct_inventory_daily) order by all
"""
#: Money of a unit: what is risked by taking one that may run out (chance of it within the horizon × price), and what is
#: tied up in one that is held for longer than `$cover` days of demand, in full from twice as long on.
_VALUES = """
create temp table unit_values as
select r.warehouse_id, r.product_id, r.stockout_probability * p.price as scarcity,
    p.price * case when r.available_units <= 0 then 0 when r.cover_days is null then 1
        else least(greatest(r.cover_days / $cover - 1, 0), 1) end as relief
from stockout_predictions r
join (select product_id, cast(list_price_amount as double) as price from dim_products) p using (product_id)
where r.horizon_hours = $horizon and p.price is not null
"""
_NO_VALUES = """
create temp table unit_values as
select '' as warehouse_id, '' as product_id, cast(null as double) as scarcity, cast(null as double) as relief
where false
"""
RISKS, RISK_HOURS = "stockout_predictions", 48
#: Days of demand that a node may hold of a product before its units count as too many.
OVERSTOCK_DAYS = 60
_NODES = """
select n.warehouse_id, n.region_code, coalesce(n.closed_date > cast($as_of as date), true) as enabled,
    greatest(n.daily_capacity_orders - coalesce(committed.parcels, 0), 0) as capacity
from dim_warehouses n left join (
    select w.warehouse_id, sum(w.parcels) as parcels
    from waiting w left join open_orders o using (order_id) where coalesce(o.held, 'left') <> '' group by all
) committed using (warehouse_id) order by all
"""
#: A product without a weight weighs what its category does in the middle, else what all products do.
_PRODUCTS = """
select product_id, coalesce(
    weight_kg, median(weight_kg) over (partition by category), median(weight_kg) over (), 1.0
) as weight_kg from dim_products order by product_id
"""


@dataclass(frozen=True)
class LiveModel:
    """What predicts lateness and prices of a live batch. `lateness` None: nobody has approved a model."""

    shipping: ShippingCost
    priorities: dict[str, float]
    lateness: LightModel | None


def moment_of(snapshot: Snapshot) -> datetime:
    """The moment that the snapshot describes, UTC without a zone.

    Raises:
        ValueError: the snapshot does not say.
    """
    noted = snapshot.notes.get("as_of")
    if not noted:
        raise ValueError(f"Snapshot {snapshot.version} does not say as of when it is. Publish with the note `as_of`.")
    return datetime.fromisoformat(str(noted)).replace(tzinfo=None)


def live_batch(snapshot: Snapshot, model: LiveModel, window_hours: float) -> Batch:
    """The batch of a snapshot; every order with an open line is in it, those that must stay with their reason.

    Units that may run out and units held for too long carry a value where stock-outs are forecast, none elsewhere.

    Args:
        snapshot: Published marts.
        model: Prices and lateness.
        window_hours: Hours after a parcel was given to a node in which it may still move.

    Raises:
        RoutingInputError: there is no node, lane or stock at all.
        ValueError: a table is absent.
    """
    absent = [table for table in NEEDED if table not in snapshot.tables]
    if absent:
        raise ValueError(f"A plan needs the published tables {', '.join(NEEDED)}; {', '.join(absent)} are absent.")
    as_of = moment_of(snapshot)
    with snapshot.connect() as con:
        for statement in _OPEN.split(";"):
            wanted = {"as_of": as_of, "window": int(window_hours)} if "$as_of" in statement else {}
            con.execute(statement, wanted)
        if RISKS in snapshot.tables:
            con.execute(_VALUES, {"cover": OVERSTOCK_DAYS, "horizon": RISK_HOURS})
        else:
            con.execute(_NO_VALUES)
        con.execute("create temp table nodes as " + _NODES.replace("$as_of", f"timestamp '{as_of}'"))
        tables = _tables(con, model)
        orders = con.execute(
            f"select o.*, {', '.join(NEWS)} from open_orders o left join feat_order_delivery f using (order_id) "
            "order by o.order_id"
        ).df()
        distance = _distances(con)
    batch = join_tables(tables)
    km = distance.reindex(index=batch.node_ids, columns=batch.region_ids).to_numpy(np.float64)
    held = orders["held"].to_numpy(str).astype("<U32")
    faulty = np.asarray(batch.problem.order_excluded) != ""
    held[faulty] = np.asarray(batch.problem.order_excluded)[faulty]
    problem = replace(batch.problem, distance_km=km, order_excluded=held)
    if model.lateness is None:
        return replace(batch, problem=problem)
    slack = (orders["promised_at"] - pd.Timestamp(as_of)).dt.total_seconds() / 3600.0
    moment = {"slack_hours": slack, "allocated_hour": float(as_of.hour), "allocated_weekday": float(as_of.isoweekday())}
    region = np.where(held == "", problem.order_region, -1)
    names = (batch.node_ids, batch.region_ids, batch.service_ids)
    late = lateness_of_offers(model.lateness, orders.assign(**moment), region, names, km)
    return replace(batch, problem=replace(problem, lateness=LatenessTable(late)), lateness_source="order-routing model")


def _tables(con: duckdb.DuckDBPyConnection, model: LiveModel) -> dict[str, Table]:
    con.register("priorities", pd.DataFrame(list(model.priorities.items()), columns=["priority", "weight"]))
    con.register("lanes", _rates(model.shipping, _distances(con)))
    queries = {
        "orders": "select o.order_id, o.region_code, coalesce(p.weight, 1.0) as priority_weight "
        "from open_orders o left join priorities p using (priority) order by o.order_id",
        "lines": "select order_id, product_id, quantity from open_lines order by order_id, line_number",
        "stock": _STOCK, "products": _PRODUCTS, "nodes": "select * from nodes",
        "rates": "select * from lanes",
    }  # fmt: skip
    return {kind: query_table(kind, con, query) for kind, query in queries.items()}


def _distances(con: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Kilometres from each node to the centre of each region; NaN where a position is not known."""
    nodes = con.execute("select warehouse_id as id, latitude, longitude from dim_warehouses order by 1").df()
    regions = con.execute("select region_code as id, latitude, longitude from dim_regions order by 1").df()
    return kilometres(nodes, regions)


def _rates(shipping: ShippingCost, distance: pd.DataFrame) -> pd.DataFrame:
    """One row a lane that is offered."""
    fixed, per_kg = shipping.lanes(distance.to_numpy(), [str(region) for region in distance.columns])
    node, region, service = np.nonzero(np.isfinite(fixed))
    return pd.DataFrame(
        {
            "node_id": distance.index.to_numpy()[node], "region": distance.columns.to_numpy()[region],
            "service": np.array(shipping.services)[service], "fixed": fixed[node, region, service],
            "per_kg": per_kg[node, region, service],
        }
    )  # fmt: skip
