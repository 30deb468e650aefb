with clusters as (
    {{ clustered(
        ref('int_warehouses_keyed'), ['address', 'position', 'name'], one_per_system=['address', 'position', 'name']
    ) | indent(4) }}
)

select
    source_system,
    code as warehouse_code,
    {{ record_id('w', 'founder_system', 'founder_code') }} as proposed_id,
    match_rule
from clusters
