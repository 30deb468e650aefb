-- What a code meant when the facts were built stands in `codes_built`; it is new, has another golden id now, or none.
with meant as (
    {{ golden_ids() | indent(4) }}
),

built as (
    select
        entity,
        source_system,
        code,
        golden_id
    from {{ as_built('codes_built', like='meant') }}
)

select
    coalesce(meant.entity, built.entity) as entity,
    coalesce(meant.source_system, built.source_system) as source_system,
    coalesce(meant.code, built.code) as code,
    meant.golden_id,
    built.golden_id as former_id
from meant
full join built
    on meant.entity = built.entity and meant.source_system = built.source_system and meant.code = built.code
where
    meant.golden_id is distinct from built.golden_id
    and {{ 'false' if has_day_range() else 'true' }}
