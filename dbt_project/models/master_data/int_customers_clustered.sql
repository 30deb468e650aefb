with clusters as (
    {{ clustered(ref('int_customers_keyed'), ['person_code', 'email', 'phone']) | indent(4) }}
)

select
    source_system,
    code as customer_code,
    {{ record_id('c', 'founder_system', 'founder_code') }} as proposed_id,
    match_rule
from clusters
