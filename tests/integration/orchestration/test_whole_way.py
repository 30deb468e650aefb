"""The whole way on a small simulated company."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from orchestration.lib.demo import land_demo
from orchestration.lib.runs import RunOutcome, days_of, run_job, run_unless_current
from orchestration.lib.trace import UnknownOrder, trace_order
from sources.history import landing_history
from workspace.ledger import open_ledger
from workspace.published import open_current
from workspace.settings import Settings

# The whole stack runs in this process; a warning of one of its libraries must not decide how a run ends.
pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.slow, pytest.mark.timeout(1500)]

OI = Path(sys.executable).parent / "oi"


def everything(settings: Settings, force: bool = False) -> RunOutcome:
    return run_unless_current(settings, "everything", days_of(settings, None, None), force, lambda _event: None)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings(home=tmp_path_factory.mktemp("home"), company="demo")
    land_demo(settings, lambda _message: None, days=45)
    return settings


@pytest.fixture(scope="module")
def first_run(company: Settings) -> RunOutcome:
    return everything(company)


@pytest.fixture
def rogue_file(company: Settings) -> Iterator[Path]:
    """A file that somebody put into landing by hand, with orders that have no code."""
    path = company.paths.landing / "orders" / "day=2026-10-30" / "by-hand.parquet"
    some = next(company.paths.landing.glob("orders/day=*/*.parquet"))
    duckdb.execute(f"copy (select * replace (null as order_code) from '{some}' limit 3) to '{path}' (format parquet)")
    yield path
    path.unlink()


def test_the_whole_graph_runs_and_every_check_of_severity_error_passes(first_run: RunOutcome) -> None:
    assert first_run.success, [(step.name, step.error) for step in first_run.steps if step.status == "failed"]
    assert [check for check in first_run.failed_checks if check.severity == "ERROR"] == []
    assert len(first_run.checks) > 50


def test_every_row_that_was_read_is_landed_or_in_quarantine(company: Settings) -> None:
    for report in landing_history(company):
        for table, found in report.tables.items():
            for name, count in found.files.items():
                assert count.read == count.landed + count.quarantined, (table, name)


def test_the_published_orders_are_the_landed_ones(company: Settings, first_run: RunOutcome) -> None:
    landed = company.paths.landing / "orders" / "**" / "*.parquet"
    keys = duckdb.execute(
        f"select count(distinct (source_system, order_code)) from read_parquet('{landed}', union_by_name = true)"
    ).fetchone()
    snapshot = open_current(company.paths.published)
    assert keys == (snapshot.tables["fct_orders"]["rows"],)


def test_a_version_was_trained_audited_gated_and_recorded(company: Settings, first_run: RunOutcome) -> None:
    ledger = open_ledger(company)
    kinds = {event.kind for event in ledger.events("promotions")}
    assert {"registered", "evaluated"} <= kinds
    assert ledger.verify() == []
    ledger.close()


def test_a_second_run_does_nothing_and_says_so(company: Settings, first_run: RunOutcome) -> None:
    before = open_current(company.paths.published).version
    again = everything(company)
    assert again.skipped
    assert again.run_id == first_run.run_id
    assert open_current(company.paths.published).version == before


def test_status_and_doctor_answer_in_json(company: Settings, first_run: RunOutcome) -> None:
    environment = {"OI_HOME": str(company.home), "OI_COMPANY": "demo", "PATH": ""}
    status = subprocess.run([OI, "status", "--json"], capture_output=True, text=True, env=environment, check=True)
    summary = json.loads(status.stdout)
    assert {row["entity"] for row in summary["master_data"]} == {"customers", "products", "warehouses"}
    assert summary["models"][0]["gates"]
    doctor = subprocess.run([OI, "doctor", "--json"], capture_output=True, text=True, env=environment, check=True)
    assert all(store["is_sound"] for store in json.loads(doctor.stdout)["stores"])


def test_an_order_is_traced_to_the_very_lines_it_was_made_from(company: Settings, first_run: RunOutcome) -> None:
    snapshot = open_current(company.paths.published)
    with snapshot.connect() as connection:
        order_id, code, lines = connection.execute(
            "select order_id, order_code, count_lines from fct_orders semi join predictions using (order_id) "
            "where source_system = 'shop' and count_lines > 1 order by order_id limit 1"
        ).fetchone()  # type: ignore[misc]
    found = trace_order(company, order_id)
    assert trace_order(company, code).order_id == order_id
    newest = [record for record in found.records if record.table == "order_lines" and record.is_newest]
    assert len(newest) == found.tables["fct_order_lines"] == lines
    landings = {report.batch for report in landing_history(company)}
    assert {record.batch for record in found.records} <= landings
    order = next(record for record in found.records if record.table == "orders" and record.is_newest)
    text = (Path(order.extract) / order.file).read_text(encoding="utf-8-sig").splitlines()
    assert code in text[order.row - 1]
    assert found.snapshot["run_id"] == first_run.run_id
    (prediction,) = [row for row in found.predictions if row["model_name"] == "late-delivery-risk"]
    made_from = found.model_runs[f"late-delivery-risk/{prediction['model_version']}"]
    assert made_from["dagster_run_id"] == first_run.run_id
    with pytest.raises(UnknownOrder, match="found none"):
        trace_order(company, "no-such-order")


def test_a_failed_check_stops_what_is_downstream_and_the_last_publication_stays(
    company: Settings, first_run: RunOutcome, rogue_file: Path
) -> None:
    before = open_current(company.paths.published).version
    broken = run_job(company, "everything", days_of(company, None, None), lambda _event: None)
    assert not broken.success
    assert [(check.asset, check.severity) for check in broken.failed_checks if check.severity == "ERROR"] == [
        ("landing/orders", "ERROR")
    ]
    done = {step.name for step in broken.steps if step.status == "succeeded"}
    assert done <= {"landing", "sources_on_time", "validate_landing"}
    assert open_current(company.paths.published).version == before
