"""Checks by day: a planted defect is shown on its own day, in words that say how its bound came about."""

import duckdb

from expectations.day_matrix import day_matrix
from expectations.report import DayFinding, load_report
from expectations.runner import validate
from tests.integration.expectations.conftest import Company
from tests.support import validation_data as data
from workspace.settings import Settings


def failed_days(company: Company, boundary: str, id: str) -> dict[str, str]:
    """Day → what was observed, for the days on which a check failed."""
    by_day = company.check(boundary, id).by_day
    assert by_day is not None
    return {day: found.observed for day, found in by_day.items() if found.status == "failed"}


def test_a_defect_is_shown_on_its_day(spoilt: Company) -> None:
    first = "2026-03-01"  # of the orders o_0 to o_19
    assert failed_days(spoilt, "marts", "fct_order_lines.quantity_balances") == {first: "1 of 39 rows"}
    assert failed_days(spoilt, "features", "feat_order_delivery.order_once") == {first: "2 of 21 rows"}
    assert failed_days(spoilt, "landing", "orders.status.allowed") == {"2026-05-01": "2 of 24 rows"}
    assert failed_days(spoilt, "landing", "orders.customer_code.known") == {"2026-05-01": "2 of 24 rows"}
    assert failed_days(spoilt, "marts", "fct_orders.volume")["2026-05-10"].startswith(
        "40; median 20 of the last 30 days ± 5 (the larger of 5 robust spreads of 0 and the floor 5)"
    )


def test_what_holds_for_the_table_holds_on_every_day(sound: Company) -> None:
    orders = [check for check in sound.reports["marts"].checks if check.table == "fct_orders"]
    told = {check.id: check.by_day for check in orders if check.by_day is not None}
    assert told["fct_orders.late_as_defined"] == {}
    assert all(found.status == "skipped" for days in told.values() for found in days.values())
    # Accounts between tables and columns that must be there say nothing about single days.
    assert "fct_orders.count_lines_add_up" not in told
    assert "fct_orders.columns" not in told
    assert sum(sound.reports["marts"].rows_by_day["fct_orders"].values()) == data.DAYS * data.ORDERS_A_DAY


def test_a_share_may_fail_on_a_day_though_the_table_passes(settings: Settings) -> None:
    path = settings.paths.ensure().warehouse
    data.build_warehouse(path, ("update feat_order_delivery set segment = null where order_id in ('o_40', 'o_41')",))
    check = next(
        c for c in validate(settings, "features").checks if c.id == "feat_order_delivery.segment.mostly_filled"
    )
    assert check.status == "passed"
    assert check.by_day == {"2026-03-03": DayFinding("failed", "2 of 20 rows")}


def test_a_day_without_rows_is_told_by_its_volume(settings: Settings) -> None:
    path = settings.paths.ensure().warehouse
    data.build_warehouse(path, ("delete from feat_order_delivery where ordered_at::date = date '2026-04-20'",))
    report = validate(settings, "features")
    matrix = day_matrix([report], "feat_order_delivery", last=40)
    place = matrix.days.index("2026-04-20")
    assert matrix.counts[place] == 0
    cells = {row.check.id: row.cells[place] for row in matrix.rows}
    assert cells["feat_order_delivery.volume"].mark == "warned"
    assert cells["feat_order_delivery.volume"].observed.startswith("0; median 20 of the last 30 days")
    assert cells["feat_order_delivery.order_once"].mark == "skipped"


def test_the_matrix_keeps_what_earlier_runs_said(settings: Settings) -> None:
    path = settings.paths.ensure().warehouse
    data.build_warehouse(path, ("update feat_order_delivery set label_known_at = null where order_id = 'o_19'",))
    validate(settings, "features", run_id="broken")
    with duckdb.connect(str(path)) as connection:
        connection.execute("update feat_order_delivery set label_known_at = ordered_at where order_id = 'o_19'")
        connection.execute("delete from feat_order_delivery where ordered_at::date = date '2026-03-02'")
        connection.execute("delete from feat_order_delivery where ordered_at::date > date '2026-03-04'")
    validate(settings, "features", run_id="mended")
    folder = settings.paths.validations / "features"
    matrix = day_matrix([load_report(folder / f"{run}.json") for run in ("broken", "mended")], "feat_order_delivery", 5)
    assert matrix.days[-1] == "2026-05-14"  # known to the first run alone
    matrix = day_matrix(matrix.runs, "feat_order_delivery", 3, until="2026-03-03")
    row = next(row for row in matrix.rows if row.check.id == "feat_order_delivery.label_has_time")
    assert [cell.marks for cell in row.cells] == [("failed", "passed"), ("passed", "skipped"), ("passed", "passed")]
    assert "| feat_order_delivery.label_has_time | P | - | P |" in matrix.as_markdown()
