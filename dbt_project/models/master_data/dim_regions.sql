with reference as (
    select * from {{ ref('stg_regions') }}
),

-- Codes are read from landing as they came: a code that only a superseded record held does no harm here.
used as (
    select distinct ship_to_region_code as region_code from {{ source('landing', 'orders') }}
    union
    select distinct region_code from {{ source('landing', 'customers') }}
    union
    select distinct region_code from {{ source('landing', 'warehouses') }}
    union
    select 'unknown' as region_code
),

unreferenced as (
    select nullif(trim(region_code), '') as region_code
    from used
    where nullif(trim(region_code), '') is not null
)

select
    region_code,
    name,
    local_name,
    parent_region_code,
    country_code,
    latitude,
    longitude,
    true as is_reference
from reference
union all
select distinct
    region_code,
    case when region_code = 'unknown' then 'Unknown' else region_code end as name,
    cast(null as varchar) as local_name,
    cast(null as varchar) as parent_region_code,
    cast(null as varchar) as country_code,
    cast(null as double) as latitude,
    cast(null as double) as longitude,
    false as is_reference
from unreferenced
anti join reference using (region_code)
