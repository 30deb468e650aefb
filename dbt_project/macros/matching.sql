{# Digits of a text; null when there are none. #}
{% macro digits(text) -%}
    {{ adapter.dispatch('digits')(text) }}
{%- endmacro %}

{% macro default__digits(text) -%}
    nullif(regexp_replace({{ text }}, '[^0-9]', '', 'g'), '')
{%- endmacro %}

{% macro spark__digits(text) -%}
    nullif(regexp_replace({{ text }}, '[^0-9]', ''), '')
{%- endmacro %}
