{{ config(event_time='order_date', meta={'replaces': 'orders'}) }}

{%- set in_range -%}
(order_source_system, order_code) in (
    select source_system, order_code from {{ ref('int_orders_resolved') }} where {{ in_day_range('order_date') }}
)
or {{ time_in_day_range('created_at') }}
{%- endset %}

with orders as (
    select * from {{ ref('int_orders_resolved') }}
),

parcels as (
    {{ staged_shipments(of_landed_orders(in_range, 'order_source_system')) | indent(4) }}
),

placed as (
    select
        parcels.*,
        {{ record_id('s', 'parcels.source_system', 'parcels.shipment_code') }} as shipment_id,
        {{ record_id('o', 'parcels.order_source_system', 'parcels.order_code') }} as order_id,
        orders.order_id is not null as has_order,
        -- A parcel of an order that never landed is kept under its own day.
        coalesce(orders.order_date, cast(parcels.created_at as date)) as order_date,
        coalesce(orders.ordered_at, parcels.created_at) as ordered_at,
        orders.customer_id,
        coalesce(orders.region_code, 'unknown') as region_code,
        orders.ship_to_latitude,
        orders.ship_to_longitude,
        orders.cancelled_at as order_cancelled_at,
        coalesce(parcels.promised_at, orders.promised_at) as parcel_promised_at,
        {{ golden_id('nodes.warehouse_id', 'parcels.source_system', 'parcels.warehouse_code') }} as warehouse_id,
        parcels.shipped_at is not null
        or parcels.delivered_at is not null
        or coalesce(parcels.status in ('shipped', 'delivered', 'returned', 'lost'), false) as has_left
    from parcels
    left join orders
        on parcels.order_source_system = orders.source_system and parcels.order_code = orders.order_code
    left join {{ ref('xref_warehouses') }} as nodes
        on parcels.source_system = nodes.source_system and parcels.warehouse_code = nodes.warehouse_code
)

select
    placed.shipment_id,
    placed.order_id,
    placed.source_system,
    placed.shipment_code,
    placed.has_order,
    placed.order_date,
    placed.warehouse_id,
    placed.warehouse_code,
    nodes.region_code as origin_region_code,
    placed.region_code,
    placed.customer_id,
    placed.carrier,
    placed.service_level,
    placed.status,
    placed.created_at,
    placed.shipped_at,
    placed.parcel_promised_at as promised_at,
    placed.delivered_at,
    placed.has_left,
    placed.order_cancelled_at,
    placed.delivered_at > placed.parcel_promised_at as is_late,
    nullif(placed.region_code, 'unknown') <> nodes.region_code as is_cross_region,
    {{ distance_km(
        'nodes.latitude', 'nodes.longitude', 'placed.ship_to_latitude', 'placed.ship_to_longitude'
    ) | indent(4) }} as distance_km,
    placed.weight_kg,
    placed.cost_amount,
    placed.currency,
    {{ hours_between('placed.ordered_at', 'placed.delivered_at') }} as lead_time_hours,
    case
        when placed.shipped_at >= placed.ordered_at
            then {{ hours_between('placed.ordered_at', 'placed.shipped_at') }}
    end as handling_hours
from placed
left join {{ ref('dim_warehouses') }} as nodes on placed.warehouse_id = nodes.warehouse_id
where {{ of_orders_built('placed.order_date', 'placed.order_id') }}
