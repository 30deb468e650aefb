{# Written from sources/contract by `python -m sources.dbt_sources`; change the contract, not this file. #}

{% macro newest_carrier_rates(only='true') -%}
select
    source_system,
    carrier,
    service_level,
    origin_region_code,
    destination_region_code,
    min_weight_kg,
    max_weight_kg,
    fixed_amount,
    per_kg_amount,
    currency,
    planned_days,
    valid_from,
    valid_to,
    _source_file,
    _source_row,
    _batch,
    _landed_at
from {{ source('landing', 'carrier_rates') }}
where {{ only }}
qualify row_number() over (
    partition by source_system, carrier, service_level, origin_region_code, destination_region_code, min_weight_kg
    order by _landed_at desc, _source_row desc, _batch desc, _source_file desc
) = 1
{%- endmacro %}


{% macro newest_customers(only='true') -%}
select
    source_system,
    customer_code,
    person_code,
    full_name,
    email,
    phone,
    address_line,
    city,
    postal_code,
    region_code,
    latitude,
    longitude,
    segment,
    value_tier,
    created_at,
    updated_at,
    _source_file,
    _source_row,
    _batch,
    _landed_at
from {{ source('landing', 'customers') }}
where {{ only }}
qualify row_number() over (
    partition by source_system, customer_code
    order by updated_at desc nulls last, _landed_at desc, _source_row desc, _batch desc, _source_file desc
) = 1
{%- endmacro %}


{% macro newest_inbound_deliveries(only='true') -%}
select
    source_system,
    inbound_code,
    line_number,
    kind,
    warehouse_code,
    origin_warehouse_code,
    product_code,
    quantity,
    created_at,
    expected_at,
    received_at,
    received_quantity,
    _source_file,
    _source_row,
    _batch,
    _landed_at
from {{ source('landing', 'inbound_deliveries') }}
where {{ only }}
qualify row_number() over (
    partition by source_system, inbound_code, line_number
    order by _landed_at desc, _source_row desc, _batch desc, _source_file desc
) = 1
{%- endmacro %}

{% macro staged_inbound_deliveries(only) -%}
{%- set staging = ref('stg_inbound_deliveries') -%}
{%- if is_partial() -%}
{%- set landed = source('landing', 'inbound_deliveries') -%}
{{ newest_inbound_deliveries('(source_system, inbound_code, line_number) in (select source_system, inbound_code, line_number from ' ~ landed ~ ' where ' ~ only ~ ')') }}
{%- else -%}
select * from {{ staging }}
{%- endif -%}
{%- endmacro %}


{% macro newest_inventory_snapshots(only='true') -%}
select
    source_system,
    warehouse_code,
    product_code,
    observed_at,
    on_hand_quantity,
    reserved_quantity,
    _source_file,
    _source_row,
    _batch,
    _landed_at
from {{ source('landing', 'inventory_snapshots') }}
where {{ only }}
qualify row_number() over (
    partition by source_system, warehouse_code, product_code, observed_at
    order by _landed_at desc, _source_row desc, _batch desc, _source_file desc
) = 1
{%- endmacro %}

{% macro staged_inventory_snapshots(only) -%}
{%- set staging = ref('stg_inventory_snapshots') -%}
{%- if is_partial() -%}
{%- set landed = source('landing', 'inventory_snapshots') -%}
{{ newest_inventory_snapshots('(source_system, warehouse_code, product_code, observed_at) in (select source_system, warehouse_code, product_code, observed_at from ' ~ landed ~ ' where ' ~ only ~ ')') }}
{%- else -%}
select * from {{ staging }}
{%- endif -%}
{%- endmacro %}


{% macro newest_order_events(only='true') -%}
select
    source_system,
    event_code,
    order_source_system,
    order_code,
    event_type,
    occurred_at,
    recorded_at,
    actor_kind,
    actor_code,
    reason_code,
    _source_file,
    _source_row,
    _batch,
    _landed_at
from {{ source('landing', 'order_events') }}
where {{ only }}
qualify row_number() over (
    partition by source_system, event_code
    order by _landed_at desc, _source_row desc, _batch desc, _source_file desc
) = 1
{%- endmacro %}

{% macro staged_order_events(only) -%}
{%- set staging = ref('stg_order_events') -%}
{%- if is_partial() -%}
{%- set landed = source('landing', 'order_events') -%}
{{ newest_order_events('(source_system, event_code) in (select source_system, event_code from ' ~ landed ~ ' where ' ~ only ~ ')') }}
{%- else -%}
select * from {{ staging }}
{%- endif -%}
{%- endmacro %}


{% macro newest_order_lines(only='true') -%}
select
    source_system,
    order_code,
    line_number,
    ordered_at,
    product_code,
    quantity,
    unit_price_amount,
    discount_amount,
    shipping_amount,
    line_amount,
    currency,
    updated_at,
    _source_file,
    _source_row,
    _batch,
    _landed_at
from {{ source('landing', 'order_lines') }}
where {{ only }}
qualify row_number() over (
    partition by source_system, order_code, line_number
    order by updated_at desc nulls last, _landed_at desc, _source_row desc, _batch desc, _source_file desc
) = 1
{%- endmacro %}

{% macro staged_order_lines(only) -%}
{%- set staging = ref('stg_order_lines') -%}
{%- if is_partial() -%}
{%- set landed = source('landing', 'order_lines') -%}
{{ newest_order_lines('(source_system, order_code, line_number) in (select source_system, order_code, line_number from ' ~ landed ~ ' where ' ~ only ~ ')') }}
{%- else -%}
select * from {{ staging }}
{%- endif -%}
{%- endmacro %}


{% macro newest_orders(only='true') -%}
select
    source_system,
    order_code,
    channel,
    customer_code,
    ordered_at,
    promised_at,
    ship_to_region_code,
    ship_to_city,
    ship_to_postal_code,
    ship_to_latitude,
    ship_to_longitude,
    priority,
    status,
    approved_at,
    cancelled_at,
    home_warehouse_code,
    goods_amount,
    shipping_amount,
    tax_amount,
    discount_amount,
    total_amount,
    currency,
    updated_at,
    _source_file,
    _source_row,
    _batch,
    _landed_at
from {{ source('landing', 'orders') }}
where {{ only }}
qualify row_number() over (
    partition by source_system, order_code
    order by updated_at desc nulls last, _landed_at desc, _source_row desc, _batch desc, _source_file desc
) = 1
{%- endmacro %}

{% macro staged_orders(only) -%}
{%- set staging = ref('stg_orders') -%}
{%- if is_partial() -%}
{%- set landed = source('landing', 'orders') -%}
{{ newest_orders('(source_system, order_code) in (select source_system, order_code from ' ~ landed ~ ' where ' ~ only ~ ')') }}
{%- else -%}
select * from {{ staging }}
{%- endif -%}
{%- endmacro %}


{% macro newest_products(only='true') -%}
select
    source_system,
    product_code,
    gtin,
    name,
    brand,
    category,
    model_code,
    pack_size,
    weight_kg,
    length_cm,
    width_cm,
    height_cm,
    list_price_amount,
    unit_cost_amount,
    currency,
    is_active,
    updated_at,
    _source_file,
    _source_row,
    _batch,
    _landed_at
from {{ source('landing', 'products') }}
where {{ only }}
qualify row_number() over (
    partition by source_system, product_code
    order by updated_at desc nulls last, _landed_at desc, _source_row desc, _batch desc, _source_file desc
) = 1
{%- endmacro %}


{% macro newest_regions(only='true') -%}
select
    region_code,
    name,
    local_name,
    parent_region_code,
    country_code,
    latitude,
    longitude,
    _source_file,
    _source_row,
    _batch,
    _landed_at
from {{ source('landing', 'regions') }}
where {{ only }}
qualify row_number() over (
    partition by region_code
    order by _landed_at desc, _source_row desc, _batch desc, _source_file desc
) = 1
{%- endmacro %}


{% macro newest_returns(only='true') -%}
select
    source_system,
    return_code,
    line_number,
    order_source_system,
    order_code,
    order_line_number,
    product_code,
    quantity,
    requested_at,
    received_at,
    reason_code,
    refund_amount,
    currency,
    _source_file,
    _source_row,
    _batch,
    _landed_at
from {{ source('landing', 'returns') }}
where {{ only }}
qualify row_number() over (
    partition by source_system, return_code, line_number
    order by _landed_at desc, _source_row desc, _batch desc, _source_file desc
) = 1
{%- endmacro %}

{% macro staged_returns(only) -%}
{%- set staging = ref('stg_returns') -%}
{%- if is_partial() -%}
{%- set landed = source('landing', 'returns') -%}
{{ newest_returns('(source_system, return_code, line_number) in (select source_system, return_code, line_number from ' ~ landed ~ ' where ' ~ only ~ ')') }}
{%- else -%}
select * from {{ staging }}
{%- endif -%}
{%- endmacro %}


{% macro newest_reviews(only='true') -%}
select
    source_system,
    review_code,
    order_source_system,
    order_code,
    score,
    created_at,
    answered_at,
    _source_file,
    _source_row,
    _batch,
    _landed_at
from {{ source('landing', 'reviews') }}
where {{ only }}
qualify row_number() over (
    partition by source_system, review_code, order_source_system, order_code
    order by _landed_at desc, _source_row desc, _batch desc, _source_file desc
) = 1
{%- endmacro %}

{% macro staged_reviews(only) -%}
{%- set staging = ref('stg_reviews') -%}
{%- if is_partial() -%}
{%- set landed = source('landing', 'reviews') -%}
{{ newest_reviews('(source_system, review_code, order_source_system, order_code) in (select source_system, review_code, order_source_system, order_code from ' ~ landed ~ ' where ' ~ only ~ ')') }}
{%- else -%}
select * from {{ staging }}
{%- endif -%}
{%- endmacro %}


{% macro newest_shipment_lines(only='true') -%}
select
    source_system,
    shipment_code,
    line_number,
    order_line_number,
    created_at,
    product_code,
    quantity,
    _source_file,
    _source_row,
    _batch,
    _landed_at
from {{ source('landing', 'shipment_lines') }}
where {{ only }}
qualify row_number() over (
    partition by source_system, shipment_code, line_number
    order by _landed_at desc, _source_row desc, _batch desc, _source_file desc
) = 1
{%- endmacro %}

{% macro staged_shipment_lines(only) -%}
{%- set staging = ref('stg_shipment_lines') -%}
{%- if is_partial() -%}
{%- set landed = source('landing', 'shipment_lines') -%}
{{ newest_shipment_lines('(source_system, shipment_code, line_number) in (select source_system, shipment_code, line_number from ' ~ landed ~ ' where ' ~ only ~ ')') }}
{%- else -%}
select * from {{ staging }}
{%- endif -%}
{%- endmacro %}


{% macro newest_shipments(only='true') -%}
select
    source_system,
    shipment_code,
    order_source_system,
    order_code,
    warehouse_code,
    carrier,
    service_level,
    status,
    created_at,
    picked_at,
    packed_at,
    shipped_at,
    promised_at,
    delivered_at,
    weight_kg,
    cost_amount,
    currency,
    updated_at,
    _source_file,
    _source_row,
    _batch,
    _landed_at
from {{ source('landing', 'shipments') }}
where {{ only }}
qualify row_number() over (
    partition by source_system, shipment_code
    order by updated_at desc nulls last, _landed_at desc, _source_row desc, _batch desc, _source_file desc
) = 1
{%- endmacro %}

{% macro staged_shipments(only) -%}
{%- set staging = ref('stg_shipments') -%}
{%- if is_partial() -%}
{%- set landed = source('landing', 'shipments') -%}
{{ newest_shipments('(source_system, shipment_code) in (select source_system, shipment_code from ' ~ landed ~ ' where ' ~ only ~ ')') }}
{%- else -%}
select * from {{ staging }}
{%- endif -%}
{%- endmacro %}


{% macro newest_signals(only='true') -%}
select
    source_system,
    signal_code,
    kind,
    region_code,
    warehouse_code,
    product_category,
    severity,
    observed_at,
    started_at,
    ended_at,
    _source_file,
    _source_row,
    _batch,
    _landed_at
from {{ source('landing', 'signals') }}
where {{ only }}
qualify row_number() over (
    partition by source_system, signal_code
    order by _landed_at desc, _source_row desc, _batch desc, _source_file desc
) = 1
{%- endmacro %}

{% macro staged_signals(only) -%}
{%- set staging = ref('stg_signals') -%}
{%- if is_partial() -%}
{%- set landed = source('landing', 'signals') -%}
{{ newest_signals('(source_system, signal_code) in (select source_system, signal_code from ' ~ landed ~ ' where ' ~ only ~ ')') }}
{%- else -%}
select * from {{ staging }}
{%- endif -%}
{%- endmacro %}


{% macro newest_warehouses(only='true') -%}
select
    source_system,
    warehouse_code,
    name,
    kind,
    address_line,
    city,
    postal_code,
    region_code,
    latitude,
    longitude,
    daily_capacity_orders,
    cutoff_hour,
    time_zone,
    opened_date,
    closed_date,
    updated_at,
    _source_file,
    _source_row,
    _batch,
    _landed_at
from {{ source('landing', 'warehouses') }}
where {{ only }}
qualify row_number() over (
    partition by source_system, warehouse_code
    order by updated_at desc nulls last, _landed_at desc, _source_row desc, _batch desc, _source_file desc
) = 1
{%- endmacro %}


{% macro daily_keys() -%}
    {{ return({
        'inbound_deliveries': 'source_system, inbound_code, line_number',
        'inventory_snapshots': 'source_system, warehouse_code, product_code, observed_at',
        'order_events': 'source_system, event_code',
        'order_lines': 'source_system, order_code, line_number',
        'orders': 'source_system, order_code',
        'returns': 'source_system, return_code, line_number',
        'reviews': 'source_system, review_code, order_source_system, order_code',
        'shipment_lines': 'source_system, shipment_code, line_number',
        'shipments': 'source_system, shipment_code',
        'signals': 'source_system, signal_code'
    }) }}
{%- endmacro %}
