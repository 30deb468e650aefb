"""Landed rows that were found sound are not read again while they lie there unchanged, and the answer is the same."""

import shutil
from pathlib import Path

import duckdb
import pytest

from expectations.report import CheckResult, ValidationReport
from expectations.runner import validate
from tests.support import validation_data as data
from workspace.settings import Settings

TABLES = ("customers", "orders", "order_lines", "products")


@pytest.fixture(scope="module")
def validated(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A landing that is in order and was validated once; read-only."""
    settings = Settings(home=tmp_path_factory.mktemp("validated"), company="acme")
    data.build_landing(settings.paths.ensure().landing, tables=TABLES)
    assert validate(settings, "landing", run_id="first").success
    return settings


@pytest.fixture
def landing(settings: Settings, validated: Settings) -> Path:
    """The landing of a copy of that company."""
    shutil.copytree(validated.paths.root, settings.paths.root, dirs_exist_ok=True)
    return settings.paths.landing


def add(landing: Path, table: str, change: str = "", batch: str = "batch2") -> None:
    """Land a table's rows again, as a batch of their own a day later, with columns replaced."""
    first = next((landing / table).rglob("batch1-0.parquet"))
    folder = landing / table / "day=2026-05-02"
    folder.mkdir(exist_ok=True)
    columns = ", ".join(filter(None, (f"'{batch}' as _batch", change)))
    duckdb.execute(f"copy (select * replace ({columns}) from '{first}') to '{folder / f'{batch}-0.parquet'}'")


def found(report: ValidationReport, id: str) -> CheckResult:
    return next(check for check in report.checks if check.id == id)


def test_a_night_reads_what_was_added(settings: Settings, landing: Path) -> None:
    add(landing, "orders")
    report = validate(settings, "landing")
    assert report.success
    assert report.rows["orders"] == 2 * data.LANDED_ROWS
    assert report.rows_read == {"customers": 0, "orders": data.LANDED_ROWS, "order_lines": 0, "products": 0}
    assert found(report, "orders.status.allowed").observed == "0 of 80 rows"
    assert sum(report.rows_by_day["orders"].values()) == 80
    assert validate(settings, "landing").rows_read["orders"] == 0


def test_a_defect_among_the_added_is_found_and_told_by_day(settings: Settings, landing: Path) -> None:
    add(landing, "orders", "if(order_code = 'order_code-1', 'lost', status) as status")
    for _ in range(2):  # what failed is looked at again, until it is mended
        report = validate(settings, "landing")
        broken = found(report, "orders.status.allowed")
        assert [check.id for check in report.failed() if check.blocks] == ["orders.status.allowed"]
        assert (broken.observed, len(broken.sample)) == ("1 of 80 rows", 1)
        assert broken.by_day is not None
        assert {day.observed.split()[0] for day in broken.by_day.values()} == {"1"}
    assert validate(settings, "landing").rows_read["orders"] == 0


def test_the_same_key_in_the_same_batch_is_found(settings: Settings, landing: Path) -> None:
    add(landing, "orders", "'order_code-1' as order_code")
    once = found(validate(settings, "landing"), "orders.key.once")
    assert (once.status, once.unexpected_count) == ("failed", 1)


def test_a_file_that_was_changed_is_read_again(settings: Settings, landing: Path) -> None:
    data.build_landing(landing, ["update orders set status = 'lost' where order_code = 'order_code-1'"], TABLES)
    report = validate(settings, "landing")
    assert found(report, "orders.status.allowed").status == "failed"
    assert "orders" not in report.rows_read


def test_a_reference_is_asked_again_when_what_it_points_to_went(settings: Settings, landing: Path) -> None:
    for file in (landing / "customers").rglob("*.parquet"):
        duckdb.execute(
            f"copy (from '{file}' where customer_code <> 'customer_code-1') to '{file}.new' (format parquet)"
        )
        Path(f"{file}.new").replace(file)
    report = validate(settings, "landing")
    assert found(report, "orders.customer_code.known").status == "failed"


def test_an_unknown_code_is_forgiven_once_its_record_lands(settings: Settings, landing: Path) -> None:
    add(landing, "orders", "'late-' || customer_code as customer_code")
    assert found(validate(settings, "landing"), "orders.customer_code.known").unexpected_count == data.LANDED_ROWS
    add(landing, "customers", "'late-' || customer_code as customer_code")
    assert found(validate(settings, "landing"), "orders.customer_code.known").status == "passed"
