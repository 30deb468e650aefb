with positions as (
    select
        geolocation_zip_code_prefix as prefix,
        median(try_cast(geolocation_lat as double)) as latitude,
        median(try_cast(geolocation_lng as double)) as longitude,
        mode(fold(geolocation_city)) as city
    from geolocation
    where
        try_cast(geolocation_lat as double) between -34 and 6
        and try_cast(geolocation_lng as double) between -74 and -32
    group by 1
),

named as (
    select
        *,
        -- Some sellers add the state ('maua/sao paulo', 'sp / sp'), and some wrote no city at all.
        clean(regexp_extract(fold(seller_city), '^[^/\\,(]+')) as stated_city
    from sellers
)

select
    'olist' as source_system,
    s.seller_id as warehouse_code,
    'seller' as kind,
    case
        when regexp_matches(s.stated_city, '[0-9@]') or length(s.stated_city) <= 2 then p.city
        else s.stated_city
    end as city,
    s.seller_zip_code_prefix as postal_code,
    'BR-' || s.seller_state as region_code,
    p.latitude,
    p.longitude,
    getvariable('time_zone') as time_zone,
    s._source_file,
    s._source_row
from named as s
left join positions as p on s.seller_zip_code_prefix = p.prefix
