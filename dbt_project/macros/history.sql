{#
    What was known about an entity when a day began (UTC), for each entity and day on which an order asks.

    Outcomes are summed by entity and day first, then over windows of days that end the day before: no join of orders with
    orders, and nothing of the day itself, so that the numbers are those that a build of the night before gives.

    by: column name → the SQL of it in `fct_orders`; `parcels` has columns of these names.
    windows: name → days, or none for all days before.
    measures: of `judged`, `late` (on `outcome_date`), `handled`, `handling_hours` (on `shipped_date`), `delivered`,
    `lead_time_hours` (on `delivered_date`). The result has a column `<measure>_<window>` for each, 0 where nothing happened.
#}
{% macro history(by, windows, measures, parcels) -%}
    {%- set definitions = {
        'judged': ['outcome_date', 'count(*)'],
        'late': ['outcome_date', 'count(*) filter (where is_late)'],
        'handled': ['shipped_date', 'count(handling_hours)'],
        'handling_hours': ['shipped_date', 'coalesce(' ~ exact_sum('handling_hours') ~ ', 0.0)'],
        'delivered': ['delivered_date', 'count(*)'],
        'lead_time_hours': ['delivered_date', 'coalesce(' ~ exact_sum('lead_time_hours') ~ ', 0.0)'],
    } -%}
    {%- set columns = by.keys() | join(', ') -%}
    {%- set dates = [] -%}
    {%- for measure in measures if definitions[measure][0] not in dates -%}
        {%- do dates.append(definitions[measure][0]) -%}
    {%- endfor -%}
    with asked as (
        select distinct
            {%- for column, expression in by.items() %}
            {{ expression }} as {{ column }},
            {%- endfor %}
            order_date as day
        from {{ ref('fct_orders') }}
        where
            {{ in_day_range('order_date') }}
            {%- for expression in by.values() %}
            and {{ expression }} is not null
            {%- endfor %}
    ),

    parcels as (
        select * from {{ parcels }} as parcels
        {%- if is_partial() %}
        semi join asked using ({{ columns }})
        {%- endif %}
    ),

    happened as (
        select
            {{ columns }},
            day,
            {%- for measure in measures %}
            0 as {{ measure }},
            {%- endfor %}
            1 as is_asked
        from asked
        {%- for date in dates %}
        union all
        select
            {{ columns }},
            {{ date }} as day,
            {%- for measure in measures %}
            {{ definitions[measure][1] if definitions[measure][0] == date else 0 }} as {{ measure }},
            {%- endfor %}
            0 as is_asked
        from parcels
        where
            {{ date }} is not null
            and {{ before_range_ends(date) if none in windows.values() else in_days_before_range(date, windows.values() | max) }}
        group by {{ columns }}, {{ date }}
        {%- endfor %}
    ),

    by_day as (
        select
            {{ columns }},
            day,
            {{ day_number('day') }} as day_number,
            {%- for measure in measures %}
            sum({{ measure }}) as {{ measure }},
            {%- endfor %}
            max(is_asked) as is_asked
        from happened
        group by {{ columns }}, day
    ),

    remembered as (
        select
            {{ columns }},
            day,
            {%- for window in windows %}
            {%- for measure in measures %}
            coalesce(sum({{ measure }}) over {{ window }}, 0) as {{ measure }}_{{ window }},
            {%- endfor %}
            {%- endfor %}
            is_asked
        from by_day
        window
            {%- for window, days in windows.items() %}
            {{ window }} as (
                partition by {{ columns }} order by day_number
                range between {{ 'unbounded' if days is none else days }} preceding and 1 preceding
            ){{ ',' if not loop.last }}
            {%- endfor %}
    )

    select * from remembered where is_asked = 1
{%- endmacro %}
