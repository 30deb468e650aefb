select
    'wms' as source_system,
    parcel as shipment_code,
    line as line_number,
    order_line as order_line_number,
    to_utc(planned, getvariable('time_zone')) as created_at,
    item as product_code,
    quantity,
    _source_file,
    _source_row
from wms_parcel_lines
