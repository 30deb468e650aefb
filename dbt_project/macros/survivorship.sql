{#
    Which source record gives each golden value. The rules stand in `vars: survivorship` of dbt_project.yml, a reason each;
    fields that only make sense together (a street and its post code) are one rule and come from one record.

    rule            first among the records of a cluster that know the value
    most_recent     the record that was updated last, else landed last
    most_trusted    the record of the system that stands first in `vars: trusted_systems`
    most_frequent   a record with the value that most records have
    longest_valid   the record whose text is longest
    Ties go to the most recent record. A record that knows more of the rule's fields goes before one that knows less.
#}
{% macro survivorship_of(entity, name) -%}
    {%- set rules = var('survivorship')[entity] -%}
    {%- if name not in rules -%}
        {{ exceptions.raise_compiler_error("vars: survivorship has no rule for the field " ~ name ~ " of " ~ entity ~ "; it has " ~ rules.keys() | join(", ")) }}
    {%- endif -%}
    {{ return(rules[name]) }}
{%- endmacro %}

{# Columns that a rule decides about. #}
{% macro survivorship_columns(entity, name) -%}
    {{ return(survivorship_of(entity, name).get('columns', [name])) }}
{%- endmacro %}

{#
    Records of `staged` with their golden id, their rank in the cluster, newest first (`recency_rank`), and for each rule
    `order_of_<name>`: the record with the least gives the value; null where it cannot.
#}
{% macro ranked_records(staged, cross_reference, entity) -%}
    {%- set code, golden = entity ~ '_code', entity ~ '_id' -%}
    {%- set rules = var('survivorship')[entity] -%}
    with known as (
        select
            staged.*,
            cross_reference.{{ golden }},
            row_number() over (
                partition by cross_reference.{{ golden }}
                order by staged.updated_at desc nulls last, staged._landed_at desc, staged.source_system, staged.{{ code }}
            ) as recency_rank,
            {{ trust_rank(entity) }} as trust_rank
        from {{ staged }} as staged
        inner join {{ cross_reference }} as cross_reference using (source_system, {{ code }})
    )

    select
        *,
        {%- for name, rule in rules.items() %}
        case when {{ survivorship_valid(rule, name) }} then {{ survivorship_order(rule, name, golden) }} end as order_of_{{ name }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from known
{%- endmacro %}

{# Place of a record's system in the list of trusted ones; those that are not named come last. #}
{% macro trust_rank(entity) -%}
    {%- set systems = var('trusted_systems')[entity] -%}
    case source_system
        {%- for system in systems %}
        when '{{ system }}' then {{ loop.index0 }}
        {%- endfor %}
        else {{ systems | length }}
    end
{%- endmacro %}

{% macro survivorship_valid(rule, name) -%}
    {%- set columns = rule.get('columns', [name]) -%}
    {%- set needs = rule.get('needs', columns) -%}
    {%- if needs -%}
    {% for column in needs %}{{ ' and ' if not loop.first }}{{ column }} is not null{% endfor %}
    {%- else -%}
    coalesce({% for column in columns %}cast({{ column }} as varchar){{ ', ' if not loop.last }}{% endfor %}) is not null
    {%- endif -%}
    {{ ' and ' ~ rule['valid'] if 'valid' in rule }}
{%- endmacro %}

{# Missing fields first, then the rule, then recency, in one number: 10^14, 10^9 and 1 apart. #}
{% macro survivorship_order(rule, name, golden) -%}
    {%- set columns = rule.get('columns', [name]) -%}
    {%- for column in columns if columns | length > 1 -%}
    case when {{ column }} is null then 100000000000000 else 0 end +
    {% endfor -%}
    {%- if rule['rule'] == 'most_recent' -%}
    recency_rank
    {%- elif rule['rule'] == 'most_trusted' -%}
    cast(trust_rank as bigint) * 1000000000 + recency_rank
    {%- elif rule['rule'] == 'most_frequent' -%}
    (90000 - least(count(*) over (partition by {{ golden }}, {{ columns | join(', ') }}), 90000)) * 1000000000 + recency_rank
    {%- elif rule['rule'] == 'longest_valid' -%}
    cast(90000 - least(length({{ columns[0] }}), 90000) as bigint) * 1000000000 + recency_rank
    {%- else -%}
    {{ exceptions.raise_compiler_error("A rule of survivorship is most_recent, most_trusted, most_frequent or longest_valid; the field " ~ name ~ " has " ~ rule['rule']) }}
    {%- endif -%}
{%- endmacro %}

{# Golden value of a column, by the rule of that name or of the column itself. #}
{% macro golden_value(column, rule=none, expression=none) -%}
    {%- set order = 'order_of_' ~ (rule or column) -%}
    min_by({{ expression or column }}, {{ order }}) filter (where {{ order }} is not null)
{%- endmacro %}

{# Rows of `golden_values` of an entity: for each golden record and rule, the source record that gave the value. #}
{% macro golden_sources(entity) -%}
    {%- set code, golden = entity ~ '_code', entity ~ '_id' -%}
    {%- for name, rule in var('survivorship')[entity].items() %}
    select
        '{{ entity }}' as entity,
        {{ golden }} as golden_id,
        '{{ name }}' as field,
        '{{ rule['rule'] }}' as rule,
        min_by(source_system, order_of_{{ name }}) as source_system,
        min_by({{ code }}, order_of_{{ name }}) as source_code,
        min_by(updated_at, order_of_{{ name }}) as source_updated_at,
        cast(count(*) as integer) as count_knowing,
        cast(count(distinct concat_ws(chr(31){% for column in rule.get('columns', [name]) %}, coalesce(cast({{ column }} as varchar), ''){% endfor %})) as integer) as count_values
    from {{ ref('int_' ~ entity ~ 's_ranked') }}
    where order_of_{{ name }} is not null
    group by {{ golden }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
