select
    'care' as source_system,
    rating_no as review_code,
    system as order_source_system,
    order_ref as order_code,
    stars as score,
    to_utc(given, getvariable('time_zone')) as created_at,
    to_utc(answered, getvariable('time_zone')) as answered_at,
    _source_file,
    _source_row
from care_ratings
