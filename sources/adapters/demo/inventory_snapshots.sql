select
    'wms' as source_system,
    location as warehouse_code,
    item as product_code,
    to_utc(counted, getvariable('time_zone')) as observed_at,
    on_hand as on_hand_quantity,
    reserved as reserved_quantity,
    _source_file,
    _source_row
from wms_stock
