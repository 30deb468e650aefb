-- Master data has no day: every build counts all of it. Tables with a day stand in `fct_landed_rows`.
with landed as (
    {{ rows_landed('customers') | indent(4) }}
    union all
    {{ rows_landed('products') | indent(4) }}
    union all
    {{ rows_landed('warehouses') | indent(4) }}
    union all
    {{ rows_landed('regions') | indent(4) }}
    union all
    {{ rows_landed('carrier_rates') | indent(4) }}
),

newest as (
    select
        'customers' as table_name,
        cast(null as date) as landed_day,
        customers._source_file as source_file,
        customers._batch as batch,
        known.customer_code is not null as is_in_mart
    from {{ ref('stg_customers') }} as customers
    left join {{ ref('xref_customers') }} as known
        on customers.source_system = known.source_system and customers.customer_code = known.customer_code
    union all
    select
        'products' as table_name,
        cast(null as date) as landed_day,
        products._source_file as source_file,
        products._batch as batch,
        known.product_code is not null as is_in_mart
    from {{ ref('stg_products') }} as products
    left join {{ ref('xref_products') }} as known
        on products.source_system = known.source_system and products.product_code = known.product_code
    union all
    select
        'warehouses' as table_name,
        cast(null as date) as landed_day,
        warehouses._source_file as source_file,
        warehouses._batch as batch,
        known.warehouse_code is not null as is_in_mart
    from {{ ref('stg_warehouses') }} as warehouses
    left join {{ ref('xref_warehouses') }} as known
        on warehouses.source_system = known.source_system and warehouses.warehouse_code = known.warehouse_code
    union all
    select
        'regions' as table_name,
        cast(null as date) as landed_day,
        regions._source_file as source_file,
        regions._batch as batch,
        known.region_code is not null as is_in_mart
    from {{ ref('stg_regions') }} as regions
    left join {{ ref('dim_regions') }} as known on regions.region_code = known.region_code
    union all
    select
        'carrier_rates' as table_name,
        cast(null as date) as landed_day,
        carrier_rates._source_file as source_file,
        carrier_rates._batch as batch,
        true as is_in_mart
    from {{ ref('stg_carrier_rates') }} as carrier_rates
),

fates as (
    {{ counted_rows() | indent(4) }}
)

select * exclude (landed_day) from fates
