"""What must hold for stock-out forecasts before they are published: each shelf and horizon once, risks that nest.

Belongs here: checks of forecast rows. Does not belong here: whether the model is good (ml), or what is done about a
risk (decisions/stockouts).
"""

from expectations.checks import (
    Between,
    Check,
    HasColumns,
    HasRows,
    LearnedMeasure,
    NoGroup,
    RowRule,
    Suite,
    UniqueKey,
)  # fmt: skip
from expectations.suites.batches import filled, one_version

TABLE = "stockout_predictions"
KEY = ("warehouse_id", "product_id", "horizon_hours")
FILLED = (*KEY, "region_code", "model_name", "model_version", "as_of", "scored_at", "stockout_probability")

#: What has run out within a day has run out within two; the model may be off by its own noise, not by more.
_SHRINKING = """
select warehouse_id, product_id, max(stockout_probability) filter (where horizon_hours = 24) as within_24,
    max(stockout_probability) filter (where horizon_hours = 72) as within_72
from {batch} group by all having within_24 > within_72 + 0.1
"""


def suite() -> Suite:
    """The suite of one batch of forecasts."""
    return Suite(
        boundary="stock_forecasts",
        title="Stock-out forecasts before publication",
        checks=(
            Check(f"{TABLE}.rows", TABLE, HasRows(), "error", "Publishing nothing would empty the list of alerts."),
            Check(f"{TABLE}.columns", TABLE, HasColumns((*FILLED, "available_units", "expected_units",
                                                         "expected_lost_units")), "error",
                  "Alerts and the console read these columns."),
            *filled(TABLE, FILLED, "A forecast must name its shelf, horizon, model and time to be used and judged."),
            Check(f"{TABLE}.shelf_once", TABLE, UniqueKey(KEY), "error",
                  "A shelf with two risks is alerted twice, and nobody knows which one was acted on."),
            Check(f"{TABLE}.horizon.allowed", TABLE, RowRule("horizon_hours in (24, 48, 72)", ("horizon_hours",)),
                  "error", "Policy and pages know these horizons."),
            Check(f"{TABLE}.probability.range", TABLE, Between("stockout_probability", 0, 1), "error",
                  "Thresholds and costs are only meaningful for probabilities."),
            Check(f"{TABLE}.probability.number", TABLE,
                  RowRule("not isnan(stockout_probability::double)", ("stockout_probability",)), "error",
                  "NaN compares greater than every threshold in DuckDB and would alert about each such shelf."),
            Check(f"{TABLE}.loss_possible", TABLE, RowRule("expected_lost_units >= 0", ("expected_lost_units",)),
                  "error", "A negative loss would be a reason to let a shelf run out."),
            one_version(TABLE),
            Check(f"{TABLE}.risk_grows_with_time", TABLE,
                  NoGroup(_SHRINKING, "the risk within 72 hours is not below that within 24", KEY, "shelf"), "warning",
                  "A risk that shrinks with time says that the horizon did not reach the model."),
            Check(f"{TABLE}.scored_after_count", TABLE, RowRule("scored_at >= as_of", ("scored_at", "as_of")),
                  "warning", "A count from the future is a clock error, or leakage."),
            Check(f"{TABLE}.volume", TABLE, LearnedMeasure("batch size", "count(*)", at_least_relative=0.3), "warning",
                  "A batch far from the usual size was cut off, or shelves were not counted."),
            Check(f"{TABLE}.mean", TABLE,
                  LearnedMeasure("mean risk", "avg(stockout_probability)", at_least_absolute=0.02,
                                 columns=("stockout_probability",)),
                  "warning", "A jump of the mean is drift of the data or a broken feature."),
        ),
        identity={TABLE: (*KEY, "stockout_probability")},
        days={TABLE: "as_of"},
    )  # fmt: skip
