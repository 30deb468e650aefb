{#
    Incremental strategy `replace_days`: the days of this build are deleted and inserted in one transaction, so that a
    reader sees the old days or the new ones. The model's `event_time` names its day column. A build of all days never
    comes here: `full_refresh` is set where no range is given, and the table is then built beside the old one and swapped.
#}
{% macro get_incremental_replace_days_sql(arguments) -%}
    {{ return(adapter.dispatch('replace_days')(arguments)) }}
{%- endmacro %}

{% macro default__replace_days(arguments) -%}
    {%- set columns = arguments['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    {%- set target = arguments['target_relation'] -%}
    delete from {{ target }} where {{ in_day_range(config.require('event_time')) }};
    insert into {{ target }} ({{ columns }})
    select {{ columns }} from {{ arguments['temp_relation'] }}
{%- endmacro %}

{% macro spark__replace_days(arguments) -%}
    {%- set columns = arguments['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    insert overwrite table {{ arguments['target_relation'] }}
    select {{ columns }} from {{ arguments['temp_relation'] }}
{%- endmacro %}
