{{ config(materialized='ephemeral') }}

-- The fastest that any carrier plans on a lane for the speed that was bought, on the day of the order.
with orders as (
    select distinct
        origin_region_code,
        region_code,
        case priority when 'express' then 'express' when 'critical' then 'same_day' else 'ground' end as service_level,
        priority,
        order_date as day
    from {{ ref('fct_orders') }}
    where {{ in_day_range('order_date') }} and origin_region_code is not null
),

rates as (
    select distinct
        origin_region_code,
        destination_region_code,
        service_level,
        planned_days,
        coalesce(valid_from, date '0001-01-01') as valid_from,
        coalesce(valid_to, date '9999-12-31') as valid_to
    from {{ ref('stg_carrier_rates') }}
    where planned_days is not null
)

select
    orders.origin_region_code,
    orders.region_code,
    orders.priority,
    orders.day,
    coalesce(
        min(rates.planned_days) filter (where rates.service_level = orders.service_level),
        min(rates.planned_days)
    ) as planned_days
from orders
inner join rates
    on
        orders.origin_region_code = rates.origin_region_code
        and orders.region_code = rates.destination_region_code
        and orders.day between rates.valid_from and rates.valid_to
group by orders.origin_region_code, orders.region_code, orders.priority, orders.day, orders.service_level
