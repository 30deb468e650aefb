{{ config(event_time='order_date', meta={'replaces': 'orders'}) }}

{%- set of_orders_in_range -%}
(order_source_system, order_code) in (
    select source_system, order_code from {{ source('landing', 'orders') }} where {{ time_in_day_range('ordered_at') }}
)
{%- endset %}
{%- set is_built = of_landed_orders(time_in_day_range('ordered_at')) -%}

with staged as (
    {{ staged_orders(is_built) | indent(4) }}
),

orders as (
    select
        *,
        cast(ordered_at as date) as order_date,
        coalesce(nullif(trim(ship_to_region_code), ''), 'unknown') as region_code
    from staged
    where {{ is_built | indent(4) }}
),

parcels as (
    {{ staged_shipments(of_landed_orders(of_orders_in_range, 'order_source_system')) | indent(4) }}
),

nodes as (
    select * from {{ ref('dim_warehouses') }}
),

-- On a marketplace the buyer chooses the node with the product: its parcel is as old as the order.
chosen as (
    select
        orders.source_system,
        orders.order_code,
        min_by(parcels.source_system, parcels.shipment_code) as node_system,
        min_by(parcels.warehouse_code, parcels.shipment_code) as warehouse_code
    from orders
    inner join parcels
        on orders.source_system = parcels.order_source_system and orders.order_code = parcels.order_code
    where orders.home_warehouse_code is null and parcels.created_at <= orders.ordered_at
    group by orders.source_system, orders.order_code
),

placed as (
    select
        orders.*,
        case when orders.home_warehouse_code is null then chosen.node_system else orders.source_system end
            as node_system,
        coalesce(orders.home_warehouse_code, chosen.warehouse_code) as node_code
    from orders
    left join chosen on orders.source_system = chosen.source_system and orders.order_code = chosen.order_code
),

homeless as (
    select distinct
        ship_to_latitude,
        ship_to_longitude,
        order_date
    from placed
    where node_code is null and ship_to_latitude is not null and ship_to_longitude is not null
),

distances as (
    select
        homeless.*,
        nodes.warehouse_id,
        {{ distance_km('nodes.latitude', 'nodes.longitude', 'ship_to_latitude', 'ship_to_longitude') | indent(8) }}
            as distance_km
    from homeless
    inner join nodes
        on
            nodes.kind in ('dc', 'store')
            and nodes.latitude is not null
            and nodes.longitude is not null
            and coalesce(nodes.opened_date, homeless.order_date) <= homeless.order_date
            and coalesce(nodes.closed_date, homeless.order_date) >= homeless.order_date
),

nearest as (
    select
        ship_to_latitude,
        ship_to_longitude,
        order_date,
        min_by(warehouse_id, (distance_km, warehouse_id)) as warehouse_id
    from distances
    group by ship_to_latitude, ship_to_longitude, order_date
),

planned as (
    select
        placed.*,
        {{ golden_id('customers.customer_id', 'placed.source_system', 'placed.customer_code') }} as customer_id,
        coalesce(
            {{ golden_id('known.warehouse_id', 'placed.node_system', 'placed.node_code') }},
            case when placed.node_code is null then nearest.warehouse_id end
        ) as planned_warehouse_id
    from placed
    left join {{ ref('xref_customers') }} as customers
        on placed.source_system = customers.source_system and placed.customer_code = customers.customer_code
    left join {{ ref('xref_warehouses') }} as known
        on placed.node_system = known.source_system and placed.node_code = known.warehouse_code
    -- Equalities alone: with a condition on one side beside them, DuckDB compares every order with every place.
    left join nearest
        on
            placed.ship_to_latitude = nearest.ship_to_latitude
            and placed.ship_to_longitude = nearest.ship_to_longitude
            and placed.order_date = nearest.order_date
)

select
    {{ record_id('o', 'planned.source_system', 'planned.order_code') }} as order_id,
    planned.source_system,
    planned.order_code,
    planned.order_date,
    planned.ordered_at,
    planned.promised_at,
    planned.approved_at,
    planned.cancelled_at,
    planned.status in ('cancelled', 'unavailable') or planned.cancelled_at is not null as is_cancelled,
    planned.channel,
    planned.customer_code,
    planned.customer_id,
    planned.region_code,
    planned.ship_to_latitude,
    planned.ship_to_longitude,
    coalesce(customers.segment, 'unknown') as segment,
    coalesce(customers.value_tier, 'unknown') as value_tier,
    coalesce(planned.priority, 'standard') as priority,
    planned.status,
    planned.planned_warehouse_id,
    nodes.region_code as origin_region_code,
    {{ distance_km(
        'nodes.latitude', 'nodes.longitude', 'planned.ship_to_latitude', 'planned.ship_to_longitude'
    ) | indent(4) }} as planned_distance_km,
    planned.goods_amount,
    planned.shipping_amount,
    planned.tax_amount,
    planned.discount_amount,
    planned.total_amount,
    planned.currency
from planned
left join {{ ref('dim_customers') }} as customers on planned.customer_id = customers.customer_id
left join nodes on planned.planned_warehouse_id = nodes.warehouse_id
