select
    'shop' as source_system,
    clean(order_no) || '/created' as event_code,
    'shop' as order_source_system,
    clean(order_no) as order_code,
    'created' as event_type,
    to_utc(placed, getvariable('time_zone')) as occurred_at,
    'system' as actor_kind,
    _source_file,
    _source_row
from shop_orders
where placed is not null
