{{ config(materialized='ephemeral') }}

with history as (
    {{ history(
        {'customer_id': 'customer_id'},
        {'ever': none},
        ['judged', 'late'],
        ref('int_parcels_judged')
    ) | indent(4) }}
)

select
    customer_id,
    day,
    {{ share('late_ever', 'judged_ever') }} as prior_late_share
from history
