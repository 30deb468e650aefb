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
