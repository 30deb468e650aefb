{# Text without case, accents, blanks and signs, for comparison; null when nothing is left. Any script. #}
{% macro folded(text) -%}
    {{ adapter.dispatch('folded')(text) }}
{%- endmacro %}

{% macro default__folded(text) -%}
    nullif(regexp_replace(strip_accents(lower({{ text }})), '[^\p{L}\p{N}]+', '', 'g'), '')
{%- endmacro %}

{% macro spark__folded(text) -%}
    nullif(regexp_replace(regexp_replace(normalize(lower({{ text }}), 'NFD'), '\\p{M}+', ''), '[^\\p{L}\\p{N}]+', ''), '')
{%- endmacro %}

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

{# True where `text` matches the whole of `pattern`, written without anchors. #}
{% macro matches(text, pattern) -%}
    {{ adapter.dispatch('matches')(text, pattern) }}
{%- endmacro %}

{% macro default__matches(text, pattern) -%}
    regexp_full_match({{ text }}, '{{ pattern }}')
{%- endmacro %}

{% macro spark__matches(text, pattern) -%}
    {{ text }} rlike '^({{ pattern | replace('\\', '\\\\') }})$'
{%- endmacro %}

{#
    True where the last of `length` digits is their GS1 check digit (GS1 General Specifications, 7.9): weighted 1, 3, 1, …
    from the right, they add up to a multiple of 10.
#}
{% macro has_gs1_check_digit(digits, length) -%}
    (
        {%- for position in range(1, length + 1) -%}
        {{ '3 * ' if (length - position) % 2 }}cast(substr({{ digits }}, {{ position }}, 1) as integer)
        {{- ' + ' if not loop.last }}
        {%- endfor -%}
    ) % 10 = 0
{%- endmacro %}

{#
    Clusters of records that share keys, by transitive closure.

    `keyed` holds one row per record (`source_system`, `code`, `first_landed_at`) and key (`key_kind`,
    `key_value`, null for a record without keys). A key that more records share than `max_records_per_shared_key` of its
    kind would weld strangers and links nobody.
    The result names each record's cluster by the record that landed first, so that a cluster that grows keeps its name,
    and gives the strongest kind of key that links the record; `kinds` lists them, strongest first.
#}
{% macro clustered(keyed, kinds) -%}
    with recursive keyed as (
        select * from {{ keyed }}
    ),

    records as (
        select
            source_system,
            code,
            row_number() over (order by min(first_landed_at), source_system, code) as record_number
        from keyed
        group by source_system, code
    ),

    memberships as (
        select distinct
            keyed.key_kind,
            keyed.key_value,
            keyed.source_system,
            records.record_number
        from keyed
        inner join records using (source_system, code)
        where keyed.key_value is not null
    ),

    shared_keys as (
        select
            key_kind,
            key_value,
            min(record_number) as hub_number
        from memberships
        group by key_kind, key_value
        having
            count(*) > 1
            {%- for kind, most in var('max_records_per_shared_key', {}).items() %}
            and (key_kind <> '{{ kind }}' or count(*) <= {{ most }})
            {%- endfor %}
    ),

    edges as (
        select
            memberships.record_number,
            memberships.key_kind,
            shared_keys.hub_number
        from memberships
        inner join shared_keys using (key_kind, key_value)
    ),

    neighbours as (
        select record_number as from_number, hub_number as to_number from edges
        union
        select hub_number as from_number, record_number as to_number from edges
    ),

    -- The least number that reaches a record over shared keys. Only records whose label fell ask their neighbours anew.
    labels (record_number, label) using key (record_number) as (
        select
            from_number,
            min(to_number)
        from neighbours
        group by from_number
        union
        select
            neighbours.to_number,
            min(labels.label)
        from labels
        inner join neighbours on labels.record_number = neighbours.from_number
        inner join recurring.labels as present on neighbours.to_number = present.record_number
        where labels.label < present.label
        group by neighbours.to_number
    ),

    rules as (
        select
            record_number,
            min_by(
                key_kind,
                case key_kind
                    {%- for kind in kinds %} when '{{ kind }}' then {{ loop.index }}{% endfor %} end
            ) as match_rule
        from edges
        group by record_number
    )

    select
        records.source_system,
        records.code,
        founders.source_system as founder_system,
        founders.code as founder_code,
        coalesce(rules.match_rule, 'single') as match_rule
    from records
    left join labels on records.record_number = labels.record_number
    left join rules on records.record_number = rules.record_number
    left join records as founders on coalesce(labels.label, records.record_number) = founders.record_number
{%- endmacro %}

{#
    Golden ids that stay: a cluster keeps the id that its records had before.

    `clusters` holds `source_system`, `<code>`, `proposed_id` and `match_rule`. Where records of several earlier clusters
    come together the id of the cluster's founder stays, else the one most records had. Where a cluster falls apart its id
    goes with the founder, else with the most records; the rest get an id of their own.
#}
{% macro with_stable_ids(clusters, code, golden) -%}
    {%- set previous = previous_version() -%}
    with clusters as (
        select * from {{ clusters }}
    )
    {%- if previous is none %}

    select
        source_system,
        {{ code }},
        proposed_id as {{ golden }},
        match_rule
    from clusters
    {%- else %},

    previous as (
        select source_system, {{ code }}, {{ golden }} as previous_id from {{ previous }}
    ),

    claims as (
        select
            clusters.proposed_id,
            previous.previous_id,
            count(*) as count_records
        from clusters
        inner join previous using (source_system, {{ code }})
        group by clusters.proposed_id, previous.previous_id
    ),

    one_heir_each as (
        select *
        from claims
        qualify row_number() over (
            partition by previous_id order by (previous_id = proposed_id) desc, count_records desc, proposed_id
        ) = 1
    ),

    kept as (
        select *
        from one_heir_each
        qualify row_number() over (
            partition by proposed_id order by (previous_id = proposed_id) desc, count_records desc, previous_id
        ) = 1
    ),

    new_ids as (
        select
            unkept.proposed_id,
            case
                when taken.previous_id is null then unkept.proposed_id
                else left(unkept.proposed_id, 2) || md5(unkept.proposed_id || chr(31) || 'split')
            end as new_id
        from (select distinct proposed_id from clusters anti join kept using (proposed_id)) as unkept
        left join kept as taken on unkept.proposed_id = taken.previous_id
    )

    select
        clusters.source_system,
        clusters.{{ code }},
        coalesce(kept.previous_id, new_ids.new_id) as {{ golden }},
        clusters.match_rule
    from clusters
    left join kept on clusters.proposed_id = kept.proposed_id
    left join new_ids on clusters.proposed_id = new_ids.proposed_id
    {%- endif %}
{%- endmacro %}

{# The relation that this model built last time, or none. A macro of its own, so that unit tests can say there is none. #}
{% macro previous_version() -%}
    {{ return(load_relation(this) if execute else none) }}
{%- endmacro %}
