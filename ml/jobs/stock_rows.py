"""The rows that stock-out risk is learned from and asked for: counts of `feat_stock_daily`, each with a horizon.

Belongs here: the SQL over the published table that adds horizon, label and what depends on the horizon. Does not belong
here: features that stand in the table (dbt_project).

A label is made from later rows of the same table, so that a day's row need not be built again when the next day lands:
one of the counts within the horizon found nothing available, and the last day of the horizon was counted. Rows with
nothing available are left out: what has run out cannot be foreseen.
"""

from datetime import datetime

HORIZONS = (24, 48, 72)
#: Rows that are learned from, about; a larger table is thinned by the digest of its keys.
MOST_ROWS = 120_000
#: Horizon that alerts act on, and rows that are looked back on, about.
ALERT_HOURS = 48
MOST_ROWS_LOOKED_BACK_ON = 2_000_000

_OF_HORIZON = """
    horizon_hours || ' h' as horizon,
    waiting_units + daily_units_expected * horizon_hours / 24.0 as expected_units,
    available_quantity - waiting_units - daily_units_expected * horizon_hours / 24.0 as cushion_units,
    (available_quantity - waiting_units - daily_units_expected * horizon_hours / 24.0)
        / sqrt(0.25 + waiting_units + daily_units_expected * horizon_hours / 24.0) as cushion_deviations,
    case horizon_hours
        when 24 then inbound_units_due_24h when 48 then inbound_units_due_48h else inbound_units_due_72h
    end as inbound_units_due,
    allocated_units_squared_56d / nullif(allocated_units_56d, 0) as lump_units,
    available_quantity * 28.0 / nullif(allocated_units_28d, 0) as cover_days
"""

#: Half-octaves of the days of cover: the usual rule, as groups whose past rate can be looked up.
_COVER_BAND = "coalesce(cast(round(2 * log2(cover_days)) as varchar), 'no demand') as cover_band"


def labelled(horizon: str, most_rows: int, since: datetime | None = None) -> str:
    """Counts with something left, each with a horizon and what came of it; thinned to about `most_rows`.

    Args:
        horizon: SQL of the hours.
        most_rows: Rows, about.
        since: Only counts from then on, in UTC without a zone, as `observed_at` is.
    """
    reach = "cast(horizon_hours // 24 as integer)"
    return f"""
(
    with thinned as (
        select *
        from {{table}}
        where {f"observed_at >= timestamp '{since}'" if since else "true"}
        qualify md5_number_upper(stock_key) % greatest(1, count(*) over () // {most_rows}) = 0
    ),
    asked as (
        select *, {horizon} as horizon_hours
        from thinned
        where available_quantity > 0
    ),
    outcomes as (
        select
            asked.stock_key,
            min(later.available_quantity) as least_available,
            max(later.stock_date) as last_counted,
            min(later.observed_at) filter (where later.available_quantity <= 0) as ran_out_at
        from asked
        inner join {{table}} as later
            on asked.warehouse_id = later.warehouse_id
            and asked.product_id = later.product_id
            and later.stock_date > asked.stock_date
            and later.stock_date <= asked.stock_date + {reach}
        group by asked.stock_key
    ),
    widened as (
        select asked.*, {_OF_HORIZON} from asked
    )
    select
        widened.*,
        {_COVER_BAND},
        case when last_counted = stock_date + {reach} then cast(least_available <= 0 as integer) end as is_stocked_out,
        epoch(ran_out_at - observed_at) / 3600.0 as hours_to_out,
        observed_at + to_hours(cast(horizon_hours as bigint)) as matures_at
    from widened
    left join outcomes using (stock_key)
)
"""


#: Learned from and judged: one horizon a row, by the digest of its key.
LABELLED = labelled(
    f"list_value({', '.join(map(str, HORIZONS))})[cast(1 + md5_number_lower(stock_key) % {len(HORIZONS)} as bigint)]",
    MOST_ROWS,
)


def looked_back_on(since: datetime) -> str:
    """Alerts looked back on: every count from then on, at the horizon that they act on."""
    return labelled(str(ALERT_HOURS), MOST_ROWS_LOOKED_BACK_ON, since)


#: Asked for now: the newest count of each node and product, at every horizon.
NEWEST = f"""
(
    with newest as (
        select *
        from {{table}}
        where available_quantity > 0 and stock_date = (select max(stock_date) from {{table}})
    ),
    asked as (
        select newest.*, horizons.horizon_hours
        from newest
        cross join (values {", ".join(f"({hours})" for hours in HORIZONS)}) as horizons (horizon_hours)
    )
    select *, {_OF_HORIZON} from asked
)
"""
