"""What must hold for features before a model learns from them: one row a grain, sound numbers, a possible label.

Belongs here: checks of feature tables. Does not belong here: how features are computed, and the proof that they know
nothing of the future (dbt_project and its tests).
"""

from collections.abc import Iterator
from itertools import pairwise

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

TABLE, PARCELS, STOCK = "feat_order_delivery", "feat_parcel_delivery", "feat_stock_daily"
ORDERS, SHIPMENTS, INVENTORY = "fct_orders", "fct_shipments", "fct_inventory_daily"

_LONG_LABELLED = "case when count(is_late) < 200 then null else avg(is_late::int) end"
_DISAGREES = (
    f"select f.order_id, f.is_late as is_late_feature, o.is_late as is_late_order from {{batch}} f "
    f"inner join {ORDERS} o on o.order_id = f.order_id where f.is_late is distinct from o.is_late"
)


def suite() -> Suite:
    """The features suite."""
    return Suite(
        boundary="features",
        title="Features before training and scoring",
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
            *_parcels(),
            *_stock(),
        ),
        identity={
            TABLE: ("order_id", "ordered_at", "region_code"),
            PARCELS: ("shipment_id", "allocated_at", "region_code"),
            STOCK: ("stock_key",),
        },
        absent={
            ORDERS: "orders were not given beside the features",
            PARCELS: "capability late_delivery is off",
            STOCK: "capability stock is off",
        },
        days={TABLE: "ordered_at", PARCELS: "order_date", STOCK: "stock_date"},
    )  # fmt: skip


def _filled(table: str, *columns: str) -> Iterator[Check]:
    for column in columns:
        yield Check(f"{table}.{column}.filled", table, NotNull(column), "error",
                    "A row without key, time or region cannot be split by time or audited.")  # fmt: skip


def _of_any_table(table: str) -> Iterator[Check]:
    yield Check(f"{table}.finite", table, FiniteNumbers(), "error",
                "NaN and infinities pass through SQL unseen and stop or silence a model.")  # fmt: skip
    yield Check(f"{table}.empty_share", table,
                LearnedMeasure("mean share of empty cells", "{empty_share}", side="upper", at_least_absolute=0.02),
                "warning", "Features that fall empty are how a broken source first reaches a model.")  # fmt: skip
    yield Check(f"{table}.volume", table, LearnedMeasure("number of rows", "count(*)", at_least_relative=0.25),
                "warning", "A training table that shrinks or swells at once lost or doubled rows.")  # fmt: skip


def _parcels() -> Iterator[Check]:
    yield Check(f"{PARCELS}.columns", PARCELS,
                HasColumns(("shipment_id", "order_id", "order_date", "allocated_at", "promised_at", "region_code",
                            "warehouse_id", "distance_km", "slack_hours", "is_late", "label_known_at")),
                "error", "Routing learns the lateness of each candidate node from these columns.")  # fmt: skip
    yield Check(f"{PARCELS}.parcel_once", PARCELS, UniqueKey(("shipment_id",)), "error",
                "A parcel that is there twice can be in training and test at once.")  # fmt: skip
    yield from _filled(PARCELS, "shipment_id", "order_id", "allocated_at", "region_code", "warehouse_id")
    yield Check(f"{PARCELS}.parcel_known", PARCELS, Reference(("shipment_id",), SHIPMENTS, ("shipment_id",)), "error",
                "Features of a parcel that is not in the marts are of another build.", needs=(SHIPMENTS,))  # fmt: skip
    yield Check(f"{PARCELS}.label_has_time", PARCELS,
                RowRule("(is_late is null) = (label_known_at is null)", ("is_late", "label_known_at")),
                "error", "A label whose time is unknown cannot be kept out of the past.")  # fmt: skip
    yield Check(f"{PARCELS}.label_after_allocation", PARCELS,
                RowRule("label_known_at is null or label_known_at >= allocated_at", ("allocated_at", "label_known_at")),
                "warning", "A label known before its parcel is a clock error that splits trust.")  # fmt: skip
    yield Check(f"{PARCELS}.label_rate.history", PARCELS,
                LearnedMeasure("late rate among labelled parcels", "avg(is_late::int)", at_least_absolute=0.03,
                               columns=("is_late",)),
                "warning", "A jump of the label is drift, or a broken source.")  # fmt: skip
    yield from _of_any_table(PARCELS)


def _stock() -> Iterator[Check]:
    units = tuple(f"allocated_units_{days}" for days in ("today", "7d", "28d", "56d"))
    yield Check(f"{STOCK}.columns", STOCK,
                HasColumns(("stock_key", "warehouse_id", "product_id", "stock_date", "observed_at", "region_code",
                            "on_hand_quantity", "reserved_quantity", "available_quantity", "waiting_units",
                            "daily_units_expected", *units)),
                "error", "Stock-out risk is learned and forecast from these columns.")  # fmt: skip
    yield Check(f"{STOCK}.count_once", STOCK, UniqueKey(("warehouse_id", "product_id", "stock_date")), "error",
                "A shelf that is there twice on a day doubles its demand and its risk.")  # fmt: skip
    yield from _filled(STOCK, "stock_key", "warehouse_id", "product_id", "stock_date", "observed_at", "region_code")
    key = ("warehouse_id", "product_id", "stock_date")
    yield Check(f"{STOCK}.count_known", STOCK, Reference(key, INVENTORY, key), "error",
                "Features of a shelf that was not counted are of another build.", needs=(INVENTORY,))  # fmt: skip
    yield Check(f"{STOCK}.stock_balances", STOCK,
                RowRule("available_quantity = on_hand_quantity - reserved_quantity",
                        ("on_hand_quantity", "reserved_quantity", "available_quantity")),
                "error", "Promising stock that is reserved for somebody else breaks two promises.")  # fmt: skip
    nesting = " and ".join(f"{shorter} <= {longer}" for shorter, longer in pairwise(units[1:]))
    yield Check(f"{STOCK}.windows_nest", STOCK, RowRule(nesting, units[1:]),
                "error", "Demand of a week that exceeds that of its month was counted twice, or lost.")  # fmt: skip
    yield Check(f"{STOCK}.demand_possible", STOCK,
                RowRule("daily_units_expected >= 0 and waiting_units >= 0", ("daily_units_expected", "waiting_units")),
                "error", "Negative demand makes an empty shelf look safe.")  # fmt: skip
    yield Check(f"{STOCK}.stocked_out.history", STOCK,
                LearnedMeasure("share of shelves with nothing available", "avg((available_quantity <= 0)::int)",
                               at_least_absolute=0.03, columns=("available_quantity",)),
                "warning", "Shelves that empty at once are a business in trouble, or a count that failed.")  # fmt: skip
    yield from _of_any_table(STOCK)
