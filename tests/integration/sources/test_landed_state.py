"""What can be asked of the landed state: records, days, capabilities, quarantine."""

from datetime import date
from pathlib import Path

import duckdb

from sources.contracts import load_contract
from sources.history import capabilities, landed_days, landing_history
from sources.landing import land
from sources.quarantine import list_quarantine
from sources.record import read_reports
from tests.support.shops import (
    land_files,
    make_adapter,
    order,
    orders_csv,
    write_files,
)
from workspace.settings import Settings


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


def test_personal_values_are_masked_in_listings(settings: Settings, tmp_path: Path) -> None:
    sql = """select 'shop' as source_system, code as customer_code, name as full_name, mail as email, seg as segment,
        _source_file, _source_row from people"""
    adapter = make_adapter(
        tmp_path / "adapter", {"customers": sql}, {"people": {"glob": "p.csv", "columns": ["code", "name", "mail",
            "seg"]}},
        tables={"customers": {"from": "people"}},
    )  # fmt: skip
    land_files(settings, adapter, tmp_path / "x", {"p.csv": "code,name,mail,seg\nK17,Ada,ada@example.org,vip\n"})
    [row] = list_quarantine(settings, "customers")
    assert row.values["full_name"] == row.values["email"] == "•••"
    assert row.values["customer_code"] == "K•••"
    assert row.values["segment"] == "vip"
    assert row.explanations == (
        "segment 'vip' is not one of b2c, b2b. Correct the value, or map it in the adapter's SQL.",
    )
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
    land(
        settings,
        make_adapter(tmp_path / "adapter"),
        tmp_path / "x",
        settle_seconds=0,
        progress=lambda *a: told.append(a),
    )
    assert [what for what, _ in told] == [
        "find the files", "look at orders.csv", "read orders.csv", "land orders", "make it visible",
    ]  # fmt: skip
    assert all(0 <= share <= 1 for _, share in told)
