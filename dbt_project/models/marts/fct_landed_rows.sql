{{ config(event_time='landed_day', unique_key=['table_name', 'source_file', 'batch'], meta={'replaces': 'keys'}) }}

-- Every table of the contract that has a day; master data stands in `landed_records`.
with landed as (
    {{ rows_landed('orders', 'ordered_at') | indent(4) }}
    union all
    {{ rows_landed('order_lines', 'ordered_at') | indent(4) }}
    union all
    {{ rows_landed('shipments', 'created_at') | indent(4) }}
    union all
    {{ rows_landed('shipment_lines', 'created_at') | indent(4) }}
    union all
    {{ rows_landed('order_events', 'occurred_at') | indent(4) }}
    union all
    {{ rows_landed('inventory_snapshots', 'observed_at') | indent(4) }}
    union all
    {{ rows_landed('inbound_deliveries', 'created_at') | indent(4) }}
    union all
    {{ rows_landed('returns', 'requested_at') | indent(4) }}
    union all
    {{ rows_landed('reviews', 'created_at') | indent(4) }}
    union all
    {{ rows_landed('signals', 'observed_at') | indent(4) }}
),

orders as (
    {{ staged_orders(of_files_built('orders', 'ordered_at')) | indent(4) }}
),

order_lines as (
    {{ staged_order_lines(of_files_built('order_lines', 'ordered_at')) | indent(4) }}
),

shipments as (
    {{ staged_shipments(of_files_built('shipments', 'created_at')) | indent(4) }}
),

shipment_lines as (
    {{ staged_shipment_lines(of_files_built('shipment_lines', 'created_at')) | indent(4) }}
),

order_events as (
    {{ staged_order_events(of_files_built('order_events', 'occurred_at')) | indent(4) }}
),

inventory_snapshots as (
    {{ staged_inventory_snapshots(of_files_built('inventory_snapshots', 'observed_at')) | indent(4) }}
),

inbound_deliveries as (
    {{ staged_inbound_deliveries(of_files_built('inbound_deliveries', 'created_at')) | indent(4) }}
),

returns as (
    {{ staged_returns(of_files_built('returns', 'requested_at')) | indent(4) }}
),

reviews as (
    {{ staged_reviews(of_files_built('reviews', 'created_at')) | indent(4) }}
),

signals as (
    {{ staged_signals(of_files_built('signals', 'observed_at')) | indent(4) }}
),

newest as (
    select
        'orders' as table_name,
        cast(orders.ordered_at as date) as landed_day,
        orders._source_file as source_file,
        orders._batch as batch,
        fct.order_id is not null as is_in_mart
    from orders
    left join {{ ref('fct_orders') }} as fct
        on
            orders.source_system = fct.source_system
            and orders.order_code = fct.order_code
            and {{ 'true' if builds_changes() else in_day_range('fct.order_date') }}
    where {{ of_files_built('orders', 'ordered_at', 'orders') }}
    union all
    select
        'order_lines' as table_name,
        cast(order_lines.ordered_at as date) as landed_day,
        order_lines._source_file as source_file,
        order_lines._batch as batch,
        fct.order_id is not null as is_in_mart
    from order_lines
    left join {{ ref('fct_order_lines') }} as fct
        on
            order_lines.source_system = fct.source_system
            and order_lines.order_code = fct.order_code
            and order_lines.line_number = fct.line_number
    where {{ of_files_built('order_lines', 'ordered_at', 'order_lines') }}
    union all
    select
        'shipments' as table_name,
        cast(shipments.created_at as date) as landed_day,
        shipments._source_file as source_file,
        shipments._batch as batch,
        fct.shipment_id is not null as is_in_mart
    from shipments
    left join {{ ref('fct_shipments') }} as fct
        on
            shipments.source_system = fct.source_system
            and shipments.shipment_code = fct.shipment_code
    where {{ of_files_built('shipments', 'created_at', 'shipments') }}
    union all
    select
        'shipment_lines' as table_name,
        cast(shipment_lines.created_at as date) as landed_day,
        shipment_lines._source_file as source_file,
        shipment_lines._batch as batch,
        fct.shipment_id is not null as is_in_mart
    from shipment_lines
    left join {{ ref('fct_shipments') }} as fct
        on
            shipment_lines.source_system = fct.source_system
            and shipment_lines.shipment_code = fct.shipment_code
    where {{ of_files_built('shipment_lines', 'created_at', 'shipment_lines') }}
    union all
    select
        'order_events' as table_name,
        cast(order_events.occurred_at as date) as landed_day,
        order_events._source_file as source_file,
        order_events._batch as batch,
        fct.event_id is not null as is_in_mart
    from order_events
    left join {{ ref('fct_order_events') }} as fct
        on
            {{ record_id('e', 'order_events.source_system', 'order_events.event_code') }} = fct.event_id
            and {{ 'true' if builds_changes() else in_day_range('fct.event_date') }}
    where {{ of_files_built('order_events', 'occurred_at', 'order_events') }}
    union all
    select
        'inventory_snapshots' as table_name,
        cast(stock.observed_at as date) as landed_day,
        stock._source_file as source_file,
        stock._batch as batch,
        fct.stock_date is not null as is_in_mart
    from inventory_snapshots as stock
    left join {{ ref('xref_warehouses') }} as nodes
        on
            stock.source_system = nodes.source_system
            and stock.warehouse_code = nodes.warehouse_code
    left join {{ ref('xref_products') }} as products
        on
            stock.source_system = products.source_system
            and stock.product_code = products.product_code
    left join {{ ref('fct_inventory_daily') }} as fct
        on
            cast(stock.observed_at as date) = fct.stock_date
            and {{ golden_id('nodes.warehouse_id', 'stock.source_system', 'stock.warehouse_code') }}
            = fct.warehouse_id
            and {{ golden_id('products.product_id', 'stock.source_system', 'stock.product_code') }}
            = fct.product_id
            and {{ 'true' if builds_changes() else in_day_range('fct.stock_date') }}
    where {{ of_files_built('inventory_snapshots', 'observed_at', 'stock') }}
    union all
    select
        'inbound_deliveries' as table_name,
        cast(inbound_deliveries.created_at as date) as landed_day,
        inbound_deliveries._source_file as source_file,
        inbound_deliveries._batch as batch,
        true as is_in_mart
    from inbound_deliveries
    where {{ of_files_built('inbound_deliveries', 'created_at', 'inbound_deliveries') }}
    union all
    select
        'returns' as table_name,
        cast(returns.requested_at as date) as landed_day,
        returns._source_file as source_file,
        returns._batch as batch,
        fct.order_id is not null as is_in_mart
    from returns
    left join {{ ref('fct_orders') }} as fct
        on
            returns.order_source_system = fct.source_system
            and returns.order_code = fct.order_code
    where {{ of_files_built('returns', 'requested_at', 'returns') }}
    union all
    select
        'reviews' as table_name,
        cast(reviews.created_at as date) as landed_day,
        reviews._source_file as source_file,
        reviews._batch as batch,
        fct.order_id is not null as is_in_mart
    from reviews
    left join {{ ref('fct_orders') }} as fct
        on
            reviews.order_source_system = fct.source_system
            and reviews.order_code = fct.order_code
    where {{ of_files_built('reviews', 'created_at', 'reviews') }}
    union all
    select
        'signals' as table_name,
        cast(signals.observed_at as date) as landed_day,
        signals._source_file as source_file,
        signals._batch as batch,
        true as is_in_mart
    from signals
    where {{ of_files_built('signals', 'observed_at', 'signals') }}
),

fates as (
    {{ counted_rows() | indent(4) }}
)

select * from fates
