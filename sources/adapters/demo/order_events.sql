with parcels as (
    select parcel, max(order_system) as order_system, max(order_ref) as order_ref
    from wms_parcels
    group by parcel
)

select
    'erp' as source_system,
    entry as event_code,
    system as order_source_system,
    reference as order_code,
    step as event_type,
    to_utc("at", getvariable('time_zone')) as occurred_at,
    to_utc(logged, getvariable('time_zone')) as recorded_at,
    case actor when 'SYSTEM' then 'system' else 'person' end as actor_kind,
    case actor when 'SYSTEM' then null else actor end as actor_code,
    reason as reason_code,
    _source_file,
    _source_row
from erp_order_log

union all by name

select
    'wms' as source_system,
    parcel || '/' || step as event_code,
    system as order_source_system,
    reference as order_code,
    step as event_type,
    to_utc("at", getvariable('time_zone')) as occurred_at,
    to_utc(logged, getvariable('time_zone')) as recorded_at,
    case actor when 'SYSTEM' then 'system' else 'person' end as actor_kind,
    case actor when 'SYSTEM' then null else actor end as actor_code,
    null as reason_code,
    _source_file,
    _source_row
from wms_work_log

union all by name

select
    'tms' as source_system,
    tracking || '/shipped' as event_code,
    p.order_system as order_source_system,
    p.order_ref as order_code,
    'shipped' as event_type,
    pickup as occurred_at,
    pickup as recorded_at,
    'system' as actor_kind,
    t._source_file,
    t._source_row
from tms_tracking as t
left join parcels as p on t.shipper_ref = p.parcel

union all by name

select
    'tms' as source_system,
    tracking || '/delivered' as event_code,
    p.order_system as order_source_system,
    p.order_ref as order_code,
    'delivered' as event_type,
    delivered as occurred_at,
    uploaded as recorded_at,
    'system' as actor_kind,
    t._source_file,
    t._source_row
from tms_tracking as t
left join parcels as p on t.shipper_ref = p.parcel
where t.delivered is not null

union all by name

select
    'care' as source_system,
    ticket as event_code,
    json_extract_string("order", '$.system') as order_source_system,
    json_extract_string("order", '$.ref') as order_code,
    'contacted' as event_type,
    opened as occurred_at,
    opened as recorded_at,
    'person' as actor_kind,
    agent as actor_code,
    topic as reason_code,
    _source_file,
    _source_row
from care_tickets
