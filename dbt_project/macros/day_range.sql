{#
    The days that a build replaces: vars `from_day` and `to_day`, both included, as YYYY-MM-DD. Absent: all days.
#}

{% macro has_day_range() -%}
    {{ return(var('from_day', none) is not none) }}
{%- endmacro %}

{% macro day_range() -%}
    {%- set first = var('from_day') | string -%}
    {%- set last = var('to_day', first) | string -%}
    {%- for day in [first, last] if not modules.re.fullmatch('\d{4}-\d{2}-\d{2}', day) -%}
        {{ exceptions.raise_compiler_error("from_day and to_day are days as YYYY-MM-DD; got '" ~ day ~ "'. Correct it.") }}
    {%- endfor -%}
    {%- if last < first -%}
        {{ exceptions.raise_compiler_error("to_day must not lie before from_day; got " ~ first ~ " to " ~ last ~ ". Swap them.") }}
    {%- endif -%}
    {{ return({'first': first, 'last': last}) }}
{%- endmacro %}

{# True where `column`, a date, lies in the days of this build. #}
{% macro in_day_range(column) -%}
    {%- if has_day_range() -%}
        {{ column }} between date '{{ day_range().first }}' and date '{{ day_range().last }}'
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{# True where `column`, a time, lies in the days of this build. Written on the bare column, so that Parquet prunes. #}
{% macro time_in_day_range(column) -%}
    {%- if has_day_range() -%}
        {{ column }} >= timestamp '{{ day_range().first }} 00:00:00'
        and {{ column }} < date '{{ day_range().last }}' + interval 1 day
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{# True where `column`, a date or time, lies before the last day of this build and at most `days` before the first. #}
{% macro in_days_before_range(column, days) -%}
    {%- if has_day_range() -%}
        {{ column }} >= date '{{ day_range().first }}' - interval {{ days }} day
        and {{ column }} < date '{{ day_range().last }}'
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{# True where `column`, a date or time, lies before the last day of this build. #}
{% macro before_range_ends(column) -%}
    {%- if has_day_range() -%} {{ column }} < date '{{ day_range().last }}' {%- else -%} true {%- endif -%}
{%- endmacro %}

{# True where `column`, a date, lies in the days of this build or at most `days` before the first. #}
{% macro in_days_up_to_range(column, days) -%}
    {%- if has_day_range() -%}
        {{ column }} between date '{{ day_range().first }}' - interval {{ days }} day and date '{{ day_range().last }}'
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}
