with records as (
    {{ records_by_recency(ref('stg_products'), ref('xref_products'), 'product') | indent(4) }}
),

golden as (
    select
        product_id,
        {{ newest_known('gtin') }} as gtin,
        {{ newest_known('name') }} as name,
        {{ newest_known('brand') }} as brand,
        {{ newest_known('category') }} as category,
        {{ newest_known('model_code') }} as model_code,
        {{ newest_known('pack_size') }} as pack_size,
        {{ newest_known('weight_kg') }} as weight_kg,
        {{ newest_known('length_cm') }} as length_cm,
        {{ newest_known('width_cm') }} as width_cm,
        {{ newest_known('height_cm') }} as height_cm,
        -- An amount without its currency is not an amount: both come from one record.
        min_by(list_price_amount, recency_rank) filter (where list_price_amount is not null) as list_price_amount,
        min_by(currency, recency_rank) filter (where list_price_amount is not null) as list_price_currency,
        min_by(unit_cost_amount, recency_rank) filter (where unit_cost_amount is not null) as unit_cost_amount,
        min_by(currency, recency_rank) filter (where unit_cost_amount is not null) as unit_cost_currency,
        bool_or(is_active) as is_active,
        cast(count(*) as integer) as count_records
    from records
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
