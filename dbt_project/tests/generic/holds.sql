{# A statement about each row is true; where it cannot be told (null), the row passes. #}
{% test holds(model, expression, day_column=none) %}
select *
from {{ model }}
where
    not ({{ expression }})
    {%- if day_column %}
    and {{ in_day_range(day_column) }}
    {%- endif %}
{% endtest %}
