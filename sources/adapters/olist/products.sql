select
    'olist' as source_system,
    p.product_id as product_code,
    coalesce(t.product_category_name_english, p.product_category_name) as category,
    try_cast(p.product_weight_g as double) / 1000 as weight_kg,
    p.product_length_cm as length_cm,
    p.product_width_cm as width_cm,
    p.product_height_cm as height_cm,
    p._source_file,
    p._source_row
from products as p
left join translations as t on p.product_category_name = t.product_category_name
