-- Which counts have features that a landing changes. Demand of a product is shared by all nodes that hold it; a receipt
-- concerns its own node, while it is on its way.
with parcels as (
    select
        source_system,
        shipment_code
    from {{ source('landing', 'shipments') }}
    where {{ of_landed_orders('false', 'order_source_system', where='has_news') }}
),

mentioned as (
    select
        source_system,
        product_code,
        cast(observed_at as date) as day
    from {{ source('landing', 'inventory_snapshots') }}
    where
        {{ is_new() }}
        or {{ names_relinked('product', 'product_code') }}
        or {{ names_relinked('warehouse', 'warehouse_code') }}
    union
    select
        lines.source_system,
        lines.product_code,
        cast(lines.created_at as date) as day
    from {{ source('landing', 'shipment_lines') }} as lines
    left join parcels on lines.source_system = parcels.source_system and lines.shipment_code = parcels.shipment_code
    where
        parcels.shipment_code is not null
        or {{ names_relinked('product', 'lines.product_code', 'lines.source_system') }}
    union
    select
        lines.source_system,
        lines.product_code,
        orders.order_date as day
    from {{ source('landing', 'order_lines') }} as lines
    inner join {{ ref('int_orders_touched') }} as orders
        on lines.source_system = orders.source_system and lines.order_code = orders.order_code
    where orders.has_news or {{ names_relinked('product', 'lines.product_code', 'lines.source_system') }}
),

products as (
    select
        {{ golden_id('products.product_id', 'mentioned.source_system', 'mentioned.product_code') }} as product_id,
        min(mentioned.day) as first_day
    from mentioned
    left join {{ ref('xref_products') }} as products
        on mentioned.source_system = products.source_system and mentioned.product_code = products.product_code
    group by 1
),

inbound as (
    {{ versions_of_new('inbound_deliveries') | indent(4) }}
),

receipts as (
    select
        {{ golden_id('nodes.warehouse_id', 'inbound.source_system', 'inbound.warehouse_code') }} as warehouse_id,
        {{ golden_id('products.product_id', 'inbound.source_system', 'inbound.product_code') }} as product_id,
        cast(inbound.created_at as date) as first_day,
        cast(coalesce(inbound.received_at, inbound.created_at + interval 90 day) as date) as last_day
    from inbound
    left join {{ ref('xref_warehouses') }} as nodes
        on inbound.source_system = nodes.source_system and inbound.warehouse_code = nodes.warehouse_code
    left join {{ ref('xref_products') }} as products
        on inbound.source_system = products.source_system and inbound.product_code = products.product_code
),

counts as (
    select
        warehouse_id,
        product_id,
        stock_date
    from {{ ref('fct_inventory_daily') }}
),

features as (
    select
        warehouse_id,
        product_id,
        stock_date
    from {{ as_built('feat_stock_daily', like='counts') }}
),

touched as (
    select counts.*
    from counts
    inner join products on counts.product_id = products.product_id and counts.stock_date >= products.first_day
    union
    select counts.*
    from counts
    inner join receipts
        on
            counts.warehouse_id = receipts.warehouse_id
            and counts.product_id = receipts.product_id
            and counts.stock_date between receipts.first_day and receipts.last_day
    union
    -- Features under an id that a code has lost: they are of fewer codes now, or of none.
    select features.*
    from features
    inner join {{ ref('int_codes_relinked') }} as codes
        on
            (codes.entity = 'product' and features.product_id = codes.former_id)
            or (codes.entity = 'warehouse' and features.warehouse_id = codes.former_id)
)

select touched.*
from touched
where
    touched.stock_date >= (select max(counts.stock_date) from counts) - interval {{ var('look_back_days') }} day
    or {{ in_day_range('touched.stock_date') }}
