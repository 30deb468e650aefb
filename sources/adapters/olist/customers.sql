with positions as (
    select
        geolocation_zip_code_prefix as prefix,
        median(try_cast(geolocation_lat as double)) as latitude,
        median(try_cast(geolocation_lng as double)) as longitude
    from geolocation
    where
        try_cast(geolocation_lat as double) between -34 and 6
        and try_cast(geolocation_lng as double) between -74 and -32
    group by 1
)

select
    'olist' as source_system,
    c.customer_id as customer_code,
    c.customer_unique_id as person_code,
    fold(c.customer_city) as city,
    c.customer_zip_code_prefix as postal_code,
    'BR-' || c.customer_state as region_code,
    p.latitude,
    p.longitude,
    c._source_file,
    c._source_row
from customers as c
left join positions as p on c.customer_zip_code_prefix = p.prefix
