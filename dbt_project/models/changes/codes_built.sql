{{ config(
    materialized='incremental', incremental_strategy='replace_days', on_schema_change='fail',
    unique_key=['entity', 'source_system', 'code'], full_refresh=not builds_part(), meta={'replaces': 'keys'}
) }}

-- Written with `landings_built`: facts of a build that failed on its way may hold either id.
-- depends_on: {{ ref('landings_built') }}
select
    entity,
    source_system,
    code,
    golden_id
from {{ ref('int_codes_relinked') }}
