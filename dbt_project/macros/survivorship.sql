{#
    Golden value of a field: that of the newest record of the cluster that has one. `recency_rank` counts a cluster's
    records from the newest.
#}
{% macro newest_known(column) -%}
    min_by({{ column }}, recency_rank) filter (where {{ column }} is not null)
{%- endmacro %}

{# Records of `staged` with their golden id and their rank in the cluster, newest first. #}
{% macro records_by_recency(staged, cross_reference, entity) -%}
    {%- set code, golden = entity ~ '_code', entity ~ '_id' -%}
    select
        staged.*,
        cross_reference.{{ golden }},
        row_number() over (
            partition by cross_reference.{{ golden }}
            order by staged.updated_at desc nulls last, staged._landed_at desc, staged.source_system, staged.{{ code }}
        ) as recency_rank
    from {{ staged }} as staged
    inner join {{ cross_reference }} as cross_reference using (source_system, {{ code }})
{%- endmacro %}
