{{ config(materialized='ephemeral', event_time='stock_date') }}

-- From its order until its first parcel is planned, it is cancelled, or 14 days have passed, a line waits at the node
-- that its order is planned for.
with first_parcels as (
    select
        order_id,
        min(created_at) as allocated_at
    from {{ ref('fct_shipments') }}
    where {{ in_days_up_to_range('order_date', 15, 'stock_date') }}
    group by order_id
)

select
    orders.planned_warehouse_id as warehouse_id,
    lines.product_id,
    orders.ordered_at as waits_from,
    least(first_parcels.allocated_at, orders.cancelled_at, orders.ordered_at + interval 14 day) as waits_until,
    cast(lines.quantity as bigint) as units
from {{ ref('fct_order_lines') }} as lines
inner join {{ ref('fct_orders') }} as orders on lines.order_id = orders.order_id
left join first_parcels on orders.order_id = first_parcels.order_id
where orders.planned_warehouse_id is not null and {{ in_days_up_to_range('orders.order_date', 15, 'stock_date') }}
