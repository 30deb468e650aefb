"""What must hold for lead times before they are published: each open order once, bounds that rise, promises after it.

Belongs here: checks of forecast rows. Does not belong here: whether intervals hold what they say (ml/jobs/watch).
"""

from expectations.checks import (
    Check,
    HasColumns,
    HasRows,
    LearnedMeasure,
    Measure,
    RowRule,
    Suite,
    UniqueKey,
)  # fmt: skip
from expectations.suites.batches import filled, one_version

TABLE = "lead_time_predictions"
BOUNDS = ("lower_hours", "median_hours", "upper_hours", "promise_hours")
FILLED = (
    "order_id", "region_code", "model_name", "model_version", "as_of", "scored_at", "ordered_at", *BOUNDS,
    "service_level", "suggested_promise_at", "is_beyond_interval",
)  # fmt: skip


def suite() -> Suite:
    """The suite of one batch of lead times."""
    return Suite(
        boundary="lead_time_forecasts",
        title="Lead times of open orders before publication",
        checks=(
            Check(f"{TABLE}.rows", TABLE, HasRows(), "warning", "No order is open, or the snapshot is of another day."),
            Check(f"{TABLE}.columns", TABLE, HasColumns(FILLED), "error", "The order's page reads these columns."),
            *filled(TABLE, FILLED, "A lead time must name its order, model and bounds to be used and judged."),
            Check(f"{TABLE}.order_once", TABLE, UniqueKey(("order_id",)), "error",
                  "An order with two promises is told one and held to the other."),
            Check(f"{TABLE}.bounds_rise", TABLE,
                  RowRule("0 <= lower_hours and lower_hours <= median_hours and median_hours <= upper_hours",
                          BOUNDS[:3]),
                  "error", "Bounds that cross are no interval."),
            Check(f"{TABLE}.finite", TABLE,
                  RowRule(" and ".join(f"isfinite({name}::double)" for name in BOUNDS), BOUNDS), "error",
                  "NaN and infinities pass through SQL unseen and become dates that no calendar has."),
            Check(f"{TABLE}.promise_covers_hours", TABLE,
                  RowRule("epoch(suggested_promise_at - ordered_at) / 3600 >= promise_hours",
                          ("ordered_at", "promise_hours", "suggested_promise_at")),
                  "error", "A date before its own hours is kept less often than its service level says."),
            Check(f"{TABLE}.service_possible", TABLE, RowRule("service_level between 0.5 and 0.99", ("service_level",)),
                  "error", "Promises are calibrated within these levels only."),
            one_version(TABLE),
            Check(f"{TABLE}.ordered_before_cut", TABLE, RowRule("ordered_at <= as_of", ("ordered_at", "as_of")),
                  "error", "An order of the future is a clock error, or leakage."),
            Check(f"{TABLE}.beyond", TABLE,
                  Measure("share of open orders beyond their interval", "avg(is_beyond_interval::int)", None, 0.5,
                          ("is_beyond_interval",)),
                  "warning", "When most open orders have outlived their intervals, deliveries do not arrive as data."),
            Check(f"{TABLE}.volume", TABLE, LearnedMeasure("batch size", "count(*)", at_least_relative=0.3), "warning",
                  "A batch far from the usual size was cut off, or deliveries are missing."),
            Check(f"{TABLE}.median", TABLE,
                  LearnedMeasure("mean of the medians", "avg(median_hours)", at_least_relative=0.1,
                                 columns=("median_hours",)),
                  "warning", "A jump of the mean is drift of the data or a broken feature."),
        ),
        identity={TABLE: ("order_id", "median_hours", "suggested_promise_at")},
        days={TABLE: "as_of"},
    )  # fmt: skip
