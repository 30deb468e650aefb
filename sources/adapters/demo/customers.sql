select
    'shop' as source_system,
    account_no as customer_code,
    null as person_code,
    name as full_name,
    email,
    mobile as phone,
    address as address_line,
    city,
    zip as postal_code,
    coalesce(r.region_code, province) as region_code,
    null as latitude,
    null as longitude,
    case segment when 'private' then 'b2c' when 'company' then 'b2b' else segment end as segment,
    level as value_tier,
    to_utc(registered, getvariable('time_zone')) as created_at,
    to_utc(changed, getvariable('time_zone')) as updated_at,
    a._source_file,
    a._source_row
from shop_accounts as a
left join (select local_name, region_code from regions) as r on a.province = r.local_name

union all by name

select
    'social' as source_system,
    buyer_id as customer_code,
    nick as full_name,
    phone,
    json_extract_string(address, '$.line') as address_line,
    json_extract_string(address, '$.city') as city,
    json_extract_string(address, '$.post') as postal_code,
    coalesce(r.region_code, json_extract_string(address, '$.province')) as region_code,
    'b2c' as segment,
    iso_time_from_epoch(cast(try_cast(first_seen as double) / 1000 as varchar)) as created_at,
    b._source_file,
    b._source_row
from social_buyers as b
left join (select name as region_name, region_code from regions) as r
    on json_extract_string(b.address, '$.province') = r.region_name

union all by name

select
    'pos' as source_system,
    会员号 as customer_code,
    积分卡 as person_code,
    姓名 as full_name,
    手机 as phone,
    城市 as city,
    coalesce(r.region_code, 省份) as region_code,
    'b2c' as segment,
    to_utc(iso_time(登记时间, '%Y/%m/%d %H:%M:%S'), getvariable('time_zone')) as created_at,
    m._source_file,
    m._source_row
from pos_members as m
left join (select local_name, region_code from regions) as r on m.省份 = r.local_name

union all by name

select
    'crm' as source_system,
    contact_id as customer_code,
    loyalty_no as person_code,
    full_name,
    email,
    phone,
    street as address_line,
    city,
    post_code as postal_code,
    region as region_code,
    lat as latitude,
    lon as longitude,
    lower(kind) as segment,
    lower(tier) as value_tier,
    to_utc(created, getvariable('time_zone')) as created_at,
    to_utc(modified, getvariable('time_zone')) as updated_at,
    _source_file,
    _source_row
from crm_contacts

union all by name

select
    'erp' as source_system,
    partner as customer_code,
    name1 as full_name,
    email,
    tel as phone,
    street as address_line,
    ort as city,
    plz as postal_code,
    getvariable('country') || '-' || region as region_code,
    'b2b' as segment,
    to_utc(iso_time(angelegt, '%d.%m.%Y %H:%M:%S'), getvariable('time_zone')) as created_at,
    _source_file,
    _source_row
from erp_partners
