{# Id of a record from its own key: a prefix that names the entity, then a hash that both engines agree on. #}
{% macro record_id(prefix, system, code) -%}
    '{{ prefix }}_' || md5({{ system }} || chr(31) || {{ code }})
{%- endmacro %}

{#
    Golden id of a code that a record refers to. A code without a master record keeps its identity as
    `unmapped:<system>:<code>`: never guessed, never merged, still countable. No code, no id.
#}
{% macro golden_id(golden, system, code) -%}
    case when {{ code }} is not null then coalesce({{ golden }}, 'unmapped:' || {{ system }} || ':' || {{ code }}) end
{%- endmacro %}

{#
    Cross-reference of an entity: the golden id that matching gave each staged record. A record that matching has not
    seen yet founds an id of its own, the same that matching would give it.
#}
{% macro matched_ids(entity, prefix) -%}
    {%- set code, golden = entity ~ '_code', entity ~ '_id' -%}
    with staged as (
        select * from {{ ref('stg_' ~ entity ~ 's') }}
    ),

    matched as (
        select * from {{ source('matching', 'matched_records') }}
        where entity = '{{ entity }}'
    )

    select
        staged.source_system,
        staged.{{ code }},
        coalesce(matched.golden_id, {{ record_id(prefix, 'staged.source_system', 'staged.' ~ code) }}) as {{ golden }},
        coalesce(matched.match_rule, 'single') as match_rule
    from staged
    left join matched on staged.source_system = matched.source_system and staged.{{ code }} = matched.code
{%- endmacro %}

{# System and code of an `unmapped:` id; the code may itself hold colons. #}
{% macro unmapped_system(id) -%}
    split_part({{ id }}, ':', 2)
{%- endmacro %}

{% macro unmapped_code(id) -%}
    substr({{ id }}, length('unmapped:') + length(split_part({{ id }}, ':', 2)) + 2)
{%- endmacro %}
