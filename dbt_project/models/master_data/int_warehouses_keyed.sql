{{ config(materialized='view') }}

with warehouses as (
    select * from {{ ref('stg_warehouses') }}
),

first_landings as (
    select
        source_system,
        warehouse_code,
        min(_landed_at) as first_landed_at
    from {{ source('landing', 'warehouses') }}
    group by source_system, warehouse_code
),

normalised as (
    select
        warehouses.source_system,
        warehouses.warehouse_code as code,
        first_landings.first_landed_at,
        {{ folded('warehouses.name') }} as name,
        {{ folded('warehouses.address_line') }} as address,
        {{ folded('warehouses.postal_code') }} as postal_code,
        coalesce(warehouses.region_code, '?') as region_code,
        warehouses.latitude,
        warehouses.longitude,
        -- A marketplace seller's position is that of a post code, which strangers share.
        coalesce(warehouses.kind, '?') <> 'seller' as is_own_place
    from warehouses
    left join first_landings using (source_system, warehouse_code)
),

keys as (
    select
        source_system,
        code,
        coalesce(address || chr(31) || postal_code, code) as local_identity,
        first_landed_at,
        'name' as key_kind,
        name || chr(31) || region_code as key_value
    from normalised
    where name is not null
    union all
    select
        source_system,
        code,
        coalesce(address || chr(31) || postal_code, code) as local_identity,
        first_landed_at,
        'address' as key_kind,
        address || chr(31) || postal_code as key_value
    from normalised
    where address is not null and postal_code is not null
    union all
    -- Three decimals are about 100 metres.
    select
        source_system,
        code,
        coalesce(address || chr(31) || postal_code, code) as local_identity,
        first_landed_at,
        'position' as key_kind,
        cast(round(latitude, 3) as varchar) || chr(31) || cast(round(longitude, 3) as varchar) as key_value
    from normalised
    where latitude is not null and longitude is not null and is_own_place
    union all
    select
        source_system,
        code,
        coalesce(address || chr(31) || postal_code, code) as local_identity,
        first_landed_at,
        'postal_code' as key_kind,
        postal_code || chr(31) || region_code as key_value
    from normalised
    where postal_code is not null and is_own_place
),

keyless as (
    select
        normalised.source_system,
        normalised.code,
        normalised.code as local_identity,
        normalised.first_landed_at,
        cast(null as varchar) as key_kind,
        cast(null as varchar) as key_value
    from normalised
    anti join keys using (source_system, code)
)

select * from keys
union all
select * from keyless
