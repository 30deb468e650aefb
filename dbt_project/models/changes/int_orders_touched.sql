-- Every version of a landed record counts: an order from which a parcel was taken away is touched as well.
with parcels as (
    select
        source_system,
        shipment_code,
        {{ is_new() }} as has_news
    from {{ source('landing', 'shipments') }}
    where {{ is_new() }} or {{ names_relinked('warehouse', 'warehouse_code') }}
    union
    select
        source_system,
        shipment_code,
        {{ is_new() }} as has_news
    from {{ source('landing', 'shipment_lines') }}
    where {{ is_new() }} or {{ names_relinked('product', 'product_code') }}
),

events as (
    {{ versions_of_new('order_events') | indent(4) }}
),

reviews as (
    {{ versions_of_new('reviews') | indent(4) }}
),

codes as (
    select
        source_system,
        order_code,
        {{ is_new() }} as has_news
    from {{ source('landing', 'orders') }}
    where
        {{ is_new() }}
        or {{ names_relinked('customer', 'customer_code') }}
        or {{ names_relinked('warehouse', 'home_warehouse_code') }}
    union
    select
        source_system,
        order_code,
        {{ is_new() }} as has_news
    from {{ source('landing', 'order_lines') }}
    where {{ is_new() }} or {{ names_relinked('product', 'product_code') }}
    union
    select
        landed.order_source_system as source_system,
        landed.order_code,
        parcels.has_news
    from {{ source('landing', 'shipments') }} as landed
    inner join parcels
        on landed.source_system = parcels.source_system and landed.shipment_code = parcels.shipment_code
    union
    select
        order_source_system as source_system,
        order_code,
        true as has_news
    from events
    union
    select
        order_source_system as source_system,
        order_code,
        true as has_news
    from reviews
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

select
    {{ record_id('o', 'codes.source_system', 'codes.order_code') }} as order_id,
    codes.source_system,
    codes.order_code,
    days.order_date,
    bool_or(codes.has_news) as has_news
from codes
left join days using (source_system, order_code)
where codes.order_code is not null
group by codes.source_system, codes.order_code, days.order_date
