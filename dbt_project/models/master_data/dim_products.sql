with golden as (
    select
        product_id,
        {{ golden_value('gtin') }} as gtin,
        {{ golden_value('name') }} as name,
        {{ golden_value('brand') }} as brand,
        {{ golden_value('category') }} as category,
        {{ golden_value('model_code') }} as model_code,
        {{ golden_value('pack_size') }} as pack_size,
        {{ golden_value('weight_kg') }} as weight_kg,
        {{ golden_value('length_cm', 'size') }} as length_cm,
        {{ golden_value('width_cm', 'size') }} as width_cm,
        {{ golden_value('height_cm', 'size') }} as height_cm,
        {{ golden_value('list_price_amount', 'list_price') }} as list_price_amount,
        {{ golden_value('currency', 'list_price') }} as list_price_currency,
        {{ golden_value('unit_cost_amount', 'unit_cost') }} as unit_cost_amount,
        {{ golden_value('currency', 'unit_cost') }} as unit_cost_currency,
        bool_or(is_active) as is_active,
        cast(count(*) as integer) as count_records
    from {{ ref('int_products_ranked') }}
    group by product_id
)

select
    product_id,
    gtin,
    name,
    brand,
    category,
    model_code,
    pack_size,
    weight_kg,
    length_cm,
    width_cm,
    height_cm,
    list_price_amount,
    case
        when list_price_currency is null or unit_cost_currency = list_price_currency then unit_cost_amount
    end as unit_cost_amount,
    coalesce(list_price_currency, unit_cost_currency) as currency,
    is_active,
    count_records
from golden
