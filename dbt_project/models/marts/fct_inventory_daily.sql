{{ config(event_time='stock_date') }}

{%- set is_built = of_rows_built('observed_at') %}
{%- if builds_changes() %}
    {%- set is_built = in_day_range('cast(observed_at as date)', 'stock_date') %}
{%- endif %}

with snapshots as (
    {{ staged_inventory_snapshots(is_built) | indent(4) }}
),

last_of_day as (
    select
        *,
        cast(observed_at as date) as stock_date
    from snapshots
    where {{ is_built | indent(4) }}
    qualify row_number() over (
        partition by source_system, warehouse_code, product_code, cast(observed_at as date) order by observed_at desc
    ) = 1
),

-- Codes of one system that are one product at one node add up.
by_system as (
    select
        {{ golden_id('nodes.warehouse_id', 'last_of_day.source_system', 'last_of_day.warehouse_code') }}
            as warehouse_id,
        {{ golden_id('products.product_id', 'last_of_day.source_system', 'last_of_day.product_code') }}
            as product_id,
        last_of_day.stock_date,
        last_of_day.source_system,
        max(last_of_day.observed_at) as observed_at,
        sum(last_of_day.on_hand_quantity) as on_hand_quantity,
        sum(coalesce(last_of_day.reserved_quantity, 0)) as reserved_quantity
    from last_of_day
    left join {{ ref('xref_warehouses') }} as nodes
        on
            last_of_day.source_system = nodes.source_system
            and last_of_day.warehouse_code = nodes.warehouse_code
    left join {{ ref('xref_products') }} as products
        on
            last_of_day.source_system = products.source_system
            and last_of_day.product_code = products.product_code
    group by 1, 2, 3, 4
),

-- Two systems that count the same shelf do not add up: the later count is believed.
latest as (
    select *
    from by_system
    qualify row_number() over (
        partition by warehouse_id, product_id, stock_date order by observed_at desc, source_system asc
    ) = 1
)

select
    warehouse_id,
    product_id,
    stock_date,
    source_system,
    observed_at,
    cast(on_hand_quantity as bigint) as on_hand_quantity,
    cast(reserved_quantity as bigint) as reserved_quantity,
    cast(on_hand_quantity - reserved_quantity as bigint) as available_quantity,
    on_hand_quantity - reserved_quantity <= 0 as is_stocked_out
from latest
