{{ config(tags=['after_facts']) }}

with feature_rows as (
    select
        order_id,
        count(*) as count_feature_rows
    from {{ ref('feat_order_delivery') }}
    group by order_id
),

found as (
    select
        entity,
        source_system,
        code,
        order_id,
        count_uses
    from {{ ref('unmapped_uses') }}
    union all
    select
        'warehouse' as entity,
        {{ unmapped_system('warehouse_id') }} as source_system,
        {{ unmapped_code('warehouse_id') }} as code,
        cast(null as varchar) as order_id,
        1 as count_uses
    from {{ ref('fct_inventory_daily') }}
    where warehouse_id like 'unmapped:%'
    union all
    select
        'product' as entity,
        {{ unmapped_system('product_id') }} as source_system,
        {{ unmapped_code('product_id') }} as code,
        cast(null as varchar) as order_id,
        1 as count_uses
    from {{ ref('fct_inventory_daily') }}
    where product_id like 'unmapped:%'
)

select
    found.entity,
    found.source_system,
    found.code,
    cast(count(distinct found.order_id) as integer) as count_orders,
    cast(count(*) filter (where found.order_id is null) as integer) as count_stock_rows,
    cast(coalesce(sum(found.count_uses) filter (where found.order_id is not null), 0) as integer) as count_uses,
    cast(coalesce(sum(feature_rows.count_feature_rows), 0) as integer) as count_feature_rows
from found
left join feature_rows using (order_id)
group by found.entity, found.source_system, found.code
