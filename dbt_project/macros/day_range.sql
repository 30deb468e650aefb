{#
    What a build replaces: the days from var `from_day` to `to_day`, both included, as YYYY-MM-DD; with var `changes`, what
    the landings touched that no build has taken in yet; with neither, all days. Days are built in one go or slice by
    slice (`macros/slices.sql`).
#}

{% macro has_day_range() -%}
    {{ return(var('from_day', none) is not none) }}
{%- endmacro %}

{% macro builds_changes() -%}
    {{ return(var('changes', false) and not has_day_range()) }}
{%- endmacro %}

{# True where the rows of a build are told by their day: between `first_day()` and `last_day()`. #}
{% macro builds_days() -%}
    {{ return(has_day_range() or builds_slices()) }}
{%- endmacro %}

{% macro first_day() -%}
    {{ return(slice_day('first') if builds_slices() else "date '" ~ day_range().first ~ "'") }}
{%- endmacro %}

{% macro last_day() -%}
    {{ return(slice_day('last') if builds_slices() else "date '" ~ day_range().last ~ "'") }}
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

{#
    True where `column`, a date, lies in the days of this build. A build of changes tells them by `clock`, the name of the
    day column: orders, events, stock and receipts are touched on days of their own.
#}
{% macro in_day_range(column, clock=none) -%}
    {%- if builds_days() -%}
        {{ column }} between {{ first_day() }} and {{ last_day() }}
    {%- elif builds_changes() -%}
        {{ column }} in (select day from {{ ref('int_days_rebuilt') }} where day_column = '{{ clock or column.split('.')[-1] }}')
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{# True where `column`, a time, lies in the days of this build. Written on the bare column, so that Parquet prunes. #}
{% macro time_in_day_range(column) -%}
    {%- if builds_days() -%}
        {{ column }} >= cast({{ first_day() }} as timestamp)
        and {{ column }} < {{ last_day() }} + interval 1 day
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{# True where `column`, a date or time, lies before the last day of this build and at most `days` before the first. #}
{% macro in_days_before_range(column, days) -%}
    {%- if builds_days() -%}
        {{ column }} >= {{ first_day() }} - interval {{ days }} day
        and {{ column }} < {{ last_day() }}
    {%- elif builds_changes() -%}
        {{ column }} >= {{ first_rebuilt('order_date') }} - interval {{ days }} day
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{# True where `column`, a date or time, lies before the last day of this build. #}
{% macro before_range_ends(column) -%}
    {%- if builds_days() -%} {{ column }} < {{ last_day() }} {%- else -%} true {%- endif -%}
{%- endmacro %}

{#
    True where `column`, a date, lies in the days of this build or at most `days` before the first; in a build of changes
    the days are those of `clock`.
#}
{% macro in_days_up_to_range(column, days, clock='order_date') -%}
    {%- if builds_days() -%}
        {{ column }} between {{ first_day() }} - interval {{ days }} day and {{ last_day() }}
    {%- elif builds_changes() -%}
        {{ column }} >= {{ first_rebuilt(clock) }} - interval {{ days }} day
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{% macro first_rebuilt(clock) -%}
    {%- if clock == 'stock_date' -%}
        (select min(stock_date) from {{ ref('int_stock_touched') }})
    {%- else -%}
        (select min(day) from {{ ref('int_days_rebuilt') }} where day_column = '{{ clock }}')
    {%- endif -%}
{%- endmacro %}
