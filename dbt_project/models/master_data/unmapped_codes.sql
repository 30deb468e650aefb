{{ config(tags=['after_facts']) }}

with unmapped as (
    select
        'customer' as entity,
        customer_id as unmapped_id,
        order_id
    from {{ ref('fct_orders') }}
    where customer_id like 'unmapped:%'
    union all
    select
        'product' as entity,
        product_id as unmapped_id,
        order_id
    from {{ ref('fct_order_lines') }}
    where product_id like 'unmapped:%'
    union all
    select
        'warehouse' as entity,
        warehouse_id as unmapped_id,
        order_id
    from {{ ref('fct_shipments') }}
    where warehouse_id like 'unmapped:%'
    union all
    select
        'warehouse' as entity,
        planned_warehouse_id as unmapped_id,
        order_id
    from {{ ref('fct_orders') }}
    where planned_warehouse_id like 'unmapped:%'
    union all
    select
        'warehouse' as entity,
        warehouse_id as unmapped_id,
        cast(null as varchar) as order_id
    from {{ ref('fct_inventory_daily') }}
    where warehouse_id like 'unmapped:%'
    union all
    select
        'product' as entity,
        product_id as unmapped_id,
        cast(null as varchar) as order_id
    from {{ ref('fct_inventory_daily') }}
    where product_id like 'unmapped:%'
)

select
    entity,
    split_part(unmapped_id, ':', 2) as source_system,
    -- The code may itself hold colons.
    substr(unmapped_id, length('unmapped:') + length(split_part(unmapped_id, ':', 2)) + 2) as code,
    cast(count(distinct order_id) as integer) as count_orders
from unmapped
group by 1, 2, 3
