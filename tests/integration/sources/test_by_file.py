"""Tables that the manifest tells `by_file`: a night lands its own files and opens no others, whatever the table."""

from pathlib import Path
from typing import Any

import pytest

from sources.landing import land
from sources.manifest import Adapter, AdapterError, load_adapter
from tests.support.shops import land_files, landed, make_adapter, write_files
from workspace.settings import Settings

FILES = {
    "scans": {"glob": "scans_*.csv", "columns": ["scan", "parcel", "at"]},
    "parcels": {"glob": "parcels_*.csv", "columns": ["parcel", "order_no"]},
}
EVENTS = """
with of_parcel as (select parcel, any_value(order_no) as order_no from parcels group by parcel)
select 'tms' as source_system, scan as event_code, 'shop' as order_source_system,
    coalesce(order_no, 'unknown') as order_code, 'shipped' as event_type, min("at") as occurred_at,
    'system' as actor_kind, _source_file, min(_source_row) as _source_row
from scans left join of_parcel using (parcel) group by scan, order_no, _source_file
"""
BY_FILE = {
    "derived_from": "scans",
    "by_file": "A scan and its repeats stand in one file.",
    "lookup_days": {"parcels": 0},
}


def _adapter(folder: Path, sql: str = EVENTS, **table: Any) -> Adapter:
    return make_adapter(folder, {"order_events": sql}, FILES, {"order_events": {**BY_FILE, **table}})


def _night(day: int, *parcels: str) -> dict[str, str]:
    """The files of one night of March: a parcel each for an order of its own, scanned at noon."""
    date = f"2026-03-{day:02d}"
    scans = "".join(f"s-{p},{p},{date} 12:00:00\n" for p in parcels)
    return {
        f"scans_{date}.csv": "scan,parcel,at\n" + scans,
        f"parcels_{date}.csv": "parcel,order_no\n" + "".join(f"{p},o-{p}\n" for p in parcels),
    }


def _orders(settings: Settings) -> list[tuple[str, str, str]]:
    return landed(settings, "order_events", "event_code, order_code, _source_file")


def test_a_night_opens_and_lands_its_own_files_alone(settings: Settings, tmp_path: Path) -> None:
    adapter, extract = _adapter(tmp_path / "adapter"), tmp_path / "x"
    for day in (1, 2, 3):
        report = land_files(settings, adapter, extract, _night(day, f"P{day}"))
    assert {f.name for f in report.files} == {"scans_2026-03-03.csv", "parcels_2026-03-03.csv"}
    assert report.tables["order_events"].total.read == 1
    assert report.tables["order_events"].skipped == ("scans_2026-03-01.csv", "scans_2026-03-02.csv")
    assert report.days == ("2026-03-03", "2026-03-03")


def test_nights_one_by_one_give_what_all_at_once_gives(settings: Settings, tmp_path: Path) -> None:
    adapter = _adapter(tmp_path / "adapter")
    nights = {day: _night(day, f"P{day}", f"Q{day}") for day in (1, 2, 3)}
    for night in nights.values():
        assert land_files(settings, adapter, tmp_path / "x", night).status == "landed"
    whole = settings.model_copy(update={"company": "whole"})
    land(whole, adapter, tmp_path / "x", settle_seconds=0)
    assert sorted(_orders(settings)) == sorted(_orders(whole)) != []
    assert land(settings, adapter, tmp_path / "x", settle_seconds=0).status == "already_landed"


def test_a_corrected_file_reopens_its_own_day(settings: Settings, tmp_path: Path) -> None:
    adapter, extract = _adapter(tmp_path / "adapter"), tmp_path / "x"
    write_files(extract, {name: text for day in (1, 2, 3) for name, text in _night(day, f"P{day}").items()})
    land(settings, adapter, extract, settle_seconds=0)
    corrected = _night(2, "P2")["scans_2026-03-02.csv"].replace("12:00", "13:00")
    report = land_files(settings, adapter, extract, {"scans_2026-03-02.csv": corrected})
    assert report.days == ("2026-03-02", "2026-03-02")
    assert report.tables["order_events"].total.read == 1


def test_a_late_look_up_lands_anew_the_files_that_see_it(settings: Settings, tmp_path: Path) -> None:
    adapter, extract = _adapter(tmp_path / "adapter", lookup_days={"parcels": 1}), tmp_path / "x"
    nights = {day: _night(day, f"P{day}") for day in range(1, 6)}
    late = nights[2].pop("parcels_2026-03-02.csv")
    write_files(extract, {name: text for night in nights.values() for name, text in night.items()})
    land(settings, adapter, extract, settle_seconds=0)
    assert ("s-P2", "unknown", "scans_2026-03-02.csv") in _orders(settings)
    report = land_files(settings, adapter, extract, {"parcels_2026-03-02.csv": late})
    assert report.days == ("2026-03-01", "2026-03-03")
    assert ("s-P2", "o-P2", "scans_2026-03-02.csv") in _orders(settings)
    assert report.tables["order_events"].skipped == ("scans_2026-03-04.csv", "scans_2026-03-05.csv")


def test_a_select_that_reads_across_files_is_found_out(settings: Settings, tmp_path: Path) -> None:
    across = EVENTS.replace("_source_file, min(_source_row)", "max(_source_file) as _source_file, min(_source_row)")
    adapter = _adapter(tmp_path / "adapter", across.replace("order_no, _source_file\n", "order_no\n"))
    nights = {**_night(1, "P1", "P2"), **_night(2, "P2", "P3")}
    with pytest.raises(AdapterError, match=r"scans_2026-03-02.csv differ when the other files of 'scans' are hidden"):
        land_files(settings, adapter, tmp_path / "x", nights)


def test_files_without_a_day_in_their_name_are_named(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match=r"'parcels_new\.csv' has none"):
        land_files(
            settings, _adapter(tmp_path / "adapter"), tmp_path / "x",
            {**_night(1, "P1"), "parcels_new.csv": "parcel,order_no\n"},
        )  # fmt: skip


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"by_file": ""}, "say `by_file`, and why"),
        ({"lookup_days": {"scans": 1}}, "it is no look-up"),
        ({"lookup_days": {"lorries": 1}}, "which is not among the files"),
        ({"lookup_days": {"parcels": -1}}, "greater than or equal to 0"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(tmp_path: Path, table: dict[str, Any], message: str) -> None:
    with pytest.raises(AdapterError, match=message):
        _adapter(tmp_path / "adapter", **table)


def test_the_demo_adapter_is_told_by_file_wherever_its_files_grow() -> None:
    tables = load_adapter("demo").manifest.tables
    assert {name for name, table in tables.items() if not table.by_file} == {
        "regions", "products", "warehouses", "carrier_rates", "signals"
    }  # fmt: skip
