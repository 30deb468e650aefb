with tracking as (
    select
        shipper_ref,
        max(carrier) as carrier,
        max(pickup) as pickup,
        max(uploaded) as uploaded,
        max(fee) as fee
    from tms_tracking
    group by shipper_ref
)

select
    'wms' as source_system,
    parcel as shipment_code,
    order_system as order_source_system,
    order_ref as order_code,
    location as warehouse_code,
    t.carrier,
    service as service_level,
    status,
    to_utc(planned, getvariable('time_zone')) as created_at,
    to_utc(picked, getvariable('time_zone')) as picked_at,
    to_utc(packed, getvariable('time_zone')) as packed_at,
    coalesce(t.pickup, to_utc(handed_over, getvariable('time_zone'))) as shipped_at,
    to_utc(due, getvariable('time_zone')) as promised_at,
    t.uploaded as delivered_at,
    weight_kg,
    t.fee as cost_amount,
    getvariable('currency') as currency,
    to_utc(changed, getvariable('time_zone')) as updated_at,
    p._source_file,
    p._source_row
from wms_parcels as p
left join tracking as t on p.parcel = t.shipper_ref
