{{ config(materialized='ephemeral') }}

with history as (
    {{ history(
        {'source_scope': "'company'"},
        {'last_28d': 28},
        ['judged', 'late'],
        "(select *, 'company' as source_scope from " ~ ref('int_parcels_judged') ~ ")"
    ) | indent(4) }}
)

select
    day,
    {{ share('late_last_28d', 'judged_last_28d') }} as late_share_28d
from history
