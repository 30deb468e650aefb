{{ config(event_time='event_date', unique_key=['event_id'], meta={'replaces': 'keys'}) }}

with events as (
    {{ staged_order_events(of_rows_built('occurred_at')) | indent(4) }}
)

select
    {{ record_id('e', 'source_system', 'event_code') }} as event_id,
    {{ record_id('o', 'order_source_system', 'order_code') }} as order_id,
    source_system,
    cast(occurred_at as date) as event_date,
    event_type,
    occurred_at,
    recorded_at,
    actor_kind,
    reason_code,
    -- Placing an order and taking it back are the customer's own acts; picking, packing and carrying are what every
    -- order takes. What is left is a person who decided, mended or answered.
    actor_kind = 'person'
    and event_type not in ('created', 'placed', 'picked', 'packed', 'shipped', 'delivered')
    and not (event_type = 'cancelled' and coalesce(starts_with(reason_code, 'customer'), false)) as is_intervention
from events
where {{ 'true' if builds_changes() else time_in_day_range('occurred_at') }}
