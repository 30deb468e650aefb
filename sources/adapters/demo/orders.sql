with by_name as (
    select name as region_name, local_name, region_code from regions
),

receipts as (
    select
        小票号 as receipt,
        min_by(会员号, _source_row) as member,
        min_by(时间, _source_row) as placed,
        min_by(承诺送达, _source_row) as promised,
        min_by(付款, _source_row) as paid,
        min_by(取消, _source_row) as voided,
        min_by(状态, _source_row) as state,
        min_by(优先级, _source_row) as priority,
        min_by(省份, _source_row) as province,
        min_by(城市, _source_row) as city,
        min_by(邮编, _source_row) as zip,
        min_by(默认仓, _source_row) as home_node,
        min_by(更新, _source_row) as changed,
        sum(try_cast(数量 as integer) * try_cast(单价 as decimal(18, 2))) as goods,
        sum(try_cast(折扣 as decimal(18, 2))) as rebate,
        min(try_cast(运费 as decimal(18, 2))) as freight,
        _source_file,
        min(_source_row) as _source_row
    from pos_sales
    group by 小票号, _source_file
)

select
    'shop' as source_system,
    order_no as order_code,
    sales_channel as channel,
    account_no as customer_code,
    to_utc(placed, getvariable('time_zone')) as ordered_at,
    to_utc(promised, getvariable('time_zone')) as promised_at,
    coalesce(r.region_code, province) as ship_to_region_code,
    city as ship_to_city,
    zip as ship_to_postal_code,
    lat as ship_to_latitude,
    lon as ship_to_longitude,
    priority,
    case state
        when 'PLACED' then 'created'
        when 'PAID' then 'approved'
        when 'IN_PROGRESS' then 'processing'
        when 'SENT' then 'shipped'
        when 'DONE' then 'delivered'
        when 'VOID' then 'cancelled'
        when 'SOLD_OUT' then 'unavailable'
        else state
    end as status,
    to_utc(paid, getvariable('time_zone')) as approved_at,
    to_utc(voided, getvariable('time_zone')) as cancelled_at,
    home_node as home_warehouse_code,
    goods as goods_amount,
    freight as shipping_amount,
    vat as tax_amount,
    rebate as discount_amount,
    total as total_amount,
    getvariable('currency') as currency,
    to_utc(changed, getvariable('time_zone')) as updated_at,
    o._source_file,
    o._source_row
from shop_orders as o
left join by_name as r on o.province = r.local_name

union all by name

select
    'social' as source_system,
    id as order_code,
    'social' as channel,
    buyer as customer_code,
    iso_time_from_epoch(cast(try_cast(ts as double) / 1000 as varchar)) as ordered_at,
    iso_time_from_epoch(cast(try_cast(promise_ts as double) / 1000 as varchar)) as promised_at,
    coalesce(r.region_code, json_extract_string(ship, '$.province')) as ship_to_region_code,
    json_extract_string(ship, '$.city') as ship_to_city,
    json_extract_string(ship, '$.post') as ship_to_postal_code,
    json_extract_string(ship, '$.lat') as ship_to_latitude,
    json_extract_string(ship, '$.lng') as ship_to_longitude,
    lower(speed) as priority,
    case status
        when '10' then 'created'
        when '20' then 'approved'
        when '30' then 'processing'
        when '40' then 'shipped'
        when '50' then 'delivered'
        when '90' then 'cancelled'
        when '91' then 'unavailable'
        else status
    end as status,
    iso_time_from_epoch(cast(try_cast(paid_ts as double) / 1000 as varchar)) as approved_at,
    iso_time_from_epoch(cast(try_cast(cancel_ts as double) / 1000 as varchar)) as cancelled_at,
    json_extract_string(money, '$.goods') as goods_amount,
    json_extract_string(money, '$.freight') as shipping_amount,
    json_extract_string(money, '$.tax') as tax_amount,
    json_extract_string(money, '$.off') as discount_amount,
    json_extract_string(money, '$.total') as total_amount,
    getvariable('currency') as currency,
    iso_time_from_epoch(cast(try_cast(upd_ts as double) / 1000 as varchar)) as updated_at,
    o._source_file,
    o._source_row
from social_orders as o
left join by_name as r on json_extract_string(o.ship, '$.province') = r.region_name

union all by name

select
    'pos' as source_system,
    receipt as order_code,
    'store' as channel,
    member as customer_code,
    to_utc(iso_time(placed, '%Y/%m/%d %H:%M:%S'), getvariable('time_zone')) as ordered_at,
    to_utc(iso_time(promised, '%Y/%m/%d %H:%M:%S'), getvariable('time_zone')) as promised_at,
    coalesce(r.region_code, province) as ship_to_region_code,
    city as ship_to_city,
    zip as ship_to_postal_code,
    priority,
    case state
        when '已下单' then 'created'
        when '已付款' then 'approved'
        when '处理中' then 'processing'
        when '配送中' then 'shipped'
        when '已完成' then 'delivered'
        when '已取消' then 'cancelled'
        when '缺货' then 'unavailable'
        else state
    end as status,
    to_utc(iso_time(paid, '%Y/%m/%d %H:%M:%S'), getvariable('time_zone')) as approved_at,
    to_utc(iso_time(voided, '%Y/%m/%d %H:%M:%S'), getvariable('time_zone')) as cancelled_at,
    home_node as home_warehouse_code,
    cast(goods as varchar) as goods_amount,
    cast(freight as varchar) as shipping_amount,
    '0' as tax_amount,
    cast(rebate as varchar) as discount_amount,
    cast(goods + freight - rebate as varchar) as total_amount,
    getvariable('currency') as currency,
    to_utc(iso_time(changed, '%Y/%m/%d %H:%M:%S'), getvariable('time_zone')) as updated_at,
    p._source_file,
    p._source_row
from receipts as p
left join by_name as r on p.province = r.local_name
