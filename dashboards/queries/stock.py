"""SQL of the stock-outs that are foreseen: the newest round of alerts, each with the forecasts of every horizon."""

from dashboards.queries.base import Query

_CHOSEN = "where $node = '' or a.warehouse_id = $node"

#: What the list adds up to; `as_of` is null where nothing is listed.
ROUND = Query(
    "stock.round", ("stockout_alerts",),
    f"""
    select
        count(*) as n, max(as_of) as as_of, max(model_version) as model_version, max(horizon_hours) as horizon_hours,
        count(*) filter (action = 'transfer') as count_transfers, count(*) filter (notify_customers) as count_notices,
        sum(expected_lost_units) as lost_units, sum(lost_units_with_transfer) as lost_units_with_transfer
    from stockout_alerts a {_CHOSEN}
    """,
)  # fmt: skip

#: Nodes with an alert.
NODES = Query(
    "stock.nodes", ("stockout_alerts", "dim_warehouses"),
    """
    select distinct warehouse_id, coalesce(w.name, warehouse_id) as name
    from stockout_alerts left join dim_warehouses w using (warehouse_id)
    order by name, warehouse_id
    """,
)  # fmt: skip

#: The most urgent is what may run out first: by the shortest horizon, then the next, then what it costs.
LIST = Query(
    "stock.list", ("stockout_alerts", "stockout_predictions", "dim_warehouses", "dim_products"),
    f"""
    with forecasts as (
        select
            warehouse_id, product_id, as_of, model_version,
            max(stockout_probability) filter (horizon_hours = 24) as within_24,
            max(stockout_probability) filter (horizon_hours = 48) as within_48,
            max(stockout_probability) filter (horizon_hours = 72) as within_72
        from stockout_predictions group by all
    )
    select
        a.warehouse_id, a.product_id, coalesce(w.name, a.warehouse_id) as node,
        coalesce(p.name, a.product_id) as product, f.within_24, f.within_48, f.within_72,
        a.on_hand_units, a.available_units, a.waiting_units, a.expected_units, a.inbound_units, a.inbound_units_due,
        a.inbound_next_due_hours, a.action, coalesce(g.name, a.transfer_from) as giver, a.transfer_units,
        a.arrival_probability, a.expected_lost_units, a.expected_lost_amount, a.lost_units_with_transfer,
        a.lost_amount_with_transfer, a.currency, a.notify_customers
    from stockout_alerts a
    left join forecasts f using (warehouse_id, product_id, as_of, model_version)
    left join dim_warehouses w on w.warehouse_id = a.warehouse_id
    left join dim_warehouses g on g.warehouse_id = a.transfer_from
    left join dim_products p on p.product_id = a.product_id
    {_CHOSEN}
    order by
        f.within_24 desc nulls last, f.within_48 desc nulls last, a.expected_lost_units desc, a.warehouse_id,
        a.product_id
    limit $size offset $start
    """,
)  # fmt: skip
