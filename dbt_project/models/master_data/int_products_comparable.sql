{{ config(materialized='view', tags=['before_matching']) }}

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
)

select
    products.source_system,
    products.product_code as code,
    first_landings.first_landed_at,
    products.gtin,
    products.name as title,
    products.brand,
    products.model_code,
    products.list_price_amount as price,
    products.weight_kg as weight,
    products.pack_size
from products
left join first_landings using (source_system, product_code)
