"""SQL of one order: what it is, what happened to it, its parcels, lines and predictions; and finding it."""

from dashboards.queries.base import Query

_OPEN = "delivered_at is null and not is_cancelled and status not in ('delivered', 'unavailable')"

#: What an operator looks for → the condition. `$as_of` is the time that the snapshot speaks for.
STATES = {
    "open": _OPEN,
    "overdue": f"{_OPEN} and promised_at <= $as_of",
    "late": "is_late",
    "on_time": "is_late = false",
    "touched": "is_touched_by_person",
    "cancelled": "is_cancelled",
}

_CHOSEN = f"""
    from fct_orders
    where ($text = '' or starts_with(lower(order_code), lower($text)) or order_id = $text)
      and ($region = '' or region_code = $region)
      and case $state
          {" ".join(f"when '{name}' then {condition}" for name, condition in STATES.items())}
          else $as_of is not null
          end
"""

COUNT = Query("orders.count", ("fct_orders",), f"select count(*) as n {_CHOSEN}")

LIST = Query(
    "orders.list", ("fct_orders",),
    f"""
    select
        order_id, order_code, source_system, ordered_at, promised_at, status, region_code, is_late, delivered_at,
        is_cancelled, is_touched_by_person
    {_CHOSEN}
    order by lower(order_code) = lower($text) desc, ordered_at desc, order_id
    limit $size offset $start
    """,
)  # fmt: skip

ORDER = Query(
    "orders.order", ("fct_orders", "dim_regions"),
    """
    select
        o.order_id, o.source_system, o.order_code, o.ordered_at, o.promised_at, o.delivered_at, o.channel,
        o.customer_id,
        o.region_code, r.name as region_name, o.segment, o.value_tier, o.priority, o.status, o.is_cancelled,
        o.is_cross_region, o.is_late, o.goods_amount, o.shipping_amount, o.tax_amount, o.discount_amount,
        o.total_amount, o.stated_total_amount, o.currency, o.handling_hours, o.is_touched_by_person, o.review_score
    from fct_orders o left join dim_regions r using (region_code)
    where o.order_id = $order_id
    """,
)  # fmt: skip

EVENTS = Query(
    "orders.events", ("fct_order_events",),
    """
    select event_type, occurred_at, recorded_at, actor_kind, is_intervention, reason_code
    from fct_order_events where order_id = $order_id order by occurred_at, event_id
    """,
)  # fmt: skip

LINES = Query(
    "orders.lines", ("fct_order_lines", "dim_products"),
    """
    select
        l.line_number, l.product_id, p.name as product_name, p.category, l.quantity, l.shipped_quantity,
        l.cancelled_quantity, l.open_quantity, l.unit_price_amount, l.discount_amount, l.line_amount, l.currency
    from fct_order_lines l left join dim_products p using (product_id)
    where l.order_id = $order_id order by l.line_number
    """,
)  # fmt: skip

SHIPMENTS = Query(
    "orders.shipments", ("fct_shipments", "dim_warehouses"),
    """
    select
        s.shipment_id, s.warehouse_id, w.name as warehouse_name, w.region_code as warehouse_region, s.carrier,
        s.service_level, s.created_at, s.shipped_at, s.promised_at, s.delivered_at, s.is_late, s.is_cross_region,
        s.distance_km, s.weight_kg, s.cost_amount, s.currency, s.lead_time_hours
    from fct_shipments s left join dim_warehouses w using (warehouse_id)
    where s.order_id = $order_id order by s.created_at, s.shipment_id
    """,
)  # fmt: skip

PREDICTIONS = Query(
    "orders.predictions", ("predictions",),
    """
    select model_name, model_version, as_of, scored_at, late_probability, reasons
    from predictions where order_id = $order_id order by scored_at desc limit 20
    """,
)  # fmt: skip

LEAD_TIME = Query(
    "orders.lead_time", ("lead_time_predictions",),
    """
    select
        model_name, model_version, as_of, lower_hours, median_hours, upper_hours, service_level, suggested_promise_at,
        is_beyond_interval, promised_at < suggested_promise_at as is_promised_too_early
    from lead_time_predictions where order_id = $order_id
    """,
)  # fmt: skip

RANK = Query(
    "orders.rank", ("predictions",),
    """
    select count(*) as count_scored, count(*) filter (where late_probability < $probability) as count_below
    from predictions where model_version = $model_version and scored_at = $scored_at
    """,
)  # fmt: skip
