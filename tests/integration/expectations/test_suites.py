"""Each suite passes on data in order, and finds each planted defect under its id, severity and count."""

import pytest

from tests.integration.expectations.conftest import BOUNDARIES, Company

#: Boundary, check, severity, offending rows (None: the check measures a number or a set of columns).
PLANTED = [
    ("landing", "customers.source_system.filled", "error", 1),
    ("landing", "orders.status.allowed", "error", 2),
    ("landing", "orders.currency.pattern", "error", 1),
    ("landing", "orders.promised_not_before_ordered", "error", 1),
    ("landing", "orders.total_adds_up", "warning", 1),
    ("landing", "orders.customer_code.known", "warning", 2),  # the unknown one, and the customer without source system
    ("landing", "order_lines.quantity.range", "error", 1),
    ("landing", "order_lines.line_amount_adds_up", "warning", 1),
    ("landing", "reviews.key.once", "error", 1),
    ("landing", "products.gtin.pattern", "error", 1),
    ("landing", "shipments.batch.filled", "error", 1),
    ("master_data", "xref_customers.code_once", "error", 2),
    ("master_data", "xref_products.no_orphan", "error", 1),
    ("master_data", "xref_warehouses.covers", "error", 1),
    ("master_data", "dim_products.cluster_possible", "error", 1),
    ("master_data", "dim_products.cluster_usual", "warning", 1),
    ("master_data", "dim_customers.email_shared", "warning", 1),
    ("master_data", "dim_customers.email_shape", "warning", 1),
    ("marts", "fct_orders.late_as_defined", "error", 1),
    ("marts", "fct_orders.delivered_after_ordered", "error", 1),
    ("marts", "fct_orders.count_lines_add_up", "error", 1),
    ("marts", "fct_order_lines.quantity_balances", "error", 1),
    ("marts", "fct_shipments.order_known", "warning", 1),
    ("marts", "fct_shipments.distance_km.range", "error", 1),
    ("marts", "fct_inventory_daily.stock_balances", "error", 1),
    ("marts", "kpi_daily.orders_add_up", "error", 2),  # the planted day, and the day that arrived twice
    ("marts", "kpi_daily.on_time_pct.range", "error", 1),
    ("marts", "fct_orders.day_volume", "warning", 1),
    ("features", "feat_order_delivery.finite", "error", 2),
    ("features", "feat_order_delivery.order_once", "error", 1),
    ("features", "feat_order_delivery.label_has_time", "error", 1),
    ("features", "feat_order_delivery.columns", "error", None),
    ("features", "feat_parcel_delivery.parcel_once", "error", 1),
    ("features", "feat_parcel_delivery.label_has_time", "error", 1),
    ("features", "feat_stock_daily.windows_nest", "error", 1),
    ("features", "feat_stock_daily.demand_possible", "error", 1),
    ("features", "feat_stock_daily.count_known", "error", 1),
    ("stock_forecasts", "stockout_predictions.probability.range", "error", 1),
    ("stock_forecasts", "stockout_predictions.risk_grows_with_time", "warning", 1),
    ("stock_forecasts", "stockout_predictions.horizon.allowed", "error", 1),
    ("stock_forecasts", "stockout_predictions.loss_possible", "error", 1),
    ("stock_forecasts", "stockout_predictions.shelf_once", "error", 1),
    ("lead_time_forecasts", "lead_time_predictions.bounds_rise", "error", 1),
    ("lead_time_forecasts", "lead_time_predictions.finite", "error", 1),
    (
        "lead_time_forecasts",
        "lead_time_predictions.promise_covers_hours",
        "error",
        2,
    ),  # NaN hours are covered by no date
    ("lead_time_forecasts", "lead_time_predictions.order_once", "error", 1),
    ("lead_time_forecasts", "lead_time_predictions.service_possible", "error", 1),
    ("lead_time_forecasts", "lead_time_predictions.ordered_before_cut", "error", 1),
    ("predictions", "predictions.probability.range", "error", 2),
    ("predictions", "predictions.probability.number", "error", 1),
    ("predictions", "predictions.order_once", "error", 1),
    ("predictions", "predictions.one_version", "error", 1),
    ("predictions", "predictions.scored_after_cut", "error", 1),
    ("predictions", "predictions.order_known", "error", 1),
    ("predictions", "predictions.region.shares", "warning", 3),
]


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_suite_passes_on_data_in_order(sound: Company, boundary: str) -> None:
    report = sound.reports[boundary]
    assert [(c.id, c.observed) for c in report.failed()] == []
    assert report.success
    assert report.count("passed") > 15


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_only_learning_checks_are_skipped_on_complete_data(sound: Company, boundary: str) -> None:
    skipped = [check for check in sound.reports[boundary].checks if check.status == "skipped"]
    assert all(check.observed.startswith("insufficient history: 0 of 5 runs") for check in skipped)
    assert all(check.severity == "warning" for check in skipped)


@pytest.mark.parametrize(("boundary", "id", "severity", "count"), PLANTED)
def test_a_planted_defect_is_found(spoilt: Company, boundary: str, id: str, severity: str, count: int | None) -> None:
    check = spoilt.check(boundary, id)
    assert (check.status, check.severity, check.unexpected_count) == ("failed", severity, count)
    if count is not None:
        assert 1 <= len(check.sample) <= 5


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_report_with_a_failed_error_is_no_success(spoilt: Company, boundary: str) -> None:
    assert not spoilt.reports[boundary].success


def test_every_failure_was_planted(spoilt: Company) -> None:
    found = {(b, check.id) for b, report in spoilt.reports.items() for check in report.failed()}
    planted = {(boundary, id) for boundary, id, _, _ in PLANTED}
    consequences = {
        ("master_data", "dim_products.has_source"),
        ("master_data", "dim_products.records_add_up"),
        ("master_data", "dim_customers.records_add_up"),
        ("features", "feat_order_delivery.label_agrees"),
        ("features", "feat_order_delivery.segment.mostly_filled"),
    }
    assert found - planted - consequences == set()


def test_a_cancelled_parcel_is_not_missed_by_its_order(spoilt: Company) -> None:
    """`count_shipments` leaves cancelled parcels out, and so does the check."""
    assert spoilt.check("marts", "fct_orders.count_shipments_add_up").status == "passed"


def test_checks_of_a_missing_column_are_skipped_and_the_column_is_named(spoilt: Company) -> None:
    missing = spoilt.check("features", "feat_order_delivery.channel.mostly_filled")
    assert (missing.status, missing.observed) == ("skipped", "feat_order_delivery has no column channel")
    assert spoilt.check("features", "feat_order_delivery.columns").observed == "missing: channel"


def test_checks_of_an_empty_table_are_skipped_with_the_capability_that_is_off(spoilt: Company) -> None:
    checks = [check for check in spoilt.reports["landing"].checks if check.table == "returns"]
    assert checks
    assert {(c.status, c.observed) for c in checks} == {("skipped", "returns has no rows: capability returns is off")}
