-- A day's features look back, so that what is new about a day is news for all days after it.
with ordered as (
    select distinct cast(ordered_at as date) as day
    from {{ source('landing', 'orders') }}
),

signals as (
    {{ versions_of_new('signals') | indent(4) }}
),

counted as (
    select distinct cast(observed_at as date) as day
    from {{ source('landing', 'inventory_snapshots') }}
    where {{ is_new() }}
),

news as (
    select order_date as day
    from {{ ref('int_orders_touched') }}
    where has_news
    union
    -- Orders of the next day are told what was counted.
    select cast(day + interval 1 day as date) as day
    from counted
    union
    select cast(observed_at as date) as day
    from signals
),

order_days as (
    select order_date as day
    from {{ ref('int_orders_touched') }}
    where has_news
    union
    select ordered.day
    from ordered
    where
        ordered.day >= (select min(news.day) from news)
        and ordered.day >= (select max(latest.day) from ordered as latest) - interval {{ var('look_back_days') }} day
),

days as (
    select
        'order_date' as day_column,
        day
    from order_days
    union
    select
        'kpi_date' as day_column,
        day
    from order_days
    union
    select
        'event_date' as day_column,
        cast(occurred_at as date) as day
    from {{ source('landing', 'order_events') }}
    where {{ is_new() }}
    union
    select
        'stock_date' as day_column,
        day
    from counted
    union
    select
        'stock_date' as day_column,
        cast(observed_at as date) as day
    from {{ source('landing', 'inventory_snapshots') }}
    where {{ names_relinked('product', 'product_code') }} or {{ names_relinked('warehouse', 'warehouse_code') }}
    union
    select
        'created_date' as day_column,
        cast(created_at as date) as day
    from {{ source('landing', 'inbound_deliveries') }}
    where {{ is_new() }}
)

select
    day_column,
    day
from days
where day is not null
union
select
    'landed_day' as day_column,
    day
from days
where day is not null
