{{ config(materialized='ephemeral') }}

select
    lines.order_id,
    {{ exact_sum('lines.quantity * products.weight_kg') }} as total_weight_kg,
    {{ exact_sum('lines.quantity * products.length_cm * products.width_cm * products.height_cm') }} / 1000.0
        as total_volume_litres,
    max(greatest(products.length_cm, products.width_cm, products.height_cm)) as longest_side_cm,
    cast(count(distinct products.category) as integer) as count_categories
from {{ ref('fct_order_lines') }} as lines
inner join {{ ref('dim_products') }} as products on lines.product_id = products.product_id
where {{ in_day_range('lines.order_date') }}
group by lines.order_id
