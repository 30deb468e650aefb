{{ config(materialized='ephemeral') }}

-- Worst severity that was known at the full hour before an order, of what was on or announced for the next 72 hours.
with signals as (
    select
        signals.kind,
        signals.region_code,
        nodes.warehouse_id,
        signals.product_category,
        signals.severity,
        signals.observed_at,
        signals.started_at,
        signals.ended_at
    from {{ ref('stg_signals') }} as signals
    left join {{ ref('xref_warehouses') }} as nodes
        on signals.source_system = nodes.source_system and signals.warehouse_code = nodes.warehouse_code
),

places as (
    select
        kind,
        case kind
            when 'weather' then region_code
            when 'outage' then warehouse_id
            when 'market' then product_category
        end as place,
        severity,
        observed_at,
        started_at,
        ended_at
    from signals
),

orders as (
    select
        orders.*,
        products.category,
        date_trunc('hour', orders.ordered_at) as hour_at
    from {{ ref('fct_orders') }} as orders
    left join {{ ref('dim_products') }} as products on orders.main_product_id = products.product_id
    where {{ in_day_range('orders.order_date') }}
),

asked as (
    select
        'weather' as kind,
        region_code as place,
        hour_at
    from orders
    union
    select
        'weather' as kind,
        origin_region_code as place,
        hour_at
    from orders
    where origin_region_code is not null
    union
    select
        'outage' as kind,
        planned_warehouse_id as place,
        hour_at
    from orders
    where planned_warehouse_id is not null
    union
    select
        'market' as kind,
        category as place,
        hour_at
    from orders
    where category is not null
)

select
    asked.kind,
    asked.place,
    asked.hour_at,
    max(places.severity) as severity
from asked
inner join places
    on
        asked.kind = places.kind
        and asked.place = places.place
        and asked.hour_at >= places.observed_at
        and asked.hour_at + interval 72 hour >= places.started_at
        and (places.ended_at is null or asked.hour_at < places.ended_at)
group by asked.kind, asked.place, asked.hour_at
