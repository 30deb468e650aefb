with placed as (
    select
        order_id,
        min(order_purchase_timestamp) as ordered_at
    from orders
    group by 1
)

select
    'olist' as source_system,
    i.order_id || '/' || i.seller_id as shipment_code,
    i.order_item_id as line_number,
    i.order_item_id as order_line_number,
    o.ordered_at as created_at,
    i.product_id as product_code,
    1 as quantity,
    i._source_file,
    i._source_row
from items as i
left join placed as o on i.order_id = o.order_id
