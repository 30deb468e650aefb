"""Running a validation: files and databases found and let go, bad input named, history kept and learnt from."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from expectations import report as reporting
from expectations.boundaries import UnknownBoundary
from expectations.docs import build_docs
from expectations.engine import open_database
from expectations.report import InvalidRunId
from expectations.runner import NothingToValidate, validate
from tests.support import validation_data as data
from workspace.settings import Settings
from workspace.warehouse import WarehouseBusy, warehouse_lock


@pytest.fixture
def warehouse(settings: Settings) -> Iterator[Path]:
    """A sound warehouse at the company's place."""
    path = settings.paths.ensure().warehouse
    data.build_warehouse(path)
    yield path
    # Whatever a test did, no handle may be left: any other way to open the file must work.
    duckdb.connect(str(path), read_only=True).close()
    duckdb.connect(str(path)).close()


def test_the_file_is_free_after_a_validation(settings: Settings, warehouse: Path) -> None:
    validate(settings, "features")
    with duckdb.connect(str(warehouse), read_only=True, config={"threads": 1}) as connection:
        assert connection.execute("select count(*) from fct_orders").fetchone() == (data.DAYS * data.ORDERS_A_DAY,)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create table written_afterwards as select 1")


def test_the_file_is_free_after_an_error(settings: Settings, warehouse: Path) -> None:
    with pytest.raises(RuntimeError, match="stop"), open_database(settings, warehouse):
        raise RuntimeError("stop")
    duckdb.connect(str(warehouse)).close()


def test_validation_cannot_write(settings: Settings, warehouse: Path) -> None:
    with open_database(settings, warehouse) as opened, pytest.raises(Exception, match="read-only mode"):
        opened.rows("create table sneaked as select 1")


def test_the_warehouse_is_read_under_its_lock(settings: Settings, warehouse: Path) -> None:
    with warehouse_lock(settings, "a build"), pytest.raises(WarehouseBusy, match="a build"):
        validate(settings, "features")


def test_keywords_as_column_names_are_quoted(settings: Settings, tmp_path: Path) -> None:
    """`at` and `left` may not stand bare in DuckDB; the stock dialect leaves them so."""
    from sqlalchemy import column, create_engine, select, table

    engine = create_engine("duckdb+gx:///:memory:")
    statement = select(column("at"), column("left"), column("plain")).select_from(table("t"))
    assert str(statement.compile(engine)).split("\n")[0] == 'SELECT "at", "left", plain '
    engine.dispose()


def test_columns_of_tables_and_views_are_told_in_their_order(tmp_path: Path) -> None:
    from sqlalchemy import create_engine, inspect
    from sqlalchemy.exc import NoSuchTableError

    path = tmp_path / "some.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute('create table one ("left" integer not null, b double, "Ab" varchar)')
        connection.execute('create view two as select b, "left" from one')
        connection.execute("create schema other; create table other.one (c integer)")
    engine = create_engine(f"duckdb+gx:///{path}")
    found = inspect(engine)
    assert [(c["name"], c["nullable"]) for c in found.get_columns("one")] == [
        ("left", False), ("b", True), ("Ab", True)
    ]  # fmt: skip
    assert [c["name"] for c in found.get_columns("two")] == ["b", "left"]
    assert [c["name"] for c in found.get_columns("one", schema="other")] == ["c"]
    with pytest.raises(NoSuchTableError, match="three"):
        found.get_columns("three")
    engine.dispose()


def test_validations_of_two_threads_wait_for_each_other(settings: Settings, tmp_path: Path) -> None:
    database = tmp_path / "copy.duckdb"
    data.build_warehouse(database)
    threads = [
        threading.Thread(target=validate, args=(settings, boundary), kwargs={"database": database})
        for boundary in ("features", "marts", "features")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reporting.reports(settings, "features")) == 2
    assert all(r.success for b in ("features", "marts") for r in reporting.reports(settings, b))


def test_a_missing_database_is_named(settings: Settings) -> None:
    with pytest.raises(NothingToValidate, match=r"warehouse\.duckdb does not\. Build it first"):
        validate(settings, "marts")


def test_database_and_files_at_once_are_refused(settings: Settings, warehouse: Path) -> None:
    with pytest.raises(NothingToValidate, match="Give one"):
        validate(settings, "marts", database=warehouse, files={})


def test_an_unknown_boundary_or_run_id_is_refused_before_any_work(settings: Settings) -> None:
    with pytest.raises(UnknownBoundary):
        validate(settings, "moon")
    with pytest.raises(InvalidRunId):
        validate(settings, "marts", run_id="../../etc")


def test_nothing_landed_fails_for_required_tables_and_skips_the_others(settings: Settings) -> None:
    report = validate(settings, "landing")
    assert sorted(check.id for check in report.failed()) == ["customers.rows", "order_lines.rows", "orders.rows"]
    assert {check.observed for check in report.checks if check.table == "shipments"} == {
        "shipments is not there: capability late_delivery is off"
    }


def test_a_damaged_parquet_fails_its_table_only_and_quotes_nothing(settings: Settings) -> None:
    landing = settings.paths.ensure().landing
    data.build_landing(landing, tables=("customers", "orders", "order_lines", "products"))
    file = next((landing / "products").rglob("*.parquet"))
    file.write_bytes(file.read_bytes()[:200])
    report = validate(settings, "landing")
    assert [check.id for check in report.failed()] == ["products.readable"]
    assert not report.success
    known = next(check for check in report.checks if check.id == "order_lines.product_code.known")
    assert (known.status, known.observed.split(":")[0]) == ("skipped", "products cannot be read")


def test_one_file_can_be_validated_alone(settings: Settings, tmp_path: Path) -> None:
    data.build_landing(tmp_path, spoil=["update orders set status = 'lost' where order_code = 'order_code-1'"])
    report = validate(
        settings, "landing", files={"orders": tmp_path / "orders" / "day=2026-05-01" / "batch1-0.parquet"}
    )
    failed = {check.id for check in report.failed()}
    assert failed == {"orders.status.allowed", "customers.rows", "order_lines.rows"}


def test_many_files_are_one_table(settings: Settings, tmp_path: Path) -> None:
    """Many small files are copied first, and the copy is gone afterwards; the answer is the same."""
    data.build_landing(tmp_path, tables=("orders",))
    folder = tmp_path / "orders"
    for day in range(2, 25):
        (folder / f"day=2026-05-{day:02}").mkdir()
        (folder / f"day=2026-05-{day:02}" / "b.parquet").hardlink_to(folder / "day=2026-05-01" / "batch1-0.parquet")
    report = validate(settings, "landing", files={"orders": folder})
    once = next(check for check in report.checks if check.id == "orders.key.once")
    assert report.rows["orders"] == 24 * data.LANDED_ROWS
    assert (once.status, once.unexpected_count) == ("failed", data.LANDED_ROWS)
    assert list(settings.paths.spill.iterdir()) == []


def test_predictions_are_the_batch_that_was_scored_last(settings: Settings, warehouse: Path) -> None:
    first, second = (settings.paths.predictions / f"as_of={day}" / "batch.parquet" for day in ("1", "2"))
    for batch in (first, second):
        batch.parent.mkdir(parents=True)
        data.build_batch("predictions", batch, warehouse)
    os.utime(first, ns=(1, 1))
    report = validate(settings, "predictions")
    assert report.success
    assert report.rows["predictions"] == data.OPEN_DAYS * data.ORDERS_A_DAY


def test_an_empty_required_table_fails(settings: Settings, warehouse: Path) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("delete from feat_order_delivery")
    report = validate(settings, "features")
    assert [(check.id, check.observed) for check in report.failed()] == [("feat_order_delivery.rows", "0 rows")]


def test_history_makes_bounds_and_a_jump_fails_as_warning(settings: Settings, tmp_path: Path) -> None:
    database = tmp_path / "history.duckdb"
    data.build_warehouse(database)
    for run in range(5):
        report = validate(settings, "features", database=database, run_id=f"run-{run}")
        rate = next(check for check in report.checks if check.id.endswith("label_rate.history"))
        assert rate.status == "skipped"
        assert rate.observed.startswith(f"insufficient history: {run} of 5 runs; 0.1")
    steady = validate(settings, "features", database=database, run_id="run-5")
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            "update feat_order_delivery set is_late = true where hour_of_day < 8 and is_late is not null"
        )
        connection.execute(
            "update fct_orders o set is_late = f.is_late from feat_order_delivery f where f.order_id = o.order_id"
        )
    jumped = validate(settings, "features", database=database, run_id="run-6")
    before = next(check for check in steady.checks if check.id.endswith("label_rate.history"))
    after = next(check for check in jumped.checks if check.id.endswith("label_rate.history"))
    assert before.status == "passed"
    assert (after.status, after.severity) == ("failed", "warning")
    assert after.expected == "late rate among labelled orders is between 0.07 and 0.13"
    assert after.basis is not None
    assert after.basis.startswith("median 0.1 of the last 6 runs")
    assert jumped.success


def test_a_check_that_cannot_be_evaluated_fails_with_the_reason(settings: Settings, warehouse: Path) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("alter table feat_order_delivery alter promised_at type varchar using 'soon'")
    report = validate(settings, "features")
    broken = next(check for check in report.checks if check.id.endswith("promise_after_order"))
    assert broken.status == "failed"
    assert broken.observed.startswith("could not be evaluated: ")
    assert "soon" not in broken.observed


def test_docs_show_the_newest_runs_and_drop_pages_of_older_ones(
    settings: Settings, warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("expectations.docs.RUNS_KEPT", 2)
    for run in ("a", "b"):
        validate(settings, "features", run_id=run)
    index = build_docs(settings)
    validate(settings, "features", run_id="c+1")
    assert build_docs(settings) == index
    pages = sorted(page.name for page in (index.parent / "runs" / "features").iterdir())
    assert pages == ["b.html", "c+1.html"]
    assert 'href="runs/features/c%2B1.html"' in (index.parent / "features.html").read_text()
    assert len(reporting.reports(settings, "features")) == 3


def test_docs_of_nothing_say_so(settings: Settings) -> None:
    assert "Nothing was validated yet" in build_docs(settings).read_text()


def test_hostile_values_stay_text_on_pages(settings: Settings, warehouse: Path) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("""
            insert into feat_order_delivery
            select * replace ('<img src=x onerror=alert(1)>' as order_id) from feat_order_delivery limit 1""")
    validate(settings, "features", run_id="hostile")
    page = (build_docs(settings).parent / "runs" / "features" / "hostile.html").read_text()
    assert "&lt;img src=x" in page
    assert "<img" not in page
