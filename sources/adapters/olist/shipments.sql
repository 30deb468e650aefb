with weights as (
    select
        product_id,
        max(try_cast(product_weight_g as double)) / 1000 as weight_kg
    from products
    group by 1
),

parcels as (
    select
        i.order_id,
        i.seller_id,
        sum(w.weight_kg) as weight_kg,
        sum(try_cast(i.freight_value as decimal(18, 2))) as cost_amount,
        min_by(i._source_file, i._source_row) as _source_file,
        min(i._source_row) as _source_row
    from items as i
    left join weights as w on i.product_id = w.product_id
    group by 1, 2
)

select
    'olist' as source_system,
    p.order_id || '/' || p.seller_id as shipment_code,
    'olist' as order_source_system,
    p.order_id as order_code,
    p.seller_id as warehouse_code,
    case
        when o.order_status in ('shipped', 'delivered') then o.order_status
        when o.order_status in ('canceled', 'unavailable') then 'cancelled'
        else 'created'
    end as status,
    -- The purchase, not the approval: 27 orders reached their buyer before the approval was noted.
    o.order_purchase_timestamp as created_at,
    o.order_delivered_carrier_date as shipped_at,
    o.order_estimated_delivery_date as promised_at,
    o.order_delivered_customer_date as delivered_at,
    p.weight_kg,
    p.cost_amount,
    getvariable('currency') as currency,
    p._source_file,
    p._source_row
from parcels as p
left join orders as o on p.order_id = o.order_id
