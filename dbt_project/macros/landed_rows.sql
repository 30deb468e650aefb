{# Every landed row of a table in the days of the build, as it lies in landing. `day`: its column of time, or none. #}
{% macro rows_landed(table, day=none) -%}
select
    '{{ table }}' as table_name,
    {{ 'cast(' ~ day ~ ' as date)' if day else 'cast(null as date)' }} as landed_day,
    _source_file as source_file,
    _batch as batch
from {{ source('landing', table) }}
where {{ of_files_built(table, day) if day else 'true' }}
{%- endmacro %}

{# The fate of every landed row, counted: `landed` has all rows, `newest` those that no newer record replaces. #}
{% macro counted_rows() -%}
with landed_counts as (
    select
        *,
        count(*) as count_landed
    from landed
    group by all
),

newest_counts as (
    select
        * exclude (is_in_mart),
        count(*) as count_newest,
        count(*) filter (where is_in_mart) as count_in_mart
    from newest
    group by all
)

select
    landed.table_name,
    landed.landed_day,
    landed.source_file,
    landed.batch,
    landed.count_landed,
    coalesce(newest.count_in_mart, 0) as count_in_mart,
    landed.count_landed - coalesce(newest.count_newest, 0) as count_superseded,
    coalesce(newest.count_newest - newest.count_in_mart, 0) as count_apart
from landed_counts as landed
left join newest_counts as newest
    on
        landed.table_name = newest.table_name
        and landed.landed_day is not distinct from newest.landed_day
        and landed.source_file = newest.source_file
        and landed.batch = newest.batch
{%- endmacro %}
