{{ config(tags=['after_facts']) }}

with used as (
    select
        'customer' as entity,
        customer_id as unmapped_id,
        order_id,
        1 as count_uses
    from {{ ref('fct_orders') }}
    where customer_id like 'unmapped:%'
    union all
    select
        'product' as entity,
        product_id as unmapped_id,
        order_id,
        1 as count_uses
    from {{ ref('fct_order_lines') }}
    where product_id like 'unmapped:%'
    union all
    select
        'warehouse' as entity,
        warehouse_id as unmapped_id,
        order_id,
        1 as count_uses
    from {{ ref('fct_shipments') }}
    where warehouse_id like 'unmapped:%' and order_id is not null
    union all
    select
        'warehouse' as entity,
        planned_warehouse_id as unmapped_id,
        order_id,
        1 as count_uses
    from {{ ref('fct_orders') }}
    where planned_warehouse_id like 'unmapped:%'
)

select
    entity,
    {{ unmapped_system('unmapped_id') }} as source_system,
    {{ unmapped_code('unmapped_id') }} as code,
    order_id,
    cast(sum(count_uses) as integer) as count_uses
from used
group by 1, 2, 3, 4
