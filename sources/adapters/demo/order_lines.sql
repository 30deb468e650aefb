select
    'shop' as source_system,
    order_no as order_code,
    position as line_number,
    to_utc(placed, getvariable('time_zone')) as ordered_at,
    sku as product_code,
    pieces as quantity,
    price as unit_price_amount,
    rebate as discount_amount,
    amount as line_amount,
    getvariable('currency') as currency,
    _source_file,
    _source_row
from shop_lines

union all by name

select
    'social' as source_system,
    id as order_code,
    json_extract_string(item, '$.no') as line_number,
    iso_time_from_epoch(cast(try_cast(ts as double) / 1000 as varchar)) as ordered_at,
    json_extract_string(item, '$.item') as product_code,
    json_extract_string(item, '$.qty') as quantity,
    cast(try_cast(json_extract_string(item, '$.fen') as bigint) / 100 as varchar) as unit_price_amount,
    cast(try_cast(json_extract_string(item, '$.off_fen') as bigint) / 100 as varchar) as discount_amount,
    cast(
        (try_cast(json_extract_string(item, '$.fen') as bigint) * try_cast(json_extract_string(item, '$.qty') as bigint)
            - try_cast(json_extract_string(item, '$.off_fen') as bigint)) / 100 as varchar
    ) as line_amount,
    getvariable('currency') as currency,
    _source_file,
    _source_row
from (
    select id, ts, unnest(cast(json_extract(items, '$[*]') as json [])) as item, _source_file, _source_row
    from social_orders
)

union all by name

select
    'pos' as source_system,
    小票号 as order_code,
    行号 as line_number,
    to_utc(iso_time(时间, '%Y/%m/%d %H:%M:%S'), getvariable('time_zone')) as ordered_at,
    货号 as product_code,
    数量 as quantity,
    单价 as unit_price_amount,
    折扣 as discount_amount,
    金额 as line_amount,
    getvariable('currency') as currency,
    _source_file,
    _source_row
from pos_sales
