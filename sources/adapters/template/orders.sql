select
    'shop' as source_system,
    clean(order_no) as order_code,
    'web' as channel,
    clean(customer_no) as customer_code,
    to_utc(placed, getvariable('time_zone')) as ordered_at,
    to_utc(promised, getvariable('time_zone')) as promised_at,
    'DE-' || clean(land) as ship_to_region_code,
    case state
        when 'new' then 'created'
        when 'paid' then 'approved'
        when 'sent' then 'shipped'
        when 'done' then 'delivered'
        when 'void' then 'cancelled'
        else state
    end as status,
    decimal_comma(total) as total_amount,
    getvariable('currency') as currency,
    _source_file,
    _source_row
from shop_orders
