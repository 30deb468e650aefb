with clusters as (
    {{ clustered(
        ref('int_warehouses_keyed'),
        ['address', 'position', 'name', 'postal_code'],
        one_per_system=['position', 'name', 'postal_code']
    ) | indent(4) }}
)

select
    source_system,
    code as warehouse_code,
    {{ record_id('w', 'founder_system', 'founder_code') }} as proposed_id,
    match_rule
from clusters
