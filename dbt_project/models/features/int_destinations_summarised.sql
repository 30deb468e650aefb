{{ config(materialized='ephemeral') }}

with history as (
    {{ history(
        {'region_code': 'region_code'},
        {'last_28d': 28, 'last_90d': 90},
        ['judged', 'late'],
        ref('int_parcels_judged')
    ) | indent(4) }}
)

select
    region_code,
    day,
    {{ share('late_last_28d', 'judged_last_28d') }} as late_share_28d,
    {{ share('late_last_90d', 'judged_last_90d') }} as late_share_90d
from history
