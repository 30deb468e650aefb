{{ config(materialized='ephemeral') }}

with history as (
    {{ history(
        {'origin_region_code': 'origin_region_code', 'region_code': 'region_code'},
        {'last_28d': 28, 'last_90d': 90},
        ['judged', 'late', 'delivered', 'lead_time_hours'],
        ref('int_parcels_judged')
    ) | indent(4) }}
)

select
    origin_region_code,
    region_code,
    day,
    cast(judged_last_90d as integer) as count_parcels_90d,
    {{ share('late_last_28d', 'judged_last_28d') }} as late_share_28d,
    {{ share('late_last_90d', 'judged_last_90d') }} as late_share_90d,
    lead_time_hours_last_90d / nullif(delivered_last_90d, 0) as lead_time_hours_mean_90d
from history
