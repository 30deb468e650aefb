{{ config(materialized='view') }}

with products as (
    select * from {{ ref('stg_products') }}
),

first_landings as (
    select
        source_system,
        product_code,
        min(_landed_at) as first_landed_at
    from {{ source('landing', 'products') }}
    group by source_system, product_code
),

normalised as (
    select
        products.source_system,
        products.product_code as code,
        first_landings.first_landed_at,
        {{ digits('products.gtin') }} as gtin_digits,
        {{ folded('products.brand') }} as brand,
        {{ folded('products.model_code') }} as model_code,
        coalesce(products.pack_size, 1) as pack_size
    from products
    left join first_landings using (source_system, product_code)
),

padded as (
    select
        *,
        case when length(gtin_digits) between 8 and 14 then lpad(gtin_digits, 14, '0') end as gtin
    from normalised
),

checked as (
    select
        *,
        gtin <> '00000000000000' and {{ has_gs1_check_digit('gtin', 14) }} as is_gtin_valid
    from padded
),

keys as (
    select
        source_system,
        code,
        first_landed_at,
        'gtin' as key_kind,
        gtin as key_value
    from checked
    where is_gtin_valid
    union all
    select
        source_system,
        code,
        first_landed_at,
        'model_code' as key_kind,
        brand || chr(31) || model_code || chr(31) || cast(pack_size as varchar) as key_value
    from checked
    where brand is not null and model_code is not null
),

keyless as (
    select
        checked.source_system,
        checked.code,
        checked.first_landed_at,
        cast(null as varchar) as key_kind,
        cast(null as varchar) as key_value
    from checked
    anti join keys using (source_system, code)
)

select * from keys
union all
select * from keyless
