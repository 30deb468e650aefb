select
    'olist' as source_system,
    review_id as review_code,
    'olist' as order_source_system,
    order_id as order_code,
    review_score as score,
    review_creation_date as created_at,
    review_answer_timestamp as answered_at,
    _source_file,
    _source_row
from reviews
