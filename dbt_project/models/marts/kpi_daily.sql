{{ config(event_time='kpi_date') }}

with orders as (
    select *
    from {{ ref('fct_orders') }}
    where {{ in_day_range('order_date') }}
)

select
    order_date as kpi_date,
    region_code,
    cast(count(*) as integer) as count_orders,
    cast(count(delivered_at) as integer) as count_delivered,
    cast(count(*) filter (where is_late) as integer) as count_late,
    {{ share_pct('count(*) filter (where not is_late)', 'count(is_late)') }} as on_time_pct,
    median(handling_hours) as handling_hours_median,
    cast(count(*) filter (where is_touched_by_person) as integer) as count_orders_touched,
    {{ share_pct('count(*) filter (where is_touched_by_person)', 'count(is_touched_by_person)') }}
        as human_intervention_pct,
    avg(review_score) as review_score_mean,
    cast(count(review_score) as integer) as count_reviews,
    {{ share_pct('count(*) filter (where is_cross_region)', 'count(is_cross_region)') }} as cross_region_pct,
    -- Amounts in several currencies have no sum.
    cast(case when min(currency) = max(currency) then sum(shipping_cost_amount) end as decimal(18, 2))
        as shipping_cost_amount,
    case when min(currency) = max(currency) then min(currency) end as currency
from orders
group by order_date, region_code
