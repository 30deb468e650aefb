-- Old days come from the marts as they stand, new ones from landing; asked before a build, the view gives both.
with orders as (
    select
        landed._batch,
        landed._landed_at,
        cast(landed.ordered_at as date) as new_day,
        resolved.order_date as old_day
    from {{ source('landing', 'orders') }} as landed
    left join {{ ref('int_orders_resolved') }} as resolved using (source_system, order_code)
),

order_lines as (
    select
        landed._batch,
        landed._landed_at,
        coalesce(resolved.order_date, cast(landed.ordered_at as date)) as new_day
    from {{ source('landing', 'order_lines') }} as landed
    left join {{ ref('int_orders_resolved') }} as resolved using (source_system, order_code)
),

shipments as (
    select
        landed._batch,
        landed._landed_at,
        coalesce(resolved.order_date, cast(landed.created_at as date)) as new_day,
        parcels.order_date as old_day
    from {{ source('landing', 'shipments') }} as landed
    left join {{ ref('int_orders_resolved') }} as resolved
        on landed.order_source_system = resolved.source_system and landed.order_code = resolved.order_code
    left join {{ ref('fct_shipments') }} as parcels
        on landed.source_system = parcels.source_system and landed.shipment_code = parcels.shipment_code
),

shipment_lines as (
    select
        landed._batch,
        landed._landed_at,
        coalesce(parcels.order_date, cast(landed.created_at as date)) as new_day
    from {{ source('landing', 'shipment_lines') }} as landed
    left join {{ ref('fct_shipments') }} as parcels using (source_system, shipment_code)
),

order_events as (
    select
        landed._batch,
        landed._landed_at,
        cast(landed.occurred_at as date) as new_day,
        events.event_date as old_day,
        resolved.order_date as order_day
    from {{ source('landing', 'order_events') }} as landed
    left join {{ ref('int_orders_resolved') }} as resolved
        on landed.order_source_system = resolved.source_system and landed.order_code = resolved.order_code
    left join {{ ref('fct_order_events') }} as events
        on {{ record_id('e', 'landed.source_system', 'landed.event_code') }} = events.event_id
),

reviews as (
    select
        landed._batch,
        landed._landed_at,
        resolved.order_date as new_day
    from {{ source('landing', 'reviews') }} as landed
    left join {{ ref('int_orders_resolved') }} as resolved
        on landed.order_source_system = resolved.source_system and landed.order_code = resolved.order_code
),

touched as (
    select
        _batch,
        _landed_at,
        'orders' as table_name,
        new_day as day
    from orders
    union all
    select
        _batch,
        _landed_at,
        'orders' as table_name,
        old_day as day
    from orders
    union all
    select
        _batch,
        _landed_at,
        'order_lines' as table_name,
        new_day as day
    from order_lines
    union all
    select
        _batch,
        _landed_at,
        'shipments' as table_name,
        new_day as day
    from shipments
    union all
    select
        _batch,
        _landed_at,
        'shipments' as table_name,
        old_day as day
    from shipments
    union all
    select
        _batch,
        _landed_at,
        'shipment_lines' as table_name,
        new_day as day
    from shipment_lines
    union all
    select
        _batch,
        _landed_at,
        'order_events' as table_name,
        new_day as day
    from order_events
    union all
    select
        _batch,
        _landed_at,
        'order_events' as table_name,
        old_day as day
    from order_events
    union all
    select
        _batch,
        _landed_at,
        'order_events' as table_name,
        order_day as day
    from order_events
    union all
    select
        _batch,
        _landed_at,
        'reviews' as table_name,
        new_day as day
    from reviews
    union all
    select
        _batch,
        _landed_at,
        'inventory_snapshots' as table_name,
        cast(observed_at as date) as day
    from {{ source('landing', 'inventory_snapshots') }}
    union all
    -- Orders of the next day are told what was counted.
    select
        _batch,
        _landed_at,
        'inventory_snapshots' as table_name,
        cast(observed_at + interval 1 day as date) as day
    from {{ source('landing', 'inventory_snapshots') }}
    union all
    select
        _batch,
        _landed_at,
        'inbound_deliveries' as table_name,
        cast(created_at as date) as day
    from {{ source('landing', 'inbound_deliveries') }}
)

select
    _batch as batch,
    table_name,
    day,
    max(_landed_at) as landed_at
from touched
where day is not null
group by _batch, table_name, day
