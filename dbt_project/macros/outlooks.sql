{# The period life tables of waiting orders: whose orders, over the last how many days, and the name of the columns. #}
{% macro outlooks() -%}
    {%- set found = [] -%}
    {%- for scope in ['company', 'destination'] -%}
        {%- for days in [7, 14, 28] -%}
            {%- do found.append({'scope': scope, 'days': days, 'window': days ~ 'd'}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{# Ages of waiting orders that are told apart, in days from 0; older ones count as of the last. #}
{% macro outlook_ages() -%}
    {{ return(60) }}
{%- endmacro %}

{# Age of an order on the day of its promise, as the life tables tell ages apart. #}
{% macro promise_age(order_date, promised_at) -%}
    least({{ day_number('cast(' ~ promised_at ~ ' as date)') }} - {{ day_number(order_date) }}, {{ outlook_ages() - 1 }})
{%- endmacro %}

{# Share that is still open at the promise: between the open shares before and after the promise's day, by its hour. #}
{% macro late_outlook(open_before, open_after, promised_at) -%}
    {{ open_before }} + ({{ open_after }} - {{ open_before }})
    * {{ hours_between("date_trunc('day', " ~ promised_at ~ ")", promised_at) }} / 24.0
{%- endmacro %}

{#
    Period life tables of waiting orders: of those still open at an age, how many were delivered on a day of the window.

    A late label comes only when a promise has passed; an order that still waits is news at once, so a slow week shows
    within days. Built from counts by destination, day of order and age: no order meets another. The days of the window
    end the day before. Where few wait, the destination's share that leaves is drawn towards the company's.
#}
{% macro life_tables() -%}
    {%- set windows = outlooks() | map(attribute='days') | unique | list -%}
    {%- set ages = outlook_ages() -%}
    {%- set pseudo_orders = 10 -%}
    with ages as (
        select age_days
        from (values {% for age in range(ages) %}({{ age }}){{ ', ' if not loop.last }}{% endfor %}) as ages (age_days)
    ),

    asked as (
        select distinct
            region_code,
            order_date as day
        from {{ ref('fct_orders') }}
        where {{ in_day_range('order_date') }}
    ),

    orders as (
        select
            region_code,
            order_date,
            {{ day_number('cast(least(delivered_at, cancelled_at) as date)') }} - {{ day_number('order_date') }} as age_days,
            delivered_at is not null and (cancelled_at is null or delivered_at <= cancelled_at) as is_delivered
        from {{ ref('fct_orders') }}
        where {{ in_days_before_range('order_date', windows | max + ages) }}
    ),

    placed as (
        select
            region_code,
            order_date,
            count(*) as count_orders
        from orders
        group by region_code, order_date
    ),

    gone as (
        select
            region_code,
            order_date,
            greatest(age_days, 0) as age_days,
            count(*) as count_gone,
            count(*) filter (where is_delivered) as count_delivered
        from orders
        where age_days < {{ ages }}
        group by region_code, order_date, greatest(age_days, 0)
    ),

    cohorts as (
        select
            placed.region_code,
            ages.age_days,
            {{ day_number('placed.order_date') }} + ages.age_days as day_number,
            placed.count_orders - coalesce(sum(gone.count_gone) over the_younger, 0) as waiting,
            coalesce(gone.count_delivered, 0) as delivered,
            0 as is_asked
        from placed
        cross join ages
        left join gone
            on
                placed.region_code = gone.region_code
                and placed.order_date = gone.order_date
                and ages.age_days = gone.age_days
        window the_younger as (
            partition by placed.region_code, placed.order_date
            order by ages.age_days rows between unbounded preceding and 1 preceding
        )
    ),

    by_day as (
        select
            region_code,
            age_days,
            day_number,
            sum(waiting) as waiting,
            sum(delivered) as delivered,
            max(is_asked) as is_asked
        from (
            select * from cohorts
            union all
            select
                asked.region_code,
                ages.age_days,
                {{ day_number('asked.day') }} as day_number,
                0 as waiting,
                0 as delivered,
                1 as is_asked
            from asked
            cross join ages
        ) as happened
        group by region_code, age_days, day_number
    ),

    company_days as (
        select
            age_days,
            day_number,
            sum(waiting) as waiting,
            sum(delivered) as delivered
        from by_day
        group by age_days, day_number
    ),

    company as (
        select
            age_days,
            day_number,
            {%- for days in windows %}
            coalesce(sum(delivered) over last_{{ days }}d, 0) as delivered_{{ days }}d,
            coalesce({{ share('sum(delivered) over last_' ~ days ~ 'd', 'sum(waiting) over last_' ~ days ~ 'd') }}, 0.0)
                as leaving_{{ days }}d{{ ',' if not loop.last }}
            {%- endfor %}
        from company_days
        window
            {%- for days in windows %}
            last_{{ days }}d as (
                partition by age_days order by day_number range between {{ days }} preceding and 1 preceding
            ){{ ',' if not loop.last }}
            {%- endfor %}
    ),

    destinations as (
        select
            region_code,
            age_days,
            day_number,
            {%- for days in windows %}
            coalesce(sum(waiting) over last_{{ days }}d, 0) as waiting_{{ days }}d,
            coalesce(sum(delivered) over last_{{ days }}d, 0) as delivered_{{ days }}d,
            {%- endfor %}
            is_asked
        from by_day
        window
            {%- for days in windows %}
            last_{{ days }}d as (
                partition by region_code, age_days order by day_number range between {{ days }} preceding and 1 preceding
            ){{ ',' if not loop.last }}
            {%- endfor %}
    ),

    leaving as (
        select
            destinations.region_code,
            destinations.age_days,
            destinations.day_number,
            {%- for days in windows %}
            company.delivered_{{ days }}d,
            company.leaving_{{ days }}d as company_{{ days }}d,
            (destinations.delivered_{{ days }}d + {{ pseudo_orders }} * company.leaving_{{ days }}d)
            / (destinations.waiting_{{ days }}d + {{ pseudo_orders }}) as destination_{{ days }}d{{ ',' if not loop.last }}
            {%- endfor %}
        from destinations
        inner join company
            on destinations.age_days = company.age_days and destinations.day_number = company.day_number
        where destinations.is_asked = 1
    ),

    staying as (
        select
            region_code,
            age_days,
            day_number,
            {%- for outlook in outlooks() %}
            case
                when sum(delivered_{{ outlook.window }}) over (partition by region_code, day_number) > 0
                    then exp(sum(ln(greatest(1.0 - {{ outlook.scope }}_{{ outlook.window }}, 1e-9))) over to_this_age)
            end as {{ outlook.scope }}_{{ outlook.window }}{{ ',' if not loop.last }}
            {%- endfor %}
        from leaving
        window to_this_age as (
            partition by region_code, day_number order by age_days rows between unbounded preceding and current row
        )
    )

    select
        region_code,
        age_days,
        day_number,
        {%- for outlook in outlooks() %}
        {{ outlook.scope }}_{{ outlook.window }} as {{ outlook.scope }}_open_after_{{ outlook.window }},
        case when {{ outlook.scope }}_{{ outlook.window }} is not null then coalesce(lag({{ outlook.scope }}_{{ outlook.window }}) over by_age, 1.0) end
            as {{ outlook.scope }}_open_before_{{ outlook.window }}{{ ',' if not loop.last }}
        {%- endfor %}
    from staying
    window by_age as (partition by region_code, day_number order by age_days)
{%- endmacro %}
