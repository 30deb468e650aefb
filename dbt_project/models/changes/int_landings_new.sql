-- Built before every model that reads landed rows: what lands meanwhile is left for the next build.
with landings as (
    {{ landed_batches() | indent(4) }}
)

select landings.batch
from landings
where landings.batch is not null and {{ is_not_built('landings.batch') }}
