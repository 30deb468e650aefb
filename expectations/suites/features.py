"""What must hold for features before a model learns from them: one row an order, sound numbers, a possible label.

Belongs here: checks of feature tables. Does not belong here: how features are computed, and the proof that they know
nothing of the future (dbt_project and its tests).
"""

from expectations.checks import (
    Check,
    FiniteNumbers,
    HasColumns,
    HasRows,
    LearnedMeasure,
    Measure,
    NoGroup,
    NotNull,
    Reference,
    RowRule,
    Suite,
    UniqueKey,
)  # fmt: skip

TABLE = "feat_order_delivery"
ORDERS = "fct_orders"

_LONG_LABELLED = "case when count(is_late) < 200 then null else avg(is_late::int) end"
_DISAGREES = (
    f"select f.order_id, f.is_late as is_late_feature, o.is_late as is_late_order from {{batch}} f "
    f"inner join {ORDERS} o on o.order_id = f.order_id where f.is_late is distinct from o.is_late"
)


def suite() -> Suite:
    """The features suite."""
    return Suite(
        boundary="features",
        title="Features of order delivery before training and scoring",
        checks=(
            Check(f"{TABLE}.rows", TABLE, HasRows(), "error", "There is nothing to learn from or to score."),
            Check(f"{TABLE}.columns", TABLE,
                  HasColumns(("order_id", "ordered_at", "promised_at", "region_code", "segment", "channel", "is_late",
                              "label_known_at")),
                  "error", "Training splits, labels and audits are built on these columns."),
            Check(f"{TABLE}.order_once", TABLE, UniqueKey(("order_id",)), "error",
                  "An order that is there twice can be in training and test at once, and flatters the model."),
            *(
                Check(f"{TABLE}.{column}.filled", TABLE, NotNull(column), "error",
                      "A row without key, time or region cannot be split by time or audited.")
                for column in ("order_id", "ordered_at", "region_code")
            ),
            Check(f"{TABLE}.order_known", TABLE, Reference(("order_id",), ORDERS, ("order_id",)), "error",
                  "Features of an order that is not in the marts are of another build.", needs=(ORDERS,)),
            Check(f"{TABLE}.finite", TABLE, FiniteNumbers(), "error",
                  "NaN and infinities pass through SQL unseen and stop or silence a model."),
            Check(f"{TABLE}.promise_after_order", TABLE,
                  RowRule("promised_at is null or promised_at >= ordered_at", ("ordered_at", "promised_at")), "error",
                  "A promise before its order makes every such order late by definition."),
            Check(f"{TABLE}.label_after_order", TABLE,
                  RowRule("label_known_at is null or label_known_at >= ordered_at", ("ordered_at", "label_known_at")),
                  "error", "A label known before its order is a clock error that splits by time would trust."),
            Check(f"{TABLE}.label_has_time", TABLE,
                  RowRule("is_late is null or label_known_at is not null", ("is_late", "label_known_at")), "error",
                  "A label whose time is unknown cannot be kept out of the past."),
            Check(f"{TABLE}.label_agrees", TABLE,
                  NoGroup(_DISAGREES, f"is_late agrees with {ORDERS}", ("order_id", "is_late"), "order"), "warning",
                  "Where label and mart differ, the model learns something else than pages show.", needs=(ORDERS,)),
            Check(f"{TABLE}.label_rate.possible", TABLE,
                  Measure("late rate among labelled orders", f"coalesce({_LONG_LABELLED}, 0.5)", 0.0005, 0.9995,
                          ("is_late",)),
                  "error", "A label that is always the same teaches nothing; the promise or the delivery is broken."),
            Check(f"{TABLE}.label_rate.usual", TABLE,
                  Measure("late rate among labelled orders", f"coalesce({_LONG_LABELLED}, 0.1)", 0.005, 0.6,
                          ("is_late",)),
                  "warning", "A late rate outside this range is seldom the business and mostly a time zone."),
            Check(f"{TABLE}.label_rate.history", TABLE,
                  LearnedMeasure("late rate among labelled orders", "avg(is_late::int)", at_least_absolute=0.03,
                                 columns=("is_late",)),
                  "warning", "A jump of the label is drift, or a broken source."),
            Check(f"{TABLE}.region_unknown", TABLE,
                  Measure("share of rows of unknown region", "avg((region_code = 'unknown')::int)", None, 0.2,
                          ("region_code",)),
                  "warning", "What has no region escapes every audit by region."),
            *(
                Check(f"{TABLE}.{column}.mostly_filled", TABLE, NotNull(column, 0.95), "warning",
                      "A group that is mostly empty cannot be reported on.")
                for column in ("promised_at", "segment", "channel")
            ),
            Check(f"{TABLE}.empty_share", TABLE,
                  LearnedMeasure("mean share of empty cells", "{empty_share}", side="upper", at_least_absolute=0.02),
                  "warning", "Features that fall empty are how a broken source first reaches a model."),
            Check(f"{TABLE}.volume", TABLE, LearnedMeasure("number of rows", "count(*)", at_least_relative=0.25),
                  "warning", "A training table that shrinks or swells at once lost or doubled orders."),
        ),
        identity={TABLE: ("order_id", "ordered_at", "region_code")},
        absent={ORDERS: "orders were not given beside the features"},
    )  # fmt: skip
