{{ config(
    materialized='incremental', incremental_strategy='replace_days', on_schema_change='fail', unique_key=['batch'],
    full_refresh=not builds_part(), meta={'replaces': 'keys'}
) }}

-- Written last: a build that failed on its way leaves its landings to the next one.
-- depends_on: {{ ref('kpi_daily') }}
-- depends_on: {{ ref('fct_landed_rows') }}
-- depends_on: {{ ref('fct_inbound_deliveries') }}
-- depends_on: {{ ref('feat_parcel_delivery') }}
-- depends_on: {{ ref('feat_stock_daily') }}
select batch
from {{ ref('int_landings_new') }}
