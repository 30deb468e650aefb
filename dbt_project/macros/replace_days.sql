{#
    Incremental strategy `replace_days`: the rows of this build are deleted and inserted in one transaction, so that a
    reader sees the old ones or the new ones. The model's `event_time` names its day column, and its days are replaced;
    a build of changes replaces less where `meta.replaces` says so: the touched `orders`, the touched `stock` of a day,
    or the rows of the new `keys` (`unique_key`). A build of all days never comes here: `full_refresh` is set then, and
    the table is built beside the old one and swapped.
#}
{% macro get_incremental_replace_days_sql(arguments) -%}
    {{ return(adapter.dispatch('replace_days')(arguments)) }}
{%- endmacro %}

{% macro default__replace_days(arguments) -%}
    {%- set columns = arguments['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    {%- set target = arguments['target_relation'] -%}
    delete from {{ target }} where {{ is_replaced(arguments['temp_relation']) }};
    insert into {{ target }} ({{ columns }})
    select {{ columns }} from {{ arguments['temp_relation'] }}
{%- endmacro %}

{% macro is_replaced(new_rows) -%}
    {%- set has_days = config.get('event_time') is not none and not builds_changes() -%}
    {%- set replaces = 'days' if has_days else config.get('meta', {}).get('replaces', 'days') -%}
    {%- if replaces == 'orders' -%}
        order_id in (select order_id from {{ ref('int_orders_touched') }})
    {%- elif replaces == 'stock' -%}
        (warehouse_id, product_id, stock_date) in (
            select warehouse_id, product_id, stock_date from {{ ref('int_stock_touched') }}
        )
    {%- elif replaces == 'keys' -%}
        {%- set key = config.require('unique_key') | join(', ') -%}
        ({{ key }}) in (select {{ key }} from {{ new_rows }})
    {%- else -%}
        {{ in_day_range(config.require('event_time')) }}
    {%- endif -%}
{%- endmacro %}

{% macro spark__replace_days(arguments) -%}
    {%- if builds_changes() -%}
        {{ exceptions.raise_compiler_error("Spark replaces whole days: build with from_day and to_day, not with changes.") }}
    {%- endif -%}
    {%- set columns = arguments['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    insert overwrite table {{ arguments['target_relation'] }}
    select {{ columns }} from {{ arguments['temp_relation'] }}
{%- endmacro %}
