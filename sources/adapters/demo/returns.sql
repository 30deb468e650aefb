select
    'care' as source_system,
    return_no as return_code,
    '1' as line_number,
    system as order_source_system,
    order_ref as order_code,
    order_line as order_line_number,
    pieces as quantity,
    to_utc(asked, getvariable('time_zone')) as requested_at,
    to_utc(received, getvariable('time_zone')) as received_at,
    reason as reason_code,
    refund as refund_amount,
    getvariable('currency') as currency,
    _source_file,
    _source_row
from care_returns
