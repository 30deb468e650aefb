"""What landing refuses as a whole, in which words, and what it leaves untouched."""

import os
import threading
import time
from pathlib import Path

import pytest

from sources.history import landing_history
from sources.landing import land
from sources.manifest import AdapterError
from sources.store import LandingBusy, landing_lock
from tests.support.shops import (
    ORDER_COLUMNS,
    ORDERS_SQL,
    land_files,
    landed,
    make_adapter,
    order,
    orders_csv,
    write_files,
)
from workspace.settings import Settings

REGIONS_SQL = "select code as region_code, code as name, 'DE' as country_code, _source_file, _source_row from regions"
FILES = {
    "orders": {"glob": "orders*.csv", "columns": ORDER_COLUMNS},
    "regions": {"glob": "regions.csv", "columns": ["code"], "optional": True},
}


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        (ORDERS_SQL.replace("from orders", "from orders, range(2)"), "made 2 rows of orders.csv, line 2"),
        (ORDERS_SQL.replace("_source_row\n", "_source_row + 97 as _source_row\n"), ", which is not there"),
        (ORDERS_SQL.replace("'web' as channel", "'web' as chanel"), "gives chanel, which the contract does not have"),
        (ORDERS_SQL.replace(", changed as updated_at,\n    _source_file", "\n    "), "_source_file"),
        (ORDERS_SQL.replace("status", "state"), "state"),
        ("select nonsense from", "cannot be parsed"),
        ("select 1 as order_code, 'f' as _source_file, 1 as _source_row", "does not read 'orders'"),
    ],
)  # fmt: skip
def test_a_wrong_select_ends_the_landing_and_shows_nothing(
    settings: Settings, tmp_path: Path, sql: str, words: str
) -> None:  # fmt: skip
    adapter = make_adapter(tmp_path / "adapter", {"orders": sql})
    with pytest.raises(AdapterError) as error:
        land_files(settings, adapter, tmp_path / "x", {"orders.csv": orders_csv(order("A1"), order("A2"))})
    assert words in str(error.value)
    assert "orders.sql" in str(error.value)
    assert not list(settings.paths.landing.rglob("*.parquet"))


def test_a_file_that_grows_while_it_is_watched_is_refused(settings: Settings, tmp_path: Path) -> None:
    adapter, extract = make_adapter(tmp_path / "adapter"), tmp_path / "x"
    path = write_files(extract, {"orders.csv": orders_csv(order())}) / "orders.csv"
    stop = threading.Event()

    def write_on() -> None:
        while not stop.is_set():
            # Opened for each line only, so that no open descriptor gives the writer away.
            with path.open("a") as stream:
                stream.write(order(str(time.monotonic_ns())) + "\n")
            time.sleep(0.02)

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        report = land(settings, adapter, extract, settle_seconds=0.3)
    finally:
        stop.set()
        writer.join()
    assert report.status == "refused"
    assert "still being written" in report.problems[0]["message"]


def test_a_file_that_somebody_has_open_for_writing_is_refused(settings: Settings, tmp_path: Path) -> None:
    adapter, extract = make_adapter(tmp_path / "adapter"), tmp_path / "x"
    path = write_files(extract, {"orders.csv": orders_csv(order())}) / "orders.csv"
    with path.open("a"):
        report = land(settings, adapter, extract, settle_seconds=0)
    assert [p["rule"] for p in report.problems] == ["still_being_written"]
    assert "open for writing" in report.problems[0]["message"]
    assert land(settings, adapter, extract, settle_seconds=0).status == "landed"


def test_all_problems_are_told_together(settings: Settings, tmp_path: Path) -> None:
    adapter = make_adapter(tmp_path / "adapter", {"orders": ORDERS_SQL, "regions": REGIONS_SQL},
                           {**FILES, "regions": {"glob": "regions.csv", "columns": ["code"]}})  # fmt: skip
    report = land_files(
        settings, adapter, tmp_path / "x", {"regions.csv": "kode\nBE\n", "orders.csv": "order_code\nA1\n"}
    )
    assert {(p["file"], p["rule"]) for p in report.problems} == {
        ("regions.csv", "missing_column"),
        ("orders.csv", "missing_column"),
    }
    assert len([p for p in report.problems if p["file"] == "orders.csv"]) == 7


def test_a_missing_extract_and_a_file_in_its_place_are_named(settings: Settings, tmp_path: Path) -> None:
    adapter = make_adapter(tmp_path / "adapter")
    assert "does not exist" in land(settings, adapter, tmp_path / "gone").problems[0]["message"]
    (tmp_path / "file").write_text("x")
    assert "is a file" in land(settings, adapter, tmp_path / "file").problems[0]["message"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_named(settings: Settings, tmp_path: Path) -> None:
    adapter = make_adapter(tmp_path / "adapter")
    path = write_files(tmp_path / "x", {"orders.csv": orders_csv(order())}) / "orders.csv"
    path.chmod(0)
    assert land(settings, adapter, tmp_path / "x").problems[0]["rule"] == "unreadable_file"


def test_a_refused_extract_leaves_what_had_landed(settings: Settings, tmp_path: Path) -> None:
    adapter, extract = make_adapter(tmp_path / "adapter"), tmp_path / "x"
    land_files(settings, adapter, extract, {"orders.csv": orders_csv(order())})
    report = land_files(settings, adapter, extract, {"orders.csv": b"\x00\xff\xfe"})
    assert report.status == "refused"
    assert len(landed(settings, "orders")) == 1
    assert [r.status for r in landing_history(settings)] == ["landed", "refused"]


def test_two_landings_do_not_meet(settings: Settings, tmp_path: Path) -> None:
    adapter = make_adapter(tmp_path / "adapter")
    with landing_lock(settings.paths, 0), pytest.raises(LandingBusy, match="One landing at a time"):
        land_files(settings, adapter, tmp_path / "x", {"orders.csv": orders_csv(order())})


def test_an_observation_of_severity_error_refuses_the_extract(settings: Settings, tmp_path: Path) -> None:
    observations = {
        "too_cheap": {"message": "Cheap.",
        "sql": "select _source_file, _source_row from orders where total::double < 5"},
        "free": {"message": "For nothing.", "severity": "error", "remedy": "Charge something.",
                 "sql": "select _source_file, _source_row from orders where total::double = 0"},
    }  # fmt: skip
    adapter = make_adapter(tmp_path / "adapter", observations=observations)
    report = land_files(settings, adapter, tmp_path / "x", {"orders.csv": orders_csv(order(total="1"))})
    assert report.observations["too_cheap"].samples == ("orders.csv:2",)
    refused = land_files(settings, adapter, tmp_path / "x", {"orders.csv": orders_csv(order(total="0"))})
    assert [(p["rule"], p["remedy"]) for p in refused.problems] == [("free", "Charge something.")]
