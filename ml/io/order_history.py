"""What history did to each order: read from the published marts for the label and decision layers of the audit.

Belongs here: the query over the marts, and which layers a snapshot can feed. Does not belong here: what is judged
(ml/jobs/audit_layers) and how (ml/core/fairness).

An order counts once its promise has passed, so that the quick ones of the last days are not taken for all of them. An
address without coordinates takes the usual distance of its region and node: without, far regions would look slow for
no reason. A company rarely has all tables. Without shipments carrier, distance and cost are missing; without events the
lag of the record and persons' interventions are; the columns are then empty and their tables named in `absent`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from workspace.published import Snapshot

ORDERS, PARCELS, EVENTS, FEATURES = "fct_orders", "fct_shipments", "fct_order_events", "feat_order_delivery"
INVENTORY, REGIONS, CUSTOMERS = "fct_inventory_daily", "dim_regions", "dim_customers"
#: Tables that a history is read from, where there are any.
READ_TABLES = (ORDERS, PARCELS, EVENTS, FEATURES, INVENTORY, REGIONS, CUSTOMERS)
#: Columns that count as legitimate reasons for a longer way; what each is stands in docs/fairness.md.
FACTORS = ("distance_km", "nearest_km", "service", "carrier", "node", "stock", "weather", "weather_next", "weekday",
           "hour", "parcels")  # fmt: skip
#: Factors that name things, of which a marketplace has thousands: the commonest keep their name.
NAMING, NAMES_KEPT, OTHER = ("service", "carrier", "node"), 40, "(other)"
#: Stand-ins with the columns of a table that the company does not have.
EMPTY = {
    PARCELS: "select null::varchar as order_id, null::varchar as carrier, null::varchar as service_level, "
             "null::double as distance_km, null::timestamp as delivered_at, null::timestamp as shipped_at where false",
    EVENTS: "select null::varchar as order_id, null::varchar as event_type, null::varchar as actor_kind, "
            "null::timestamp as occurred_at, null::timestamp as recorded_at where false",
    FEATURES: "select null::varchar as order_id, null::double as weather_destination_severity where false",
    CUSTOMERS: "select null::varchar as customer_id, null::varchar as postal_code where false",
    REGIONS: "select null::varchar as region_code, null::varchar as name, "
             "null::varchar as local_name, null::double as latitude, null::double as longitude where false",
    INVENTORY: "select null::varchar as warehouse_id, null::varchar as product_id, null::date as stock_date, "
               "null::boolean as is_stocked_out where false",
}  # fmt: skip

QUERY = """
with due as (
    select *, coalesce(promised_at <= $as_of, false) as is_due from fct_orders
),
parcel as (
    select order_id, max_by(carrier, delivered_at) as carrier, max_by(service_level, delivered_at) as service,
        max_by(distance_km, delivered_at) as distance_km, max(shipped_at) as shipped_at
    from fct_shipments where delivered_at is not null group by order_id
),
record as (
    select order_id,
        max(epoch(recorded_at) - epoch(occurred_at)) filter (event_type = 'delivered') / 3600 as lag_hours,
        bool_or(event_type = 'reallocated' and actor_kind = 'person') as is_overridden,
        bool_or(event_type = 'held') as is_held,
        max(occurred_at) filter (event_type = 'delivered') as happened_at
    from fct_order_events group by order_id
),
weather as (
    select orders.region_code, cast(orders.ordered_at as date) as day,
        max(features.weather_destination_severity) as severity
    from feat_order_delivery as features join fct_orders as orders using (order_id) group by all
),
ahead as (
    select region_code, day, coalesce(avg(severity) over (
        partition by region_code order by day range between interval 1 day following and interval 3 days following
    ), 0) as severity_next
    from weather
)
select
    o.order_id, o.ordered_at, cast(o.ordered_at as date) as day, strftime(o.ordered_at, '%G-W%V') as week,
    o.region_code, o.value_tier, o.channel, o.segment,
    case when o.is_due then (epoch(o.delivered_at) - epoch(o.ordered_at)) / 3600 end as actual_hours,
    (epoch(o.promised_at) - epoch(o.ordered_at)) / 3600 as promise_hours,
    r.lag_hours, o.region_code || ' ' || left(c.postal_code, 4) as area,
    strftime(o.ordered_at, '%Y-%m-%d') as date,
    case when o.is_due then cast(o.is_late as integer) end as late,
    case when o.is_due then cast(not o.is_late as integer) end as on_time,
    case when o.is_due and not o.is_cancelled then cast(o.is_late is null as integer) end as outcome_unknown,
    (epoch(o.promised_at) - epoch(o.ordered_at)) / 86400 as promised_days,
    cast(o.shipping_cost_amount as double) as shipping_cost,
    case when o.count_shipments > 0 then cast(o.count_shipments > 1 as integer) end as split,
    cast(o.is_cancelled as integer) as cancelled,
    case when o.is_touched_by_person is not null then cast(coalesce(r.is_held, false) as integer) end
        as sent_to_a_person,
    1 - cast(o.is_touched_by_person as integer) as automated,
    case when o.is_touched_by_person is not null then cast(coalesce(r.is_overridden, false) as integer) end
        as overridden,
    coalesce(
        p.distance_km,
        median(p.distance_km) over (partition by o.region_code, o.main_warehouse_id),
        median(p.distance_km) over (partition by o.region_code)
    ) as distance_km,
    min(p.distance_km) over (partition by o.region_code, left(c.postal_code, 4)) as nearest_km,
    p.service, p.carrier, coalesce(o.main_warehouse_id, 'unknown') as node,
    case when s.is_stocked_out then 'out' when s.is_stocked_out is false then 'in' else 'unknown' end as stock,
    coalesce(f.weather_destination_severity, 0) as weather, coalesce(a.severity_next, 0) as weather_next,
    cast(isodow(o.ordered_at) as varchar) as weekday, cast(hour(o.ordered_at) as integer) as hour,
    cast(least(o.count_shipments, 3) as varchar) as parcels
from due o
left join parcel p using (order_id)
left join record r using (order_id)
left join feat_order_delivery f using (order_id)
left join ahead a on a.region_code = o.region_code and a.day = cast(o.ordered_at as date)
left join dim_customers c using (customer_id)
left join fct_inventory_daily s on s.warehouse_id = o.planned_warehouse_id and s.product_id = o.main_product_id
    and s.stock_date = cast(o.ordered_at as date)
order by o.ordered_at, o.order_id
"""


@dataclass(frozen=True)
class OrderHistory:
    """What the layers are fed.

    Attributes:
        orders: One row an order: groups, hours, outcomes of decisions, factors; missing where not recorded.
        absent: Optional tables that the snapshot lacks.
        names: Region → its name in English and Chinese.
        positions: Region → (latitude, longitude).
    """

    orders: pd.DataFrame
    absent: tuple[str, ...]
    names: Mapping[str, Mapping[str, str]]
    positions: Mapping[str, tuple[float, float]]

    @property
    def factors(self) -> tuple[str, ...]:
        """Factors that vary inside some region; one that only tells the regions apart would explain any preference."""
        by_region = self.orders.groupby("region_code")
        return tuple(name for name in FACTORS if (by_region[name].nunique(dropna=False) > 1).any())


def read_order_history(snapshot: Snapshot) -> OrderHistory | None:
    """Every order with what happened to it; None where the snapshot holds no orders."""
    if ORDERS not in snapshot.tables:
        return None
    with snapshot.connect() as connection:
        absent = tuple(table for table in EMPTY if table not in snapshot.tables)
        for table in absent:
            connection.execute(f"create view {table} as {EMPTY[table]}")
        [(newest,)] = connection.execute(f"select max(ordered_at) from {ORDERS}").fetchall()
        as_of = pd.Timestamp(str(snapshot.notes.get("as_of") or newest)).tz_localize(None)
        orders = connection.execute(QUERY, {"as_of": as_of}).df()
        orders = orders.assign(**{name: common_names(orders[name]) for name in NAMING})
        regions = connection.execute(
            f"select region_code, name, local_name, latitude, longitude from {REGIONS}"
        ).fetchall()
    return OrderHistory(
        orders=orders,
        absent=absent,
        names={code: {"en": name, "zh": local or name} for code, name, local, *_ in regions if name},
        positions={code: (lat, lon) for code, _, _, lat, lon in regions if lat is not None and lon is not None},
    )


def common_names(column: pd.Series) -> pd.Series:
    """The commonest 40 values as they are, the others as one, null as it is."""
    kept = column.value_counts().index[:NAMES_KEPT]
    return column.where(column.isin(kept) | column.isna(), OTHER)
