-- Every version of a landed record counts: an order from which a parcel was taken away is touched as well.
with parcels as (
    select
        source_system,
        shipment_code
    from {{ source('landing', 'shipments') }}
    where {{ is_new() }}
    union
    select
        source_system,
        shipment_code
    from {{ source('landing', 'shipment_lines') }}
    where {{ is_new() }}
),

relinked_parcels as (
    select
        source_system,
        shipment_code
    from {{ source('landing', 'shipments') }}
    where {{ names_relinked('warehouse', 'warehouse_code') }}
    union
    select
        source_system,
        shipment_code
    from {{ source('landing', 'shipment_lines') }}
    where {{ names_relinked('product', 'product_code') }}
),

events as (
    {{ versions_of_new('order_events') | indent(4) }}
),

reviews as (
    {{ versions_of_new('reviews') | indent(4) }}
),

news as (
    select
        source_system,
        order_code
    from {{ source('landing', 'orders') }}
    where {{ is_new() }}
    union
    select
        source_system,
        order_code
    from {{ source('landing', 'order_lines') }}
    where {{ is_new() }}
    union
    select
        landed.order_source_system as source_system,
        landed.order_code
    from {{ source('landing', 'shipments') }} as landed
    semi join parcels using (source_system, shipment_code)
    union
    select
        order_source_system as source_system,
        order_code
    from events
    union
    select
        order_source_system as source_system,
        order_code
    from reviews
),

relinked as (
    select
        source_system,
        order_code
    from {{ source('landing', 'orders') }}
    where {{ names_relinked('customer', 'customer_code') }} or {{ names_relinked('warehouse', 'home_warehouse_code') }}
    union
    select
        source_system,
        order_code
    from {{ source('landing', 'order_lines') }}
    where {{ names_relinked('product', 'product_code') }}
    union
    select
        landed.order_source_system as source_system,
        landed.order_code
    from {{ source('landing', 'shipments') }} as landed
    semi join relinked_parcels using (source_system, shipment_code)
),

codes as (
    select * from news
    union
    select * from relinked
),

days as (
    select
        source_system,
        order_code,
        cast(ordered_at as date) as order_date
    from {{ source('landing', 'orders') }}
    union
    select
        source_system,
        order_code,
        cast(ordered_at as date) as order_date
    from {{ source('landing', 'order_lines') }}
    union
    select
        order_source_system as source_system,
        order_code,
        cast(created_at as date) as order_date
    from {{ source('landing', 'shipments') }}
)

select distinct
    {{ record_id('o', 'codes.source_system', 'codes.order_code') }} as order_id,
    codes.source_system,
    codes.order_code,
    days.order_date,
    news.order_code is not null as has_news
from codes
left join news using (source_system, order_code)
left join days using (source_system, order_code)
where codes.order_code is not null
