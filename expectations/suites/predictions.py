"""What must hold for a batch of predictions before it is published: sound numbers, one an order, no region forgotten.

Belongs here: checks of scored rows. Does not belong here: whether the model is good (ml), or fair (ml.core.fairness).
"""

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
    Suite,
    UniqueKey,
)  # fmt: skip
from expectations.suites.batches import filled, one_version

TABLE = "predictions"
FEATURES = "feat_order_delivery"
FILLED = ("order_id", "region_code", "model_name", "model_version", "as_of", "scored_at", "late_probability")

#: A region that is this many percentage points over- or under-represented was scored from another population.
REGION_SHARE_TOLERANCE = 0.10

_REGION_SHARES = f"""
select region_code, count_predicted, count_orders, share_predicted, share_orders from (
    select region_code, count_predicted, count_orders,
        count_predicted / sum(count_predicted) over () as share_predicted,
        count_orders / sum(count_orders) over () as share_orders
    from (
        select region_code, sum(predicted) as count_predicted, sum(eligible) as count_orders from (
            select region_code, 1 as predicted, 0 as eligible from {{batch}}
            union all
            select f.region_code, 0, 1 from {FEATURES} f
            where f.order_id in (select order_id from {TABLE}) or f.is_late is null
        ) group by all
    )
) where abs(share_predicted - share_orders) > {REGION_SHARE_TOLERANCE}
"""

_SPREAD = (
    "case when count(*) < 100 then 1.0 else max(late_probability) filter (where isfinite(late_probability::double)) "
    "- min(late_probability) filter (where isfinite(late_probability::double)) end"
)


def suite() -> Suite:
    """The predictions suite. `feat_order_delivery` may be given beside the batch; relations are skipped without it."""
    return Suite(
        boundary="predictions",
        title="Late-delivery predictions before publication",
        checks=(
            Check("predictions.rows", TABLE, HasRows(), "error", "Publishing nothing would empty every risk list."),
            Check("predictions.columns", TABLE, HasColumns(FILLED), "error", "The console reads these columns."),
            *filled(TABLE, FILLED, "A prediction must name its order, region, model and time to be used and audited."),
            Check("predictions.order_once", TABLE, UniqueKey(("order_id", "model_name")), "error",
                  "An order with two risks is ranked twice, and nobody knows which one was acted on."),
            Check("predictions.probability.range", TABLE, Between("late_probability", 0, 1), "error",
                  "Thresholds and costs are only meaningful for probabilities."),
            Check("predictions.probability.number", TABLE,
                  RowRule("not isnan(late_probability::double)", ("late_probability",)), "error",
                  "NaN compares greater than every threshold in DuckDB and would send each such order to a person."),
            one_version(TABLE),
            Check("predictions.spread", TABLE, Measure("spread of probabilities", _SPREAD, 0.001, None,
                  ("late_probability",)), "error", "A constant prediction says that features did not reach the model."),
            Check("predictions.scored_after_cut", TABLE, RowRule("scored_at >= as_of", ("scored_at", "as_of")),
                  "error", "Scoring from data of the future is leakage."),
            Check("predictions.region.shares", TABLE,
                  NoGroup(_REGION_SHARES, "each region's share of predictions is near its share of orders to score",
                          ("order_id", "region_code"), "region"),
                  "warning", "A region that lost its predictions is no longer served by them.", needs=(FEATURES,)),
            Check("predictions.order_known", TABLE, Reference(("order_id",), FEATURES, ("order_id",)), "error",
                  "A prediction for an order without features was made from other data.", needs=(FEATURES,)),
            Check("predictions.region.unknown", TABLE,
                  Measure("share of predictions without a region", "avg((region_code = 'unknown')::int)", None, 0.2,
                          ("region_code",)),
                  "warning", "What has no region escapes every audit by region."),
            Check("predictions.volume", TABLE, LearnedMeasure("batch size", "count(*)", at_least_relative=0.3),
                  "warning", "A batch far from the usual size was cut off or scored twice."),
            Check("predictions.mean", TABLE,
                  LearnedMeasure("mean late probability", "avg(late_probability)", at_least_absolute=0.02,
                                 columns=("late_probability",)),
                  "warning", "A jump of the mean is drift of the data or a broken feature."),
        ),
        identity={TABLE: ("order_id", "region_code", "model_version", "late_probability")},
        absent={FEATURES: "the features were not given beside the batch"},
        days={TABLE: "as_of"},
    )  # fmt: skip
