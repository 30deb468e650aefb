{{ config(materialized='ephemeral') }}

with history as (
    {{ history(
        {'warehouse_id': 'planned_warehouse_id'},
        {'last_28d': 28},
        ['judged', 'late', 'handled', 'handling_hours'],
        ref('int_parcels_judged')
    ) | indent(4) }}
)

select
    warehouse_id,
    day,
    cast(judged_last_28d as integer) as count_parcels_28d,
    {{ share('late_last_28d', 'judged_last_28d') }} as late_share_28d,
    handling_hours_last_28d / nullif(handled_last_28d, 0) as handling_hours_mean_28d
from history
