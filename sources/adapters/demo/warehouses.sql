select
    'erp' as source_system,
    werk as warehouse_code,
    name1 as name,
    case typ when 'L' then 'dc' when 'F' then 'store' else typ end as kind,
    stras as address_line,
    ort as city,
    plz as postal_code,
    getvariable('country') || '-' || region as region_code,
    decimal_comma(breite) as latitude,
    decimal_comma(laenge) as longitude,
    null as daily_capacity_orders,
    null as cutoff_hour,
    getvariable('time_zone') as time_zone,
    _source_file,
    _source_row
from erp_plants

union all by name

select
    'wms' as source_system,
    location as warehouse_code,
    name,
    kind,
    address as address_line,
    city,
    post_code as postal_code,
    region as region_code,
    lat as latitude,
    lon as longitude,
    parcels_per_day as daily_capacity_orders,
    cutoff_hour,
    tz as time_zone,
    _source_file,
    _source_row
from wms_locations

union all by name

select
    'shop' as source_system,
    node as warehouse_code,
    f.name,
    city,
    zip as postal_code,
    coalesce(r.region_code, province) as region_code,
    lat as latitude,
    lon as longitude,
    f._source_file,
    f._source_row
from shop_fulfilment as f
left join (select local_name, region_code from regions) as r on f.province = r.local_name

union all by name

select
    'pos' as source_system,
    仓店号 as warehouse_code,
    名称 as name,
    城市 as city,
    邮编 as postal_code,
    coalesce(r.region_code, 省份) as region_code,
    s._source_file,
    s._source_row
from pos_stores as s
left join (select local_name, region_code from regions) as r on s.省份 = r.local_name
