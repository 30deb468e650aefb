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
        case when length({{ digits('products.gtin') }}) between 8 and 14 then lpad({{ digits('products.gtin') }}, 14, '0') end
            as gtin,
        {{ folded('products.brand') }} as brand,
        {{ folded('products.model_code') }} as model_code,
        coalesce(products.pack_size, 1) as pack_size
    from products
    left join first_landings using (source_system, product_code)
),

checked as (
    select
        *,
        -- GS1 General Specifications 7.9: weights 3 and 1 from the right; the sum with the check digit is a multiple of 10.
        gtin <> '00000000000000' and (
            {%- for position in range(1, 15) %}
            {{ '3 * ' if position % 2 else '' }}cast(substr(gtin, {{ position }}, 1) as integer){{ ' +' if not loop.last }}
            {%- endfor %}
        ) % 10 = 0 as is_gtin_valid
    from normalised
),

keys as (
    select
        source_system,
        code,
        code as local_identity,
        first_landed_at,
        'gtin' as key_kind,
        gtin as key_value
    from checked
    where is_gtin_valid
    union all
    select
        source_system,
        code,
        code as local_identity,
        first_landed_at,
        'model_code' as key_kind,
        brand || chr(31) || model_code || chr(31) || cast(pack_size as varchar) as key_value
    from checked
    where brand is not null and model_code is not null
),

keyless as (
    select
        source_system,
        code,
        code as local_identity,
        first_landed_at,
        cast(null as varchar) as key_kind,
        cast(null as varchar) as key_value
    from checked
    anti join keys using (source_system, code)
)

select * from keys
union all
select * from keyless
