{{ config(event_time='order_date', meta={'replaces': 'orders'}) }}

{%- set reviewed_in_range -%}
(order_source_system, order_code) in (
    select source_system, order_code from {{ ref('int_orders_resolved') }} where {{ of_orders_built('order_date') }}
)
{%- endset %}

{%- set stands = "coalesce(status, '') <> 'cancelled'" -%}

with orders as (
    select *
    from {{ ref('int_orders_resolved') }}
    where {{ of_orders_built('order_date') }}
),

reviews as (
    {{ staged_reviews(reviewed_in_range) | indent(4) }}
),

lines as (
    select
        order_id,
        cast(count(*) as integer) as count_lines,
        sum(quantity) as total_quantity,
        sum(open_quantity) as open_quantity,
        sum(quantity * unit_price_amount) as goods_amount,
        sum(discount_amount) as discount_amount,
        max_by(product_id, (line_amount, -line_number)) as main_product_id
    from {{ ref('fct_order_lines') }}
    where {{ of_orders_built('order_date') }}
    group by order_id
),

parcels as (
    select
        order_id,
        cast(count(*) filter (where {{ stands }}) as integer) as count_shipments,
        count(delivered_at) filter (where {{ stands }}) as count_delivered,
        max(delivered_at) filter (where {{ stands }}) as last_delivered_at,
        -- A parcel that left has left, whatever became of it.
        min(shipped_at) as first_shipped_at,
        min_by(warehouse_id, (created_at, shipment_code)) filter (where {{ stands }}) as main_warehouse_id,
        bool_or(is_cross_region) filter (where {{ stands }}) as is_cross_region,
        sum(cost_amount) as cost_amount,
        min(currency) as lowest_currency,
        max(currency) as highest_currency
    from {{ ref('fct_shipments') }}
    where {{ of_orders_built('order_date') }}
    group by order_id
),

events as (
    select
        order_id,
        cast(count(*) as integer) as count_events,
        cast(count(*) filter (where is_intervention) as integer) as count_person_events,
        min(occurred_at) filter (where event_type = 'shipped') as shipped_at,
        max(occurred_at) filter (where event_type = 'delivered') as delivered_at
    from {{ ref('fct_order_events') }}
    where {{ 'order_id in (select order_id from orders)' if is_partial() else 'true' }}
    group by order_id
),

-- A company whose systems never name a person as actor does not record interventions; it has not none.
capability as (
    select count(*) > 0 as records_persons
    from {{ ref('fct_order_events') }}
    where actor_kind = 'person'
),

ratings as (
    select
        {{ record_id('o', 'order_source_system', 'order_code') }} as order_id,
        max_by(score, (created_at, review_code)) as review_score
    from reviews
    group by order_source_system, order_code
),

joined as (
    select
        orders.*,
        coalesce(lines.count_lines, 0) as count_lines,
        lines.total_quantity,
        lines.main_product_id,
        coalesce(parcels.count_shipments, 0) as count_shipments,
        parcels.main_warehouse_id,
        parcels.is_cross_region,
        case
            when parcels.lowest_currency = orders.currency and parcels.highest_currency = orders.currency
                then parcels.cost_amount
        end as shipping_cost_amount,
        least(events.shipped_at, parcels.first_shipped_at) as handed_over_at,
        case
            when coalesce(parcels.count_shipments, 0) = 0 then events.delivered_at
            when
                parcels.count_delivered = parcels.count_shipments and coalesce(lines.open_quantity, 0) = 0
                then parcels.last_delivered_at
        end as delivered_at,
        coalesce(events.count_events, 0) as count_events,
        coalesce(events.count_person_events, 0) as count_person_events,
        capability.records_persons,
        ratings.review_score,
        coalesce(orders.goods_amount, lines.goods_amount) as known_goods_amount,
        coalesce(
            orders.discount_amount, case when orders.goods_amount is null then lines.discount_amount end, 0
        ) as known_discount_amount
    from orders
    cross join capability
    left join lines on orders.order_id = lines.order_id
    left join parcels on orders.order_id = parcels.order_id
    left join events on orders.order_id = events.order_id
    left join ratings on orders.order_id = ratings.order_id
)

select
    order_id,
    source_system,
    order_code,
    order_date,
    ordered_at,
    promised_at,
    approved_at,
    cancelled_at,
    handed_over_at,
    delivered_at,
    channel,
    customer_id,
    region_code,
    segment,
    value_tier,
    priority,
    status,
    is_cancelled,
    planned_warehouse_id,
    main_warehouse_id,
    origin_region_code,
    planned_distance_km,
    main_product_id,
    count_lines,
    cast(total_quantity as bigint) as total_quantity,
    count_shipments,
    is_cross_region,
    delivered_at > promised_at as is_late,
    cast(known_goods_amount as decimal(18, 2)) as goods_amount,
    coalesce(shipping_amount, 0) as shipping_amount,
    coalesce(tax_amount, 0) as tax_amount,
    cast(known_discount_amount as decimal(18, 2)) as discount_amount,
    cast(
        known_goods_amount + coalesce(shipping_amount, 0) + coalesce(tax_amount, 0) - known_discount_amount
        as decimal(18, 2)
    ) as total_amount,
    total_amount as stated_total_amount,
    cast(shipping_cost_amount as decimal(18, 2)) as shipping_cost_amount,
    currency,
    case when handed_over_at >= ordered_at then {{ hours_between('ordered_at', 'handed_over_at') }} end
        as handling_hours,
    case when records_persons and count_events > 0 then count_person_events > 0 end as is_touched_by_person,
    count_events,
    count_person_events,
    review_score
from joined
