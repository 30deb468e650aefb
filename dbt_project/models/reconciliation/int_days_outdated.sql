-- Records linked, split or mapped since a day was built left golden ids in its facts that are no longer theirs.
with orders as (
    select
        'fct_orders' as table_name,
        orders.order_date as day
    from {{ ref('int_orders_resolved') }} as orders
    left join {{ ref('xref_customers') }} as customers using (source_system, customer_code)
    where
        orders.customer_id
        <> {{ golden_id('customers.customer_id', 'orders.source_system', 'orders.customer_code') }}
),

order_lines as (
    select
        'fct_order_lines' as table_name,
        lines.order_date as day
    from {{ ref('fct_order_lines') }} as lines
    left join {{ ref('xref_products') }} as products using (source_system, product_code)
    where lines.product_id <> {{ golden_id('products.product_id', 'lines.source_system', 'lines.product_code') }}
),

shipments as (
    select
        'fct_shipments' as table_name,
        parcels.order_date as day
    from {{ ref('fct_shipments') }} as parcels
    left join {{ ref('xref_warehouses') }} as nodes using (source_system, warehouse_code)
    where
        parcels.warehouse_id
        <> {{ golden_id('nodes.warehouse_id', 'parcels.source_system', 'parcels.warehouse_code') }}
),

inventory as (
    select
        'fct_inventory_daily' as table_name,
        stock.stock_date as day
    from {{ ref('fct_inventory_daily') }} as stock
    left join {{ ref('dim_products') }} as products on stock.product_id = products.product_id
    left join {{ ref('dim_warehouses') }} as nodes on stock.warehouse_id = nodes.warehouse_id
    where
        (products.product_id is null and stock.product_id not like 'unmapped:%')
        or (nodes.warehouse_id is null and stock.warehouse_id not like 'unmapped:%')
),

outdated as (
    select * from orders
    union all
    select * from order_lines
    union all
    select * from shipments
    union all
    select * from inventory
)

select
    table_name,
    day,
    count(*) as count_rows
from outdated
group by table_name, day
