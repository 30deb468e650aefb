{{ config(materialized='ephemeral') }}

-- An order leaves the backlog when it is handed over, delivered or cancelled; after 28 days it counts as forgotten.
with orders as (
    select
        planned_warehouse_id as warehouse_id,
        order_date,
        cast(least(handed_over_at, delivered_at, cancelled_at, ordered_at + interval 28 day) as date) as left_date
    from {{ ref('fct_orders') }}
    where planned_warehouse_id is not null and {{ in_days_up_to_range('order_date', 29) }}
),

moves as (
    select
        warehouse_id,
        order_date as day,
        count(*) as change
    from orders
    group by warehouse_id, order_date
    union all
    select
        warehouse_id,
        greatest(left_date, order_date) as day,
        -count(*) as change
    from orders
    group by warehouse_id, greatest(left_date, order_date)
),

by_day as (
    select
        warehouse_id,
        day,
        sum(change) as change
    from moves
    group by warehouse_id, day
)

select
    warehouse_id,
    day,
    cast(coalesce(
        sum(change) over (partition by warehouse_id order by day rows between unbounded preceding and 1 preceding), 0
    ) as integer) as backlog_orders
from by_day
