{% macro duckdb__safe_cast(field, type) -%}
    try_cast({{ field }} as {{ type }})
{%- endmacro %}

{# Hours from `start` to `finish`, with their fraction. #}
{% macro hours_between(start, finish) -%}
    {{ adapter.dispatch('hours_between')(start, finish) }}
{%- endmacro %}

{% macro default__hours_between(start, finish) -%}
    (epoch({{ finish }}) - epoch({{ start }})) / 3600.0
{%- endmacro %}

{% macro spark__hours_between(start, finish) -%}
    (unix_micros({{ finish }}) - unix_micros({{ start }})) / 3600000000.0
{%- endmacro %}

{# Sum of fractions, in millionths: binary ones come to other last digits in another order, and threads have none. #}
{% macro exact_sum(value) -%}
    cast(sum(cast({{ value }} as decimal(38, 6))) as double)
{%- endmacro %}

{# Days since 2000-01-01, for window frames that count days. #}
{% macro day_number(day) -%}
    {{ adapter.dispatch('day_number')(day) }}
{%- endmacro %}

{% macro default__day_number(day) -%}
    date_diff('day', date '2000-01-01', {{ day }})
{%- endmacro %}

{% macro spark__day_number(day) -%}
    datediff({{ day }}, date '2000-01-01')
{%- endmacro %}

{#
    Great-circle distance in kilometres by the haversine formula, mean earth radius 6371.0088 km; null where a position is.
    Rounding can lift the half chord of antipodes over 1; `least` alone would turn a null into half the globe.
#}
{% macro distance_km(latitude, longitude, other_latitude, other_longitude) -%}
    case
        when {{ latitude }} + {{ longitude }} + {{ other_latitude }} + {{ other_longitude }} is not null
            then 2 * 6371.0088 * asin(least(1.0, sqrt(
                power(sin(radians({{ other_latitude }} - {{ latitude }}) / 2), 2)
                + cos(radians({{ latitude }})) * cos(radians({{ other_latitude }}))
                * power(sin(radians({{ other_longitude }} - {{ longitude }}) / 2), 2)
            )))
    end
{%- endmacro %}

{# `part` of `whole`, null where there is nothing to share. #}
{% macro share(part, whole) -%}
    cast({{ part }} as double) / nullif({{ whole }}, 0)
{%- endmacro %}

{# The same in per cent. #}
{% macro share_pct(part, whole) -%}
    100.0 * {{ share(part, whole) }}
{%- endmacro %}
