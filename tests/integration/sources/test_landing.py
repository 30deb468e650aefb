"""What landing promises beyond single rows: counts that add up, landing again, and one visible step."""

import os
import threading
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from sources.contracts import load_contract
from sources.history import capabilities, landed_days, landing_history
from sources.landing import land
from sources.manifest import AdapterError, load_adapter
from sources.quarantine import list_quarantine
from sources.record import read_reports
from sources.store import LandingBusy, landing_lock
from tests.support.shops import (
    ORDER_COLUMNS,
    ORDERS_SQL,
    land_files,
    landed,
    make_adapter,
    order,
    orders_csv,
    quarantined,
    write_files,
)
from workspace.settings import Settings

REGIONS_SQL = "select code as region_code, code as name, 'DE' as country_code, _source_file, _source_row from regions"
EVENTS_SQL = """
select 'shop' as source_system, order_code || '/' || status as event_code, 'shop' as order_source_system, order_code,
    status as event_type, ordered_at as occurred_at, 'system' as actor_kind, _source_file, _source_row
from orders where status <> 'created'
"""
FILES = {
    "orders": {"glob": "orders*.csv", "columns": ORDER_COLUMNS},
    "regions": {"glob": "regions.csv", "columns": ["code"], "optional": True},
}


def test_landed_rows_are_typed_and_carry_their_origin(settings: Settings, tmp_path: Path) -> None:
    adapter = make_adapter(tmp_path / "adapter")
    report = land_files(settings, adapter, tmp_path / "x", {"orders.csv": orders_csv(order("0017"))})
    [row] = landed(settings, "orders", "order_code, ordered_at, total_amount, _source_file, _source_row, _batch, _landed_at")
    assert row[:1] == ("0017",)
    assert row[1] == datetime(2026, 3, 1, 10)
    assert str(row[2]) == "10.00"
    assert row[3:6] == ("orders.csv", 2, report.batch)
    assert abs(row[6] - datetime.now(UTC).replace(tzinfo=None)) < timedelta(minutes=5)
    files = list((settings.paths.landing / "orders").rglob("*.parquet"))
    assert {str(f.relative_to(settings.paths.landing)) for f in files} == {
        "orders/empty.parquet", f"orders/day=2026-03-01/{report.batch}-0.parquet",
    }  # fmt: skip


def test_every_contract_table_can_be_read_even_without_rows(settings: Settings, tmp_path: Path) -> None:
    land_files(settings, make_adapter(tmp_path / "adapter"), tmp_path / "x", {"orders.csv": orders_csv(order())})
    for table in load_contract().values():
        described = duckdb.execute(f"describe from '{settings.paths.landing}/{table.name}/empty.parquet'").fetchall()
        assert [(c.name, c.type) for c in table.columns] == [row[:2] for row in described[: len(table.columns)]]
        assert [row[0] for row in described[-4:]] == ["_source_file", "_source_row", "_batch", "_landed_at"]


def test_the_record_holds_what_was_done(settings: Settings, tmp_path: Path) -> None:
    adapter = make_adapter(tmp_path / "adapter")
    content = orders_csv(order("A1"), order("A2", ordered_at="2026-03-03 00:00:00"), order("A3", status="?"))
    report = land_files(settings, adapter, tmp_path / "x", {"orders.csv": content, "notes.txt": "x"})
    assert landing_history(settings) == [report] == read_reports(settings.paths.landing_files)
    assert report.files[0].rows == 3
    assert report.files[0].size == len(content)
    assert report.unmatched == ("notes.txt",)
    assert report.days == ("2026-03-01", "2026-03-03")
    assert landed_days(settings) == (date(2026, 3, 1), date(2026, 3, 3))


def test_nothing_landed_has_no_days(settings: Settings) -> None:
    assert landed_days(settings) is None
    assert landing_history(settings) == []
    assert list_quarantine(settings) == []
    assert not any(c.is_on for c in capabilities(settings))


def test_landing_again_does_nothing_and_says_so(settings: Settings, tmp_path: Path) -> None:
    adapter = make_adapter(tmp_path / "adapter")
    files = {"orders.csv": orders_csv(order("A1"), order("A2", status="?"))}
    assert land_files(settings, adapter, tmp_path / "x", files).status == "landed"
    before = {p: p.stat().st_mtime_ns for p in settings.paths.root.rglob("*.parquet")}
    again = land_files(settings, adapter, tmp_path / "x", files)
    assert again.status == "already_landed"
    assert again.tables["orders"].skipped == ("orders.csv",)
    assert {p: p.stat().st_mtime_ns for p in settings.paths.root.rglob("*.parquet")} == before
    assert land_files(settings, adapter, tmp_path / "copied", {"orders_renamed.csv": files["orders.csv"]}).status == "already_landed"


def test_only_new_files_land(settings: Settings, tmp_path: Path) -> None:
    adapter, extract = make_adapter(tmp_path / "adapter"), tmp_path / "x"
    land_files(settings, adapter, extract, {"orders_1.csv": orders_csv(order("A1"))})
    report = land_files(settings, adapter, extract, {"orders_2.csv": orders_csv(order("A2"), order("A3"))})
    assert report.tables["orders"].total.read == 2
    assert report.tables["orders"].skipped == ("orders_1.csv",)
    assert [row[0] for row in landed(settings, "orders", "order_code")] == ["A1", "A2", "A3"]
    assert land(settings, adapter, extract, settle_seconds=0).status == "already_landed"


def test_a_full_export_that_changes_and_changes_back_lands_each_time(settings: Settings, tmp_path: Path) -> None:
    adapter, extract = make_adapter(tmp_path / "adapter"), tmp_path / "x"
    for total in ("1.00", "2.00", "1.00"):
        assert land_files(settings, adapter, extract, {"orders.csv": orders_csv(order(total=total))}).status == "landed"
    rows = landed(settings, "orders", "total_amount::varchar, _landed_at")
    assert [row[0] for row in rows] == ["1.00", "2.00", "1.00"]
    assert sorted({row[1] for row in rows}) == [row[1] for row in rows]


def test_a_changed_lookup_lands_all_rows_anew(settings: Settings, tmp_path: Path) -> None:
    sql = ORDERS_SQL.replace("order_code, 'web'", "order_code, (select any_value(name) from channels)") + "\n"
    files = {**FILES, "channels": {"glob": "channels.csv", "columns": ["name"]}}
    adapter = make_adapter(tmp_path / "adapter", {"orders": sql.replace("as channel", "as channel")}, files)
    first = {"orders.csv": orders_csv(order()), "channels.csv": "name\nweb\n"}
    land_files(settings, adapter, tmp_path / "x", first)
    assert land_files(settings, adapter, tmp_path / "x", {"channels.csv": "name\nstore\n"}).status == "landed"
    assert [row[0] for row in landed(settings, "orders", "channel")] == ["web", "store"]


def test_a_changed_adapter_lands_anew(settings: Settings, tmp_path: Path) -> None:
    files = {"orders.csv": orders_csv(order())}
    land_files(settings, make_adapter(tmp_path / "adapter"), tmp_path / "x", files)
    changed = make_adapter(tmp_path / "adapter", {"orders": ORDERS_SQL.replace("'web'", "'store'")})
    assert land_files(settings, changed, tmp_path / "x", files).status == "landed"
    assert [row[0] for row in landed(settings, "orders", "channel")] == ["web", "store"]


def test_a_row_that_the_select_drops_is_quarantined(settings: Settings, tmp_path: Path) -> None:
    adapter = make_adapter(tmp_path / "adapter", {"orders": ORDERS_SQL + "where status <> 'cancelled'"})
    content = orders_csv(order("A1"), order("A2", status="cancelled"), order("A3"))
    report = land_files(settings, adapter, tmp_path / "x", {"orders.csv": content})
    assert report.tables["orders"].files["orders.csv"].__dict__ == {"read": 3, "landed": 2, "quarantined": 1}
    assert quarantined(settings, "orders") == [(["not_mapped"], "orders.csv", 3)]
    [row] = duckdb.execute(f"select raw_values from '{settings.paths.quarantine}/orders/*.parquet'").fetchall()
    assert '"order_code":"A2"' in row[0]


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


def test_derived_rows_are_counted_as_the_select_gives_them(settings: Settings, tmp_path: Path) -> None:
    adapter = make_adapter(tmp_path / "adapter", {"order_events": EVENTS_SQL}, tables={"order_events": {"derived_from": "orders"}})
    content = orders_csv(order("A1"), order("A2", status="shipped"), order("A3", status="shipped", ordered_at="?"), "broken")
    report = land_files(settings, adapter, tmp_path / "x", {"orders.csv": content})
    assert report.tables["order_events"].total.__dict__ == {"read": 3, "landed": 1, "quarantined": 2}
    assert [r[0] for r in quarantined(settings, "order_events")] == [["type:occurred_at"], ["malformed:too_few_fields"]]


def test_unknown_regions_are_refused_once_regions_are_known(settings: Settings, tmp_path: Path) -> None:
    adapter = make_adapter(tmp_path / "adapter", {"orders": ORDERS_SQL, "regions": REGIONS_SQL}, FILES)
    extract = tmp_path / "x"
    land_files(settings, adapter, extract, {"orders_1.csv": orders_csv(order("A1", region="XX"))})
    land_files(settings, adapter, extract, {"regions.csv": "code\nBE\n", "orders_2.csv": orders_csv(order("A2", region="XX"))})
    land_files(settings, adapter, extract, {"orders_3.csv": orders_csv(order("A3", region="BE"), order("A4", region="YY"))})
    assert [row[0] for row in landed(settings, "orders", "order_code")] == ["A1", "A3"]
    assert [r[0] for r in quarantined(settings, "orders")] == [["reference:ship_to_region_code"]] * 2


def test_a_code_that_an_earlier_landing_announced_is_known(settings: Settings, tmp_path: Path) -> None:
    events = EVENTS_SQL.replace("from orders where status <> 'created'", "from scans").replace("ordered_at as", "moment as")
    adapter = make_adapter(
        tmp_path / "adapter", {"orders": ORDERS_SQL, "order_events": events},
        {**FILES, "scans": {"glob": "scans*.csv", "columns": ["order_code", "status", "moment"], "optional": True}},
        tables={"orders": {"from": "orders"}, "order_events": {"from": "scans"}},
    )  # fmt: skip
    land_files(settings, adapter, tmp_path / "x", {"orders.csv": orders_csv(order("A1"), order("A2"))})
    report = land_files(settings, adapter, tmp_path / "x", {
        "scans.csv": "order_code,status,moment\nA1,shipped,2026-03-02\nB7,shipped,2026-03-02\n"})  # fmt: skip
    assert report.tables["order_events"].warnings["unknown_code:order_code"].samples == ("scans.csv:3",)
    assert report.tables["order_events"].warnings["unknown_code:order_code"].count == 1


def test_a_clock_that_went_back_does_not_make_old_rows_the_newest(settings: Settings, tmp_path: Path) -> None:
    adapter, extract = make_adapter(tmp_path / "adapter"), tmp_path / "x"
    first = land_files(settings, adapter, extract, {"orders.csv": orders_csv(order(total="1.00"))})
    ahead = datetime.fromisoformat(first.started_at) + timedelta(days=1)
    record = settings.paths.landing_files / f"{first.batch}.json"
    record.write_text(replace(first, started_at=ahead.isoformat()).as_json(), encoding="utf-8")
    second = land_files(settings, adapter, extract, {"orders.csv": orders_csv(order(total="2.00"))})
    assert datetime.fromisoformat(second.started_at) > ahead
    assert second.batch > first.batch


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
    report = land_files(settings, adapter, tmp_path / "x", {"regions.csv": "kode\nBE\n", "orders.csv": "order_code\nA1\n"})
    assert {(p["file"], p["rule"]) for p in report.problems} == {("regions.csv", "missing_column"), ("orders.csv", "missing_column")}
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


def test_personal_values_are_masked_in_listings(settings: Settings, tmp_path: Path) -> None:
    sql = """select 'shop' as source_system, code as customer_code, name as full_name, mail as email, seg as segment,
        _source_file, _source_row from people"""
    adapter = make_adapter(
        tmp_path / "adapter", {"customers": sql}, {"people": {"glob": "p.csv", "columns": ["code", "name", "mail", "seg"]}},
        tables={"customers": {"from": "people"}},
    )  # fmt: skip
    land_files(settings, adapter, tmp_path / "x", {"p.csv": "code,name,mail,seg\nK17,Ada,ada@example.org,vip\n"})
    [row] = list_quarantine(settings, "customers")
    assert row.values["full_name"] == row.values["email"] == "•••"
    assert row.values["customer_code"] == "K•••"
    assert row.values["segment"] == "vip"
    assert row.explanations == ("segment 'vip' is not one of b2c, b2b. Correct the value, or map it in the adapter's SQL.",)
    assert (row.source_file, row.source_row, row.reasons) == ("p.csv", 2, ("enum:segment",))
    assert "Ada" not in str(row)
    assert list_quarantine(settings, "orders") == []


def test_capabilities_follow_the_tables_that_have_rows(settings: Settings, tmp_path: Path) -> None:
    land_files(settings, make_adapter(tmp_path / "adapter"), tmp_path / "x", {"orders.csv": orders_csv(order())})
    found = {(c.name, c.table): c for c in capabilities(settings)}
    assert found["core", "orders"].is_on
    assert not found["core", "customers"].is_on
    assert not found["late_delivery", "shipments"].is_on
    assert found["late_delivery", "shipments"].reason == "shipments is needed and has no rows"


def test_progress_is_told(settings: Settings, tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    write_files(tmp_path / "x", {"orders.csv": orders_csv(order())})
    land(settings, make_adapter(tmp_path / "adapter"), tmp_path / "x", settle_seconds=0, progress=lambda *a: told.append(a))
    assert [what for what, _ in told] == [
        "find the files", "look at orders.csv", "read orders.csv", "land orders", "make it visible",
    ]  # fmt: skip
    assert all(0 <= share <= 1 for _, share in told)


def test_an_observation_of_severity_error_refuses_the_extract(settings: Settings, tmp_path: Path) -> None:
    observations = {
        "too_cheap": {"message": "Cheap.", "sql": "select _source_file, _source_row from orders where total::double < 5"},
        "free": {"message": "For nothing.", "severity": "error", "remedy": "Charge something.",
                 "sql": "select _source_file, _source_row from orders where total::double = 0"},
    }  # fmt: skip
    adapter = make_adapter(tmp_path / "adapter", observations=observations)
    report = land_files(settings, adapter, tmp_path / "x", {"orders.csv": orders_csv(order(total="1"))})
    assert report.observations["too_cheap"].samples == ("orders.csv:2",)
    refused = land_files(settings, adapter, tmp_path / "x", {"orders.csv": orders_csv(order(total="0"))})
    assert [(p["rule"], p["remedy"]) for p in refused.problems] == [("free", "Charge something.")]


def test_sqlite_files_and_files_of_the_adapter(settings: Settings, tmp_path: Path) -> None:
    import sqlite3
    from contextlib import closing

    files = {"orders": {"glob": "shop.sqlite", "format": "sqlite", "table": "Orders", "columns": ORDER_COLUMNS},
             "regions": {"glob": "reference/r.csv", "origin": "adapter", "columns": ["code"]}}  # fmt: skip
    adapter = make_adapter(tmp_path / "adapter", {"orders": ORDERS_SQL, "regions": REGIONS_SQL}, files)
    write_files(tmp_path / "adapter", {"reference/r.csv": "code\nBE\n"})
    (tmp_path / "x").mkdir()
    with closing(sqlite3.connect(tmp_path / "x" / "shop.sqlite")) as database:
        database.execute(f"create table Orders ({', '.join(ORDER_COLUMNS)})")
        for code in ("A1", "A2"):
            database.execute(f"insert into Orders values ({', '.join('?' * len(ORDER_COLUMNS))})", order(code, region="BE").split(","))
        database.commit()
    report = land(settings, load_adapter(tmp_path / "adapter"), tmp_path / "x", settle_seconds=0)
    assert report.status == "landed", report.problems
    assert landed(settings, "orders", "order_code, _source_file, _source_row") == [("A1", "shop.sqlite", 1), ("A2", "shop.sqlite", 2)]
    assert [f.name for f in report.files] == ["shop.sqlite", "adapter:reference/r.csv"]
    assert adapter.name == "shop"
