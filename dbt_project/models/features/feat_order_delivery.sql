{{ config(event_time='order_date') }}

with orders as (
    select *
    from {{ ref('fct_orders') }}
    where {{ in_day_range('order_date') }}
),

customer_orders as (
    select
        customer_id,
        order_date,
        count(*) as count_orders,
        max(ordered_at) as last_ordered_at
    from {{ ref('fct_orders') }}
    where {{ 'customer_id in (select customer_id from orders)' if is_partial() else 'customer_id is not null' }}
    group by customer_id, order_date
),

customer_past as (
    select
        customer_id,
        order_date,
        coalesce(sum(count_orders) over before_the_day, 0) as prior_orders,
        max(last_ordered_at) over before_the_day as last_ordered_at
    from customer_orders
    window before_the_day as (
        partition by customer_id order by order_date rows between unbounded preceding and 1 preceding
    )
),

loaded as (
    select
        *,
        case
            when planned_warehouse_id is not null
                then
                    cast(rank() over (partition by planned_warehouse_id, order_date order by ordered_at) - 1 as integer)
        end as node_orders_so_far_today
    from orders
)

select
    orders.order_id,
    orders.order_date,
    orders.ordered_at,
    orders.promised_at,
    orders.region_code,
    orders.segment,
    orders.channel,
    orders.priority,
    orders.planned_warehouse_id,
    orders.origin_region_code,
    {{ hours_between('orders.ordered_at', 'orders.promised_at') }} as promise_hours,
    orders.planned_distance_km as distance_km,
    nullif(orders.region_code, 'unknown') = orders.origin_region_code as is_same_region,
    cast(extract(hour from orders.ordered_at) as integer) as order_hour,
    cast(isodow(orders.ordered_at) as integer) as order_weekday,
    cast(extract(month from orders.ordered_at) as integer) as order_month,
    orders.count_lines,
    orders.total_quantity,
    weighed.count_categories,
    weighed.total_weight_kg,
    weighed.total_volume_litres,
    weighed.longest_side_cm,
    products.category as main_category,
    cast(orders.goods_amount as double) as goods_amount,
    cast(orders.shipping_amount as double) as shipping_amount,
    {{ share('orders.shipping_amount', 'orders.goods_amount') }} as shipping_ratio,
    cast(customer_past.prior_orders as integer) as customer_prior_orders,
    {{ hours_between('customer_past.last_ordered_at', 'orders.ordered_at') }} / 24.0 as customer_days_since_order,
    customers.prior_late_share as customer_prior_late_share,
    node_history.count_parcels_28d as node_parcels_28d,
    node_history.late_share_28d as node_late_share_28d,
    node_history.handling_hours_mean_28d as node_handling_hours_mean_28d,
    backlogs.backlog_orders as node_backlog_orders,
    orders.node_orders_so_far_today,
    {{ share('backlogs.backlog_orders', 'nodes.daily_capacity_orders') }} as node_backlog_days,
    lanes.count_parcels_90d as lane_parcels_90d,
    lanes.late_share_28d as lane_late_share_28d,
    lanes.late_share_90d as lane_late_share_90d,
    lanes.lead_time_hours_mean_90d as lane_lead_time_hours_mean_90d,
    {{ hours_between('orders.ordered_at', 'orders.promised_at') }} - lanes.lead_time_hours_mean_90d
        as promise_slack_hours,
    destinations.late_share_28d as destination_late_share_28d,
    destinations.late_share_90d as destination_late_share_90d,
    product_history.count_parcels_180d as product_parcels_180d,
    product_history.late_share_180d as product_late_share_180d,
    company.late_share_28d as company_late_share_28d,
    {{ late_outlook('waits.company_open_before_7d', 'waits.company_open_after_7d', 'orders.promised_at') }}
        as company_late_outlook_7d,
    {{ late_outlook('waits.company_open_before_14d', 'waits.company_open_after_14d', 'orders.promised_at') }}
        as company_late_outlook_14d,
    {{ late_outlook('waits.company_open_before_28d', 'waits.company_open_after_28d', 'orders.promised_at') }}
        as company_late_outlook_28d,
    {{ late_outlook('waits.destination_open_before_7d', 'waits.destination_open_after_7d', 'orders.promised_at') }}
        as destination_late_outlook_7d,
    {{ late_outlook('waits.destination_open_before_14d', 'waits.destination_open_after_14d', 'orders.promised_at') }}
        as destination_late_outlook_14d,
    {{ late_outlook('waits.destination_open_before_28d', 'waits.destination_open_after_28d', 'orders.promised_at') }}
        as destination_late_outlook_28d,
    carriers.planned_days as carrier_planned_days,
    sourced.planned_fill_share,
    sourced.planned_spare_units,
    sourced.best_fill_share,
    sourced.count_serving_nodes,
    sourced.serving_distance_km,
    sourced.serving_spare_units,
    coalesce(weather_there.severity, 0.0) as weather_destination_severity,
    coalesce(weather_here.severity, 0.0) as weather_origin_severity,
    coalesce(outages.severity, 0.0) as node_outage_severity,
    coalesce(markets.severity, 0.0) as market_severity,
    orders.is_late,
    case when orders.is_late is not null then orders.delivered_at end as label_known_at
from loaded as orders
left join {{ ref('dim_products') }} as products on orders.main_product_id = products.product_id
left join {{ ref('dim_warehouses') }} as nodes on orders.planned_warehouse_id = nodes.warehouse_id
left join {{ ref('int_orders_weighed') }} as weighed on orders.order_id = weighed.order_id
left join customer_past
    on orders.customer_id = customer_past.customer_id and orders.order_date = customer_past.order_date
left join {{ ref('int_customers_summarised') }} as customers
    on orders.customer_id = customers.customer_id and orders.order_date = customers.day
left join {{ ref('int_nodes_summarised') }} as node_history
    on orders.planned_warehouse_id = node_history.warehouse_id and orders.order_date = node_history.day
left join {{ ref('int_backlogs_counted') }} as backlogs
    on orders.planned_warehouse_id = backlogs.warehouse_id and orders.order_date = backlogs.day
left join {{ ref('int_lanes_summarised') }} as lanes
    on
        orders.origin_region_code = lanes.origin_region_code
        and orders.region_code = lanes.region_code
        and orders.order_date = lanes.day
left join {{ ref('int_destinations_summarised') }} as destinations
    on orders.region_code = destinations.region_code and orders.order_date = destinations.day
left join {{ ref('int_products_summarised') }} as product_history
    on orders.main_product_id = product_history.product_id and orders.order_date = product_history.day
left join {{ ref('int_days_summarised') }} as company on orders.order_date = company.day
left join {{ ref('int_waits_tabulated') }} as waits
    on
        orders.region_code = waits.region_code
        and {{ day_number('orders.order_date') }} = waits.day_number
        and waits.age_days = {{ promise_age('orders.order_date', 'orders.promised_at') }}
left join {{ ref('int_orders_sourced') }} as sourced on orders.order_id = sourced.order_id
left join {{ ref('int_carriers_planned') }} as carriers
    on
        orders.origin_region_code = carriers.origin_region_code
        and orders.region_code = carriers.region_code
        and orders.priority = carriers.priority
        and orders.order_date = carriers.day
left join {{ ref('int_signals_spread') }} as weather_there
    on
        weather_there.kind = 'weather'
        and orders.region_code = weather_there.place
        and date_trunc('hour', orders.ordered_at) = weather_there.hour_at
left join {{ ref('int_signals_spread') }} as weather_here
    on
        weather_here.kind = 'weather'
        and orders.origin_region_code = weather_here.place
        and date_trunc('hour', orders.ordered_at) = weather_here.hour_at
left join {{ ref('int_signals_spread') }} as outages
    on
        outages.kind = 'outage'
        and orders.planned_warehouse_id = outages.place
        and date_trunc('hour', orders.ordered_at) = outages.hour_at
left join {{ ref('int_signals_spread') }} as markets
    on
        markets.kind = 'market'
        and products.category = markets.place
        and date_trunc('hour', orders.ordered_at) = markets.hour_at
