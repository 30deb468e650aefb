{{ config(materialized='ephemeral') }}

with parcels as (
    select
        orders.main_product_id as product_id,
        parcels.outcome_date,
        parcels.is_late
    from {{ ref('int_parcels_judged') }} as parcels
    inner join {{ ref('fct_orders') }} as orders on parcels.order_id = orders.order_id
    where {{ in_days_before_range('parcels.outcome_date', 180) }} and parcels.outcome_date is not null
),

history as (
    {{ history(
        {'product_id': 'main_product_id'},
        {'last_180d': 180},
        ['judged', 'late'],
        'parcels'
    ) | indent(4) }}
)

select
    product_id,
    day,
    cast(judged_last_180d as integer) as count_parcels_180d,
    {{ share('late_last_180d', 'judged_last_180d') }} as late_share_180d
from history
