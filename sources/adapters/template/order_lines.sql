with orders as (
    select
        clean(order_no) as order_no,
        to_utc(min(placed), getvariable('time_zone')) as placed
    from shop_orders
    group by 1
)

select
    'shop' as source_system,
    clean(l.order_no) as order_code,
    l.position as line_number,
    o.placed as ordered_at,
    clean(l.article) as product_code,
    l.pieces as quantity,
    decimal_comma(l.price) as unit_price_amount,
    try_cast(l.pieces as decimal(18, 3)) * try_cast(decimal_comma(l.price) as decimal(18, 2)) as line_amount,
    getvariable('currency') as currency,
    l._source_file,
    l._source_row
from shop_lines as l
left join orders as o on clean(l.order_no) = o.order_no
