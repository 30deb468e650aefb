{{ config(event_time='created_date', unique_key=['inbound_line_id'], meta={'replaces': 'keys'}) }}

{%- set rows_built = [
    of_rows_built('created_at'), names_relinked('product', 'product_code'),
    names_relinked('warehouse', 'warehouse_code'), names_relinked('warehouse', 'origin_warehouse_code')
] | join(' or ') %}

with inbound as (
    {{ staged_inbound_deliveries(rows_built) | indent(4) }}
)

select
    {{ record_id('i', 'inbound.source_system', 'inbound.inbound_code') }} || ':' || inbound.line_number
        as inbound_line_id,
    cast(inbound.created_at as date) as created_date,
    inbound.kind,
    {{ golden_id('nodes.warehouse_id', 'inbound.source_system', 'inbound.warehouse_code') }} as warehouse_id,
    case
        when inbound.origin_warehouse_code is not null
            then {{ golden_id('origins.warehouse_id', 'inbound.source_system', 'inbound.origin_warehouse_code') }}
    end as origin_warehouse_id,
    {{ golden_id('products.product_id', 'inbound.source_system', 'inbound.product_code') }} as product_id,
    inbound.quantity,
    inbound.created_at,
    inbound.expected_at,
    inbound.received_at,
    inbound.received_quantity
from inbound
left join {{ ref('xref_warehouses') }} as nodes
    on inbound.source_system = nodes.source_system and inbound.warehouse_code = nodes.warehouse_code
left join {{ ref('xref_warehouses') }} as origins
    on inbound.source_system = origins.source_system and inbound.origin_warehouse_code = origins.warehouse_code
left join {{ ref('xref_products') }} as products
    on inbound.source_system = products.source_system and inbound.product_code = products.product_code
where {{ 'true' if builds_changes() else time_in_day_range('inbound.created_at') }}
