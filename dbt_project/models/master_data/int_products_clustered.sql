with clusters as (
    {{ clustered(ref('int_products_keyed'), ['gtin', 'model_code']) | indent(4) }}
)

select
    source_system,
    code as product_code,
    {{ record_id('p', 'founder_system', 'founder_code') }} as proposed_id,
    match_rule
from clusters
