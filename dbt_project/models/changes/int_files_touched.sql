-- A newer record makes older ones superseded, whatever file they came in. An order that lands at last is what its
-- returns and reviews waited for, and a parcel what its lines did.
with new_parcels as (
    select
        source_system,
        shipment_code
    from {{ source('landing', 'shipments') }}
    where {{ is_new() }}
),

touched as (
    {{ files_of_new_rows() | indent(4) }}
    union
    select
        'returns' as table_name,
        _source_file as source_file,
        _batch as batch
    from {{ source('landing', 'returns') }}
    where {{ of_landed_orders('false', 'order_source_system') }}
    union
    select
        'reviews' as table_name,
        _source_file as source_file,
        _batch as batch
    from {{ source('landing', 'reviews') }}
    where {{ of_landed_orders('false', 'order_source_system') }}
    union
    select
        'shipment_lines' as table_name,
        lines._source_file as source_file,
        lines._batch as batch
    from {{ source('landing', 'shipment_lines') }} as lines
    semi join new_parcels using (source_system, shipment_code)
)

select * from touched
