{{ config(materialized='ephemeral') }}

-- Where an order's products lay at the count of the day before, less what earlier orders of the day ask of the planned
-- node. Distances are those that any node knows: to the middle of the address's region.
with lines as (
    select
        lines.order_id,
        lines.product_id,
        sum(lines.quantity) as quantity
    from {{ ref('fct_order_lines') }} as lines
    where {{ in_day_range('lines.order_date') }} and lines.product_id is not null
    group by lines.order_id, lines.product_id
),

asked as (
    select
        orders.order_id,
        orders.order_date,
        orders.region_code,
        orders.planned_warehouse_id,
        lines.product_id,
        lines.quantity,
        count(*) over (partition by orders.order_id) as count_products,
        coalesce(sum(lines.quantity) over (
            partition by orders.planned_warehouse_id, lines.product_id, orders.order_date
            order by orders.ordered_at, orders.order_id rows between unbounded preceding and 1 preceding
        ), 0) as asked_before
    from {{ ref('fct_orders') }} as orders
    inner join lines on orders.order_id = lines.order_id
    where {{ in_day_range('orders.order_date') }}
),

counted as (
    select
        warehouse_id,
        product_id,
        available_quantity,
        cast(stock_date + interval 1 day as date) as day
    from {{ ref('fct_inventory_daily') }}
    where {{ in_days_up_to_range('stock_date', 1) }}
),

cells as (
    select
        asked.order_id,
        asked.region_code,
        asked.count_products,
        counted.warehouse_id,
        counted.warehouse_id = asked.planned_warehouse_id as is_planned,
        counted.available_quantity - asked.quantity
        - case when counted.warehouse_id = asked.planned_warehouse_id then asked.asked_before else 0 end as spare_units
    from asked
    inner join counted on asked.product_id = counted.product_id and asked.order_date = counted.day
),

nodes as (
    select
        order_id,
        region_code,
        count_products,
        warehouse_id,
        is_planned,
        cast(count(*) filter (where spare_units >= 0) as double) / count_products as fill_share,
        min(spare_units) as spare_units
    from cells
    group by order_id, region_code, count_products, warehouse_id, is_planned
),

placed as (
    select
        nodes.*,
        {{ distance_km(
            'warehouses.latitude', 'warehouses.longitude', 'places.latitude', 'places.longitude'
        ) | indent(8) }} as distance_km
    from nodes
    left join {{ ref('dim_warehouses') }} as warehouses on nodes.warehouse_id = warehouses.warehouse_id
    left join {{ ref('dim_regions') }} as places on nodes.region_code = places.region_code
)

select
    order_id,
    max(fill_share) filter (where is_planned) as planned_fill_share,
    cast(min(spare_units) filter (where is_planned) as double) as planned_spare_units,
    max(fill_share) as best_fill_share,
    cast(count(*) filter (where fill_share = 1) as integer) as count_serving_nodes,
    min(distance_km) filter (where fill_share = 1) as serving_distance_km,
    cast(min_by(spare_units, (distance_km, warehouse_id)) filter (
        where fill_share = 1 and distance_km is not null
    ) as double) as serving_spare_units
from placed
group by order_id
