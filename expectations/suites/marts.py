"""What must hold where marts leave the warehouse for readers: tables that agree with each other and with their past.

Belongs here: relations between marts, accounts that must balance across tables, volumes and distributions.
Does not belong here: types, keys and references of a single mart; dbt contracts and tests enforce them on every build.
"""

from collections.abc import Iterator

from expectations.checks import (
    Between,
    Check,
    HasColumns,
    HasRows,
    LearnedMeasure,
    Measure,
    NoGroup,
    Reference,
    RowRule,
    Severity,
    Suite,
)  # fmt: skip

ORDERS, LINES, SHIPMENTS, EVENTS = "fct_orders", "fct_order_lines", "fct_shipments", "fct_order_events"
STOCK, KPI = "fct_inventory_daily", "kpi_daily"

#: A day is compared with the same weekday of this many weeks before it, and judged once it has that many fourths.
WEEKS_OF_PAST, WEEKS_NEEDED = 8, 4


def suite() -> Suite:
    """The marts suite."""
    return Suite(
        boundary="marts",
        title="Marts and KPIs before publication",
        checks=(*_orders(), *_lines(), *_shipments(), *_events(), *_stock(), *_kpi()),
        identity={
            ORDERS: ("order_id", "order_date", "region_code"),
            LINES: ("order_id", "line_number"),
            SHIPMENTS: ("shipment_id", "order_id"),
            EVENTS: ("event_id", "order_id"),
            STOCK: ("warehouse_id", "product_id", "stock_date"),
            KPI: ("kpi_date", "region_code"),
        },
        absent={
            SHIPMENTS: "capability late_delivery is off",
            EVENTS: "capability handling_time is off",
            STOCK: "capability stock is off",
        },
        days={
            ORDERS: "order_date",
            LINES: "order_date",
            SHIPMENTS: "order_date",
            EVENTS: "event_date",
            STOCK: "stock_date",
            KPI: "kpi_date",
        },
    )


def day_volume_query(day: str) -> str:
    """Days of the last week whose row count is far from the same weekday's past.

    The last day of the data is left out, since it is usually unfinished. Far is more than 5 robust spreads and more
    than half of the median away; a day without any row counts as zero.
    """
    return f"""
with counted as (select cast({day} as date) as day, count(*) as count_rows from {{batch}} group by all),
calendar as (
    select unnest(generate_series(min(day), max(day) - 1, interval 1 day))::date as day
    from counted having max(day) > min(day)
),
days as (select c.day, coalesce(n.count_rows, 0) as count_rows from calendar c left join counted n on n.day = c.day),
judged as (
    select d.day, d.count_rows, count(*) as count_past, median(p.count_rows) as usual_rows, mad(p.count_rows) as spread
    from days d inner join days p
        on p.day < d.day and p.day >= d.day - {7 * WEEKS_OF_PAST} and (d.day - p.day) % 7 = 0
    where d.day > (select max(day) from days) - 7
    group by d.day, d.count_rows
)
select day, count_rows, usual_rows from judged
where count_past >= {WEEKS_NEEDED}
    and abs(count_rows - usual_rows) > greatest(5 * 1.4826 * spread, 0.5 * usual_rows)
order by day
"""


def _day_volume(table: str, day: str) -> Check:
    return Check(
        f"{table}.day_volume", table,
        NoGroup(day_volume_query(day), "each full day of the last week is near its weekday's past", (day,), "day"),
        "warning", "A day that is missing or doubled hides in a total, and shifts every figure of that day.",
    )  # fmt: skip


def _columns(table: str, *names: str) -> Check:
    why = "Pages, features and reports read these columns."
    return Check(f"{table}.columns", table, HasColumns(names), "error", why)


def _row(table: str, name: str, condition: str, columns: tuple[str, ...], severity: Severity, why: str) -> Check:
    return Check(f"{table}.{name}", table, RowRule(condition, columns), severity, why)


def _children_add_up(column: str, child: str, counted: str, why: str) -> Check:
    """`column` of each order equals the rows of `child` that it should count."""
    query = (
        f"select o.order_id, o.{column}, coalesce(c.count_found, 0) as count_found "
        f"from (select order_id, {column} from {{batch}}) o left join "
        f"(select order_id, count(*) as count_found from {child} where {counted} group by order_id) c "
        f"on c.order_id = o.order_id where o.{column} <> coalesce(c.count_found, 0)"
    )
    rule = NoGroup(query, f"{column} equals the order's rows in {child}", ("order_id", column), "order")
    return Check(f"{ORDERS}.{column}_add_up", ORDERS, rule, "error", why, (child,))


def _order_known(table: str) -> Check:
    """Rows of orders that never landed are kept under their own day; how many there are must be seen."""
    why = f"Rows of {table} without their order are in no regional figure; land the orders that they name."
    return Check(
        f"{table}.order_known", table, Reference(("order_id",), ORDERS, ("order_id",)), "warning", why, (ORDERS,)
    )


def _orders() -> Iterator[Check]:
    yield Check(f"{ORDERS}.rows", ORDERS, HasRows(), "error", "Publishing no order would empty every page.")
    yield _columns(
        ORDERS, "order_id", "order_date", "ordered_at", "promised_at", "delivered_at", "region_code", "is_late",
        "count_lines", "count_shipments", "is_cross_region", "total_amount",
    )  # fmt: skip
    yield _row(
        ORDERS, "delivered_after_ordered", "delivered_at is null or delivered_at >= ordered_at",
        ("ordered_at", "delivered_at"), "error", "Lead times would be negative; check the carrier's time zone.",
    )  # fmt: skip
    yield _row(
        ORDERS, "late_as_defined", "is_late is null or is_late = (delivered_at > promised_at)",
        ("is_late", "delivered_at", "promised_at"), "error",
        "Lateness is what models learn and audits judge; it has one definition.",
    )  # fmt: skip
    yield _children_add_up("count_lines", LINES, "true", "A line that is lost between tables is lost from sales.")
    yield _children_add_up(
        "count_shipments", SHIPMENTS, "coalesce(status, '') <> 'cancelled'",
        "A parcel that is lost between tables takes its delivery time along.",
    )  # fmt: skip
    yield Check(
        f"{ORDERS}.region_known", ORDERS,
        Measure("share of unknown region", "avg((region_code = 'unknown')::int)", None, 0.2, ("region_code",)),
        "warning", "Orders of unknown region are outside every regional audit.",
    )  # fmt: skip
    for name, says, expression, columns, floor in (
        ("late_rate", "late rate", "avg(is_late::int)", ("is_late",), 0.03),
        ("cross_region_rate", "cross-region rate", "avg(is_cross_region::int)", ("is_cross_region",), 0.05),
        ("total_mean", "mean order total", "avg(total_amount)", ("total_amount",), 0.0),
        ("promise_missing", "share without promise", "avg((promised_at is null)::int)", ("promised_at",), 0.02),
    ):  # fmt: skip
        yield Check(
            f"{ORDERS}.{name}", ORDERS, LearnedMeasure(says, expression, at_least_absolute=floor, columns=columns),
            "warning", "A jump of this figure is news from the business, or a broken source; find out which.",
        )  # fmt: skip
    yield Check(
        f"{ORDERS}.volume", ORDERS, LearnedMeasure("number of orders", "count(*)", at_least_relative=0.25), "warning",
        "Orders that vanish or double between two builds were lost or landed twice.",
    )  # fmt: skip
    yield _day_volume(ORDERS, "order_date")


def _lines() -> Iterator[Check]:
    yield Check(f"{LINES}.rows", LINES, HasRows(), "error", "Orders without lines say nothing about goods.")
    yield _columns(
        LINES, "order_id", "line_number", "order_date", "quantity", "shipped_quantity", "cancelled_quantity",
        "open_quantity",
    )  # fmt: skip
    yield _row(
        LINES, "quantity_balances", "quantity = shipped_quantity + cancelled_quantity + open_quantity",
        ("quantity", "shipped_quantity", "cancelled_quantity", "open_quantity"), "error",
        "Ordered goods are shipped, cancelled or open; anything else was invented or lost.",
    )  # fmt: skip
    yield _order_known(LINES)
    yield _day_volume(LINES, "order_date")


def _shipments() -> Iterator[Check]:
    yield _columns(
        SHIPMENTS, "shipment_id", "order_id", "status", "shipped_at", "delivered_at", "distance_km", "lead_time_hours"
    )
    yield _row(
        SHIPMENTS, "delivered_after_shipped",
        "delivered_at is null or shipped_at is null or delivered_at >= shipped_at",
        ("shipped_at", "delivered_at"), "warning", "Compare the clocks of warehouse and carrier.",
    )  # fmt: skip
    yield Check(
        f"{SHIPMENTS}.distance_km.range", SHIPMENTS, Between("distance_km", 0, 20_038), "error",
        "No two places on Earth are farther apart than half its circumference; a position is wrong.",
    )  # fmt: skip
    yield Check(
        f"{SHIPMENTS}.lead_time_hours.range", SHIPMENTS, Between("lead_time_hours", 0, 24 * 365), "warning",
        "A parcel that took more than a year was found again or mistyped, and outweighs a thousand others.",
    )  # fmt: skip

    yield _order_known(SHIPMENTS)


def _events() -> Iterator[Check]:
    yield _order_known(EVENTS)
    yield _columns(EVENTS, "event_id", "order_id", "occurred_at", "recorded_at")
    yield _row(
        EVENTS, "recorded_after_occurred", "recorded_at is null or recorded_at >= occurred_at",
        ("occurred_at", "recorded_at"), "warning", "A record older than its event leaks the future into features.",
    )  # fmt: skip


def _stock() -> Iterator[Check]:
    yield _columns(
        STOCK, "warehouse_id", "product_id", "stock_date", "on_hand_quantity", "reserved_quantity",
        "available_quantity", "is_stocked_out",
    )  # fmt: skip
    yield _row(
        STOCK, "stock_balances", "available_quantity = on_hand_quantity - coalesce(reserved_quantity, 0)",
        ("on_hand_quantity", "reserved_quantity", "available_quantity"), "error",
        "Promising stock that is reserved for somebody else breaks two promises.",
    )  # fmt: skip
    yield _row(
        STOCK, "stocked_out_as_defined", "is_stocked_out = (available_quantity <= 0)",
        ("is_stocked_out", "available_quantity"), "error", "Stock-outs are what models learn; there is one definition.",
    )  # fmt: skip


def _kpi() -> Iterator[Check]:
    yield _columns(KPI, "kpi_date", "region_code", "count_orders", "count_delivered", "count_late", "on_time_pct")
    yield _row(
        KPI, "counts_nest", "count_late <= count_delivered and count_delivered <= count_orders",
        ("count_late", "count_delivered", "count_orders"), "error", "A rate above one hundred per cent was published.",
    )  # fmt: skip
    for column in ("on_time_pct", "human_intervention_pct", "cross_region_pct"):
        yield Check(
            f"{KPI}.{column}.range", KPI, Between(column, 0, 100), "error", "A share lies between 0 and 100 per cent."
        )
    totals = (
        "select sum(count_kpi) as count_kpi, sum(count_fct) as count_fct, day from ("
        "select kpi_date as day, count_orders as count_kpi, 0 as count_fct from {batch} "
        f"union all select order_date, 0, 1 from {ORDERS}) group by day having sum(count_kpi) <> sum(count_fct)"
    )
    yield Check(
        f"{KPI}.orders_add_up", KPI,
        NoGroup(totals, f"orders of a day equal those of {ORDERS}", ("kpi_date", "count_orders"), "day"), "error",
        "A KPI that does not add up to its orders is of another build.", (ORDERS,),
    )  # fmt: skip
