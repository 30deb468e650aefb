with positions as (
    select
        geolocation_zip_code_prefix as prefix,
        median(try_cast(geolocation_lat as double)) as latitude,
        median(try_cast(geolocation_lng as double)) as longitude
    from geolocation
    where
        try_cast(geolocation_lat as double) between -34 and 6
        and try_cast(geolocation_lng as double) between -74 and -32
    group by 1
),

amounts as (
    select
        order_id,
        sum(try_cast(price as decimal(18, 2))) as goods_amount,
        sum(try_cast(freight_value as decimal(18, 2))) as shipping_amount
    from items
    group by 1
),

paid as (
    select
        order_id,
        sum(try_cast(payment_value as decimal(18, 2))) as total_amount
    from payments
    group by 1
),

buyers as (
    select
        customer_id,
        any_value(customer_city) as city,
        any_value(customer_zip_code_prefix) as postal_code,
        any_value(customer_state) as state
    from customers
    group by 1
)

select
    'olist' as source_system,
    o.order_id as order_code,
    'marketplace' as channel,
    o.customer_id as customer_code,
    o.order_purchase_timestamp as ordered_at,
    o.order_estimated_delivery_date as promised_at,
    'BR-' || b.state as ship_to_region_code,
    fold(b.city) as ship_to_city,
    b.postal_code as ship_to_postal_code,
    p.latitude as ship_to_latitude,
    p.longitude as ship_to_longitude,
    case o.order_status when 'canceled' then 'cancelled' else o.order_status end as status,
    o.order_approved_at as approved_at,
    a.goods_amount,
    a.shipping_amount,
    d.total_amount,
    getvariable('currency') as currency,
    o._source_file,
    o._source_row
from orders as o
left join buyers as b on o.customer_id = b.customer_id
left join positions as p on b.postal_code = p.prefix
left join amounts as a on o.order_id = a.order_id
left join paid as d on o.order_id = d.order_id
