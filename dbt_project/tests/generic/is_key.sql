{#
    The columns are a key: none is null, no combination comes twice. A build of some days asks only for the keys of these
    days, but looks for them on all days: a record that moved between days would otherwise stand on both.
#}
{% test is_key(model, columns, day_column=none) %}
{%- set names = columns | join(', ') %}
select
    {{ names }},
    count(*) as count_rows
from {{ model }}
{%- if day_column and builds_part() %}
where ({{ names }}) in (select {{ names }} from {{ model }} where {{ in_day_range(day_column) }})
{%- endif %}
group by {{ names }}
having count(*) > 1 {%- for column in columns %} or {{ column }} is null {%- endfor %}
{% endtest %}
