{# What the landings touched that no build has taken in yet; var `changes` builds that and nothing else. #}

{# A build of changes or of some days: what is not replaced stays. #}
{% macro builds_part() -%}
    {{ return(has_day_range() or builds_changes()) }}
{%- endmacro %}

{# True where a query gives some of a model's rows only, so that it pays to read no more than they need. #}
{% macro is_partial() -%}
    {{ return(builds_part() or builds_slices()) }}
{%- endmacro %}

{# True for rows of those landings; false where the build takes in no changes. #}
{% macro is_new() -%}
    {%- set landings = ref('int_landings_new') -%}
    {%- if builds_changes() -%} _batch in (select batch from {{ landings }}) {%- else -%} false {%- endif -%}
{%- endmacro %}

{# True for the landed rows that a build takes in: those of its landings, or where `time` lies in its days. #}
{% macro of_rows_built(time) -%}
    {%- set news = is_new() -%}
    {{ news if builds_changes() else time_in_day_range(time) }}
{%- endmacro %}

{# True where `column`, the id of an order, is touched; in a build of some days, where `day` lies in them. #}
{% macro of_orders_built(day, column='order_id') -%}
    {%- set orders = ref('int_orders_touched') -%}
    {%- if builds_changes() -%}
        {{ column }} in (select order_id from {{ orders }})
    {%- else -%}
        {{ in_day_range(day) }}
    {%- endif -%}
{%- endmacro %}

{# True for landed rows that name, in `column`, a code that has another golden id than the facts were built with. #}
{% macro names_relinked(entity, column, system='source_system') -%}
    {%- set codes = ref('int_codes_relinked') -%}
    {%- if builds_changes() -%}
        ({{ system }}, {{ column }}) in (select source_system, code from {{ codes }} where entity = '{{ entity }}')
    {%- else -%}
        false
    {%- endif -%}
{%- endmacro %}

{# A table as earlier builds left it, for a build of changes; in any other without a row, with the columns of `like`. #}
{% macro as_built(table, like) -%}
    {%- if builds_changes() -%}
        {{ this.incorporate(path={'identifier': table}) }}
    {%- else -%}
        (select * from {{ like }} where false)
    {%- endif -%}
{%- endmacro %}

{# Every code of master data and the golden id that it has now. #}
{% macro golden_ids() -%}
    {%- for entity in ['customer', 'product', 'warehouse'] %}
    select
        '{{ entity }}' as entity,
        source_system,
        {{ entity }}_code as code,
        {{ entity }}_id as golden_id
    from {{ ref('xref_' ~ entity ~ 's') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# The condition of `of_orders_built` on landed rows, which name an order by its system and code. #}
{% macro of_landed_orders(otherwise, system='source_system', code='order_code', where='true') -%}
    {%- if builds_changes() -%}
        ({{ system }}, {{ code }}) in (
            select source_system, order_code from {{ ref('int_orders_touched') }} where {{ where }}
        )
    {%- else -%}
        {{ otherwise }}
    {%- endif -%}
{%- endmacro %}

{# Landed rows of every version of the records that a new row belongs to. #}
{% macro versions_of_new(table) -%}
    {%- set key = daily_keys()[table] -%}
    select * from {{ source('landing', table) }}
    where ({{ key }}) in (select {{ key }} from {{ source('landing', table) }} where {{ is_new() }})
{%- endmacro %}

{# True for the counts whose features are built, told by some columns of their key. #}
{% macro of_stock_built(columns) -%}
    {%- set stock = ref('int_stock_touched') -%}
    {%- if builds_changes() -%}
        ({{ columns }}) in (select {{ columns }} from {{ stock }})
    {%- else -%}
        {{ in_day_range('stock_date') }}
    {%- endif -%}
{%- endmacro %}

{# True for rows of a daily table whose file has rows that a landing touched; `day` is its column of time. #}
{% macro of_files_built(table, day, row=none) -%}
    {%- set files = ref('int_files_touched') -%}
    {%- set of_row = row ~ '.' if row else '' -%}
    {%- if builds_changes() -%}
        ({{ of_row }}_source_file, {{ of_row }}_batch) in (
            select source_file, batch from {{ files }} where table_name = '{{ table }}'
        )
    {%- else -%}
        {{ time_in_day_range(of_row ~ day) }}
    {%- endif -%}
{%- endmacro %}

{# Every landing that brought rows of a daily table. #}
{% macro landed_batches() -%}
    {%- for table in daily_keys() %}
    select distinct _batch as batch from {{ source('landing', table) }}
    {{ 'union' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# True for landings that a build of this kind takes in. #}
{% macro is_not_built(batch) -%}
    {%- if has_day_range() -%}
        false
    {%- else -%}
        {{ batch }} not in (select built.batch from {{ as_built('landings_built', like='landings') }} as built)
    {%- endif -%}
{%- endmacro %}

{# The files of every version of the records that new rows belong to. #}
{% macro files_of_new_rows() -%}
    {%- for table in daily_keys() %}
    select
        '{{ table }}' as table_name,
        _source_file as source_file,
        _batch as batch
    from ({{ versions_of_new(table) }}) as versions
    {{ 'union' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
