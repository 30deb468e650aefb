{#
    A build of all days, or of many (`from_day`, `to_day`), slice by slice: var `slices` holds the first day of each slice
    but the first, as YYYY-MM-DD, in order. A model whose rows are of orders (`event_time` is `order_date`) is then filled
    by one query for each slice, so that its memory is that of a slice, whatever the history. The queries differ in two
    variables of the connection only. Other models are built in one go: what they sort spills, and stock looks back too
    far to be cut.
#}
{% macro builds_slices() -%}
    {%- set is_sliced = var('slices', []) | length > 0 and not builds_changes() -%}
    {{ return(is_sliced and config.get('event_time', none) in ['order_date', none]) }}
{%- endmacro %}

{# `first` or `last` day of the slice that is built; of the whole build, where a query is of no slice. #}
{% macro slice_day(which) -%}
    {{ return("coalesce(getvariable('slice_" ~ which ~ "'), date '" ~ days_of_build()[which] ~ "')") }}
{%- endmacro %}

{% macro days_of_build() -%}
    {{ return(day_range() if has_day_range() else {'first': '0001-01-01', 'last': '9999-12-31'}) }}
{%- endmacro %}

{% macro slice_of(first, last) -%}
    set variable slice_first = date '{{ first }}';
    set variable slice_last = date '{{ last }}';
{%- endmacro %}

{% macro duckdb__create_table_as(
    temporary, relation, compiled_code, language='sql', partitioned_by=none, sorted_by=none
) -%}
    {%- set create = dbt.duckdb__create_table_as(
        temporary, relation, compiled_code, language, partitioned_by, sorted_by
    ) -%}
    {%- if not builds_slices() or config.get('event_time') is none -%}
        {{ create }}
    {%- else -%}
        {%- set starts = [days_of_build().first] + var('slices') -%}
        {%- for start in starts %}
        {{ slice_of(start, day_before(starts[loop.index]) if not loop.last else days_of_build().last) }}
        {% if loop.first -%} {{ create }} {%- else -%} insert into {{ relation }} by name ({{ compiled_code }}); {%- endif -%}
        {%- endfor %}
        {# What follows, such as the deletion of the rows that are replaced, is of the whole build again. #}
        reset variable slice_first;
        reset variable slice_last;
    {%- endif -%}
{%- endmacro %}

{% macro day_before(day) -%}
    {{ return((modules.datetime.date.fromisoformat(day) - modules.datetime.timedelta(days=1)).isoformat()) }}
{%- endmacro %}
