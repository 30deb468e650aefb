{#
    Every value of the column is a key of another relation. `unmapped` ids are allowed where the model keeps codes without
    a master record; they are counted in `unmapped_codes`.
#}
{% test refers_to(model, column_name, to, field, unmapped=false, day_column=none) %}
select
    {{ column_name }},
    count(*) as count_rows
from {{ model }}
where
    {{ column_name }} not in (select {{ field }} from {{ to }})
    {%- if unmapped %}
    and {{ column_name }} not like 'unmapped:%'
    {%- endif %}
    {%- if day_column %}
    and {{ in_day_range(day_column) }}
    {%- endif %}
group by {{ column_name }}
{% endtest %}
