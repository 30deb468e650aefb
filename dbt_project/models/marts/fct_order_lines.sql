{{ config(event_time='order_date', meta={'replaces': 'orders'}) }}

{%- set orders_in_range -%}
(source_system, order_code) in (
    select source_system, order_code from {{ ref('int_orders_resolved') }} where {{ in_day_range('order_date') }}
)
or {{ time_in_day_range('ordered_at') }}
{%- endset %}
{%- set parcels_in_range -%}
(source_system, shipment_code) in (
    select source_system, shipment_code from {{ ref('fct_shipments') }} where {{ of_orders_built('order_date') }}
)
{%- endset %}

with lines as (
    {{ staged_order_lines(of_landed_orders(orders_in_range)) | indent(4) }}
),

parcel_lines as (
    {{ staged_shipment_lines(parcels_in_range) | indent(4) }}
),

parcels as (
    select *
    from {{ ref('fct_shipments') }}
    where {{ of_orders_built('order_date') }}
),

products as (
    select * from {{ ref('xref_products') }}
),

ordered as (
    select
        lines.*,
        coalesce(orders.order_id, {{ record_id('o', 'lines.source_system', 'lines.order_code') }}) as order_id,
        orders.order_id is not null as has_order,
        -- A line of an order that never landed is kept under its own day.
        coalesce(orders.order_date, cast(lines.ordered_at as date)) as order_date,
        -- Nothing more leaves for an order that was cancelled, or that its system closed as delivered.
        coalesce(orders.is_cancelled or orders.status = 'delivered', false) as is_closed,
        {{ golden_id('products.product_id', 'lines.source_system', 'lines.product_code') }} as product_id
    from lines
    left join {{ ref('int_orders_resolved') }} as orders
        on lines.source_system = orders.source_system and lines.order_code = orders.order_code
    left join products
        on lines.source_system = products.source_system and lines.product_code = products.product_code
),

-- Units that left, of order lines that the parcel names.
sent as (
    select
        parcels.order_id,
        parcel_lines.order_line_number,
        {{ golden_id('products.product_id', 'parcel_lines.source_system', 'parcel_lines.product_code') }} as product_id,
        parcel_lines.quantity
    from parcel_lines
    inner join parcels
        on
            parcel_lines.source_system = parcels.source_system
            and parcel_lines.shipment_code = parcels.shipment_code
    left join products
        on
            parcel_lines.source_system = products.source_system
            and parcel_lines.product_code = products.product_code
    where parcels.has_left
),

sent_by_line as (
    select
        order_id,
        order_line_number as line_number,
        sum(quantity) as quantity
    from sent
    where order_line_number is not null
    group by order_id, order_line_number
),

-- Units that left without naming their line; they fill the lines of their product in the order's own sequence.
sent_by_product as (
    select
        order_id,
        product_id,
        sum(quantity) as quantity
    from sent
    where order_line_number is null
    group by order_id, product_id
),

-- Where a company has no lines of parcels, an order's first parcel takes all of it.
itemised_orders as (
    select distinct parcels.order_id
    from parcel_lines
    inner join parcels
        on
            parcel_lines.source_system = parcels.source_system
            and parcel_lines.shipment_code = parcels.shipment_code
),

whole_orders as (
    select distinct parcels.order_id
    from parcels
    anti join itemised_orders using (order_id)
    where parcels.has_left
),

named as (
    select
        ordered.*,
        case
            when whole_orders.order_id is not null then ordered.quantity
            else coalesce(sent_by_line.quantity, 0)
        end as named_quantity,
        coalesce(sent_by_product.quantity, 0) as unnamed_quantity
    from ordered
    left join sent_by_line
        on ordered.order_id = sent_by_line.order_id and ordered.line_number = sent_by_line.line_number
    left join sent_by_product
        on ordered.order_id = sent_by_product.order_id and ordered.product_id = sent_by_product.product_id
    left join whole_orders on ordered.order_id = whole_orders.order_id
    where {{ of_orders_built('ordered.order_date', 'ordered.order_id') }}
),

filled as (
    select
        *,
        case
            when unnamed_quantity = 0 then named_quantity
            else
                named_quantity + greatest(0, least(
                    quantity - named_quantity,
                    unnamed_quantity - coalesce(sum(greatest(quantity - named_quantity, 0)) over (
                        partition by order_id, product_id
                        order by line_number
                        rows between unbounded preceding and 1 preceding
                    ), 0)
                ))
        end as sent_quantity
    from named
)

select
    order_id,
    line_number,
    source_system,
    order_code,
    has_order,
    order_date,
    product_id,
    product_code,
    quantity,
    cast(least(quantity, sent_quantity) as integer) as shipped_quantity,
    cast(case when is_closed then quantity - least(quantity, sent_quantity) else 0 end as integer)
        as cancelled_quantity,
    cast(case when is_closed then 0 else quantity - least(quantity, sent_quantity) end as integer) as open_quantity,
    cast(greatest(sent_quantity - quantity, 0) as integer) as overshipped_quantity,
    unit_price_amount,
    coalesce(discount_amount, 0) as discount_amount,
    line_amount,
    currency
from filled
