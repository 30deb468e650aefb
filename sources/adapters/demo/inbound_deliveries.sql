select
    'wms' as source_system,
    doc as inbound_code,
    '1' as line_number,
    case kind when 'PO' then 'purchase' when 'TR' then 'transfer' else kind end as kind,
    location as warehouse_code,
    origin as origin_warehouse_code,
    item as product_code,
    expected as quantity,
    to_utc(ordered, getvariable('time_zone')) as created_at,
    to_utc(due, getvariable('time_zone')) as expected_at,
    to_utc(booked, getvariable('time_zone')) as received_at,
    received as received_quantity,
    _source_file,
    _source_row
from wms_inbound
