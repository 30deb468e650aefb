"""SQL of the overview: the period, its key figures, their trend, regions, and the open orders most at risk."""

from dashboards.queries.base import Query

REGION_FILTER = "($region is null or region_code = $region)"

SPAN = Query(
    "overview.span", ("fct_orders",),
    "select min(order_date) as first_date, max(order_date) as last_date, max(ordered_at) as latest from fct_orders",
)  # fmt: skip

REGIONS = Query(
    "overview.regions", ("kpi_daily", "dim_regions"),
    """
    select k.region_code, any_value(r.name) as name, sum(k.count_orders)::bigint as count_orders
    from kpi_daily k left join dim_regions r using (region_code)
    group by k.region_code
    order by k.region_code
    """,
)  # fmt: skip

EVER = Query(
    "overview.ever", ("fct_orders",),
    """
    select
        count(*) as count_orders, count(is_late) as count_judged, count(handling_hours) as count_handled,
        coalesce(sum(count_events), 0)::bigint as count_events,
        count(is_touched_by_person) as count_followed,
        count(review_score) as count_reviews
    from fct_orders
    """,
)  # fmt: skip

FIGURES = Query(
    "overview.figures",
    ("fct_orders",),
    f"""
    select
        order_date >= $first as is_current,
        count(*) as count_orders,
        count(handling_hours) as count_handled,
        quantile_cont(handling_hours, 0.5) as handling_median,
        quantile_cont(handling_hours, 0.9) as handling_p90,
        count(is_touched_by_person) as count_followed,
        count(*) filter (where is_touched_by_person) as count_touched,
        coalesce(sum(count_events), 0)::bigint as count_events,
        coalesce(sum(count_person_events), 0)::bigint as count_person_events,
        count(review_score) as count_reviews,
        avg(review_score)::double as review_mean,
        stddev_samp(review_score) as review_deviation,
        count(is_late) as count_judged,
        count(*) filter (where not is_late) as count_on_time
    from fct_orders
    where order_date between $previous_first and $last and {REGION_FILTER}
    group by all
    """,
)

OUTCOMES = Query(
    "overview.outcomes",
    ("fct_orders",),
    "select count(is_late) as count_judged from fct_orders where order_date between $first and $last",
)

HANDLING_BOUNDS = Query(
    "overview.handling_bounds",
    ("fct_orders",),
    f"""
    select
        quantile_disc(handling_hours, $low::double) as handling_low,
        quantile_disc(handling_hours, $high::double) as handling_high
    from fct_orders
    where order_date between $from_day and $to_day and {REGION_FILTER}
    """,
)

BY_REGION = Query(
    "overview.by_region", ("fct_orders", "dim_regions"),
    """
    select
        o.region_code, any_value(r.name) as name, count(*) as count_orders, count(o.is_late) as count_judged,
        count(*) filter (where not o.is_late) as count_on_time
    from fct_orders o left join dim_regions r using (region_code)
    where o.order_date between $first and $last
    group by o.region_code
    """,
)  # fmt: skip

TREND = Query(
    "overview.trend", ("fct_orders",),
    f"""
    select
        order_date as day,
        count(*) as count_orders,
        count(*) filter (where is_cancelled) as count_void,
        count(is_late) as count_judged,
        count(*) filter (where not is_late) as count_on_time,
        count(is_touched_by_person) as count_followed,
        count(*) filter (where is_touched_by_person) as count_touched,
        count(review_score) as count_reviews,
        coalesce(sum(review_score), 0)::double as review_points
    from fct_orders
    where order_date between $first::date - 6 and $last and {REGION_FILTER}
    group by order_date
    order by order_date
    """,
)  # fmt: skip

HANDLING_TREND = Query(
    "overview.handling_trend", ("fct_orders",),
    f"""
    select
        order_date as day, count(handling_hours) as count_handled, count(*) as count_orders,
        count(*) filter (where is_cancelled) as count_void,
        quantile_cont(handling_hours, 0.5) as median, quantile_cont(handling_hours, 0.9) as p90
    from fct_orders
    where order_date between $first and $last and {REGION_FILTER}
    group by order_date
    order by order_date
    """,
)  # fmt: skip

OPEN_STATES = "o.delivered_at is null and not o.is_cancelled and o.status not in ('delivered', 'unavailable')"
LATEST_PREDICTION = """
        select * from predictions
        qualify row_number() over (partition by order_id order by scored_at desc, as_of desc) = 1
"""

AT_RISK = Query(
    "overview.at_risk", ("predictions", "fct_orders", "dim_regions"),
    f"""
    with latest as ({LATEST_PREDICTION})
    select
        o.order_id, o.order_code, o.source_system, o.region_code, r.name as region_name, o.promised_at, o.status,
        p.late_probability, p.model_name, p.model_version, p.as_of, p.scored_at
    from latest p
    join fct_orders o using (order_id)
    left join dim_regions r on r.region_code = o.region_code
    where {OPEN_STATES} and o.promised_at > $as_of and ($region is null or o.region_code = $region)
    order by p.late_probability desc, o.order_id
    limit 12
    """,
)  # fmt: skip

OPEN_ORDERS = Query(
    "overview.open_orders", ("predictions", "fct_orders"),
    f"""
    with latest as ({LATEST_PREDICTION})
    select
        count(*) as count_open,
        count(*) filter (where o.promised_at <= $as_of) as count_overdue,
        count(*) filter (where o.promised_at > $as_of) as count_due,
        count(p.order_id) filter (where o.promised_at > $as_of) as count_scored,
        sum(p.late_probability) filter (where o.promised_at > $as_of)::double as expected_late
    from fct_orders o left join latest p using (order_id)
    where {OPEN_STATES} and ($region is null or o.region_code = $region)
    """,
)  # fmt: skip
