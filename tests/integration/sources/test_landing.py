"""What landing promises beyond single rows: counts that add up, landing again, and one visible step."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from sources.landing import land
from sources.manifest import load_adapter
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
    [row] = landed(
        settings, "orders", "order_code, ordered_at, total_amount, _source_file, _source_row, _batch, _landed_at"
    )
    assert row[:1] == ("0017",)
    assert row[1] == datetime(2026, 3, 1, 10)
    assert str(row[2]) == "10.00"
    assert row[3:6] == ("orders.csv", 2, report.batch)
    assert abs(row[6] - datetime.now(UTC).replace(tzinfo=None)) < timedelta(minutes=5)
    files = list((settings.paths.landing / "orders").rglob("*.parquet"))
    assert {str(f.relative_to(settings.paths.landing)) for f in files} == {
        "orders/empty.parquet", f"orders/day=2026-03-01/{report.batch}-0.parquet",
    }  # fmt: skip


def test_landing_again_does_nothing_and_says_so(settings: Settings, tmp_path: Path) -> None:
    adapter = make_adapter(tmp_path / "adapter")
    files = {"orders.csv": orders_csv(order("A1"), order("A2", status="?"))}
    assert land_files(settings, adapter, tmp_path / "x", files).status == "landed"
    before = {p: p.stat().st_mtime_ns for p in settings.paths.root.rglob("*.parquet")}
    again = land_files(settings, adapter, tmp_path / "x", files)
    assert again.status == "already_landed"
    assert again.tables["orders"].skipped == ("orders.csv",)
    assert {p: p.stat().st_mtime_ns for p in settings.paths.root.rglob("*.parquet")} == before
    assert (
        land_files(settings, adapter, tmp_path / "copied", {"orders_renamed.csv": files["orders.csv"]}).status
        == "already_landed"
    )


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


def test_content_that_moves_to_a_changed_file_lands_as_the_newest(settings: Settings, tmp_path: Path) -> None:
    adapter, extract = make_adapter(tmp_path / "adapter"), tmp_path / "x"
    one, two = orders_csv(order(total="1.00")), orders_csv(order(total="2.00"))
    land_files(settings, adapter, extract, {"orders_a.csv": one})
    land_files(settings, adapter, extract, {"orders_b.csv": two})
    assert land_files(settings, adapter, extract, {"orders_b.csv": one}).status == "landed"
    assert [row[0] for row in landed(settings, "orders", "total_amount::varchar")] == ["1.00", "2.00", "1.00"]


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


def test_derived_rows_are_counted_as_the_select_gives_them(settings: Settings, tmp_path: Path) -> None:
    adapter = make_adapter(
        tmp_path / "adapter", {"order_events": EVENTS_SQL}, tables={"order_events": {"derived_from": "orders"}}
    )
    content = orders_csv(
        order("A1"), order("A2", status="shipped"), order("A3", status="shipped", ordered_at="?"), "broken"
    )
    report = land_files(settings, adapter, tmp_path / "x", {"orders.csv": content})
    assert report.tables["order_events"].total.__dict__ == {"read": 3, "landed": 1, "quarantined": 2}
    assert [r[0] for r in quarantined(settings, "order_events")] == [["type:occurred_at"], ["malformed:too_few_fields"]]


def test_unknown_regions_are_refused_once_regions_are_known(settings: Settings, tmp_path: Path) -> None:
    adapter = make_adapter(tmp_path / "adapter", {"orders": ORDERS_SQL, "regions": REGIONS_SQL}, FILES)
    extract = tmp_path / "x"
    land_files(settings, adapter, extract, {"orders_1.csv": orders_csv(order("A1", region="XX"))})
    land_files(
        settings, adapter, extract, {"regions.csv": "code\nBE\n", "orders_2.csv": orders_csv(order("A2", region="XX"))}
    )
    land_files(
        settings, adapter, extract, {"orders_3.csv": orders_csv(order("A3", region="BE"), order("A4", region="YY"))}
    )
    assert [row[0] for row in landed(settings, "orders", "order_code")] == ["A1", "A3"]
    assert [r[0] for r in quarantined(settings, "orders")] == [["reference:ship_to_region_code"]] * 2


def test_a_code_that_an_earlier_landing_announced_is_known(settings: Settings, tmp_path: Path) -> None:
    events = EVENTS_SQL.replace("from orders where status <> 'created'", "from scans").replace(
        "ordered_at as", "moment as"
    )
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
            database.execute(
                f"insert into Orders values ({', '.join('?' * len(ORDER_COLUMNS))})",
                order(code, region="BE").split(","),
            )
        database.commit()
    report = land(settings, load_adapter(tmp_path / "adapter"), tmp_path / "x", settle_seconds=0)
    assert report.status == "landed", report.problems
    assert landed(settings, "orders", "order_code, _source_file, _source_row") == [
        ("A1", "shop.sqlite", 1),
        ("A2", "shop.sqlite", 2),
    ]
    assert [f.name for f in report.files] == ["shop.sqlite", "adapter:reference/r.csv"]
    assert adapter.name == "shop"


@pytest.mark.parametrize("given", ["ordered_at", "to_utc(ordered_at, 'America/Lima')"])
@pytest.mark.parametrize(
    "value", ["294247-01-10 04:00:54", "294247-01-10 04:00:54.775806", "290309-12-22 (BC) 00:00:00"]
)
def test_a_time_at_the_end_of_time_is_refused_alone(settings: Settings, tmp_path: Path, given: str, value: str) -> None:
    """DuckDB raises an error where it shifts or casts such a time, which would end the landing of all other rows."""
    sql = ORDERS_SQL.replace("ordered_at, promised_at", f"{given} as ordered_at, promised_at")
    adapter = make_adapter(tmp_path / "adapter", sql={"orders": sql})
    lines = orders_csv(order("A1"), order("A2", ordered_at=value))
    report = land_files(settings, adapter, tmp_path / "x", {"orders.csv": lines})
    assert (report.tables["orders"].total.landed, report.tables["orders"].reasons) == (1, {"type:ordered_at": 1})
