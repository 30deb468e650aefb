{{ config(materialized='view', tags=['before_matching']) }}

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
)

select
    warehouses.source_system,
    warehouses.warehouse_code as code,
    first_landings.first_landed_at,
    warehouses.kind,
    warehouses.name,
    warehouses.address_line,
    warehouses.city,
    warehouses.postal_code,
    warehouses.region_code,
    warehouses.latitude,
    warehouses.longitude
from warehouses
left join first_landings using (source_system, warehouse_code)
