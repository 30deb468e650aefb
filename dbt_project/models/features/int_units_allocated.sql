{{ config(materialized='ephemeral', event_time='stock_date') }}

-- Demand as a node meets it: the units of a line are gone from what is available once the parcel is planned.
with lines as (
    {{ staged_shipment_lines(in_days_up_to_range('cast(created_at as date)', 57, 'stock_date')) | indent(4) }}
)

select
    parcels.warehouse_id,
    {{ golden_id('products.product_id', 'lines.source_system', 'lines.product_code') }} as product_id,
    lines.created_at as allocated_at,
    cast(lines.created_at as date) as allocated_date,
    cast(lines.quantity as bigint) as units
from lines
inner join {{ ref('fct_shipments') }} as parcels
    on lines.source_system = parcels.source_system and lines.shipment_code = parcels.shipment_code
left join {{ ref('xref_products') }} as products
    on lines.source_system = products.source_system and lines.product_code = products.product_code
where
    lines.created_at is not null
    and {{ in_days_up_to_range('cast(lines.created_at as date)', 57, 'stock_date') | indent(4) }}
