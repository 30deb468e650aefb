"""Refused rows are looked at, given out, corrected and taken back, and every row keeps one place in the counts."""

import stat
from pathlib import Path

import pytest

from sources.landing import land
from sources.quarantine import count_states, export_open, list_quarantine
from sources.reconciliation import BuiltRows, FileFate, reconcile
from sources.record import read_reports
from sources.replay import ReplayRefused, replay
from tests.support.shops import ORDERS_SQL, land_files, landed, make_adapter, order, orders_csv
from workspace.settings import Settings


def _land(settings: Settings, tmp_path: Path, *lines: str) -> None:
    land_files(settings, make_adapter(tmp_path / "adapter"), tmp_path / "x", {"orders.csv": orders_csv(*lines)})


def _export(settings: Settings, tmp_path: Path, **corrections: str) -> Path:
    """The open rows as a file in which some text is replaced."""
    target = tmp_path / "open.csv"
    export_open(settings, "orders", target)
    text = target.read_text(encoding="utf-8")
    for old, new in corrections.items():
        assert old in text
        text = text.replace(old, new)
    target.write_text(text, encoding="utf-8")
    return target


def _fate(settings: Settings, *built: BuiltRows) -> FileFate:
    return reconcile(read_reports(settings.paths.landing_files), count_states(settings), built)[0]


def test_corrected_rows_land_under_the_line_that_they_came_from(settings: Settings, tmp_path: Path) -> None:
    _land(settings, tmp_path, order("A1"), order("A2", status="paid"), order("A3", status="odd"))
    assert [row.state for row in list_quarantine(settings)] == ["open", "open"]

    report = replay(settings, "orders", _export(settings, tmp_path, paid="created"))
    assert (report.status, report.total.read, report.total.landed, report.total.quarantined) == ("replayed", 2, 1, 1)
    assert landed(settings, "orders", "order_code, status, _source_file, _source_row") == [
        ("A1", "created", "orders.csv", 2), ("A2", "created", "orders.csv", 3)]  # fmt: skip
    assert {(row.source_row, row.state) for row in list_quarantine(settings)} == {
        (3, "replayed"), (4, "open"), (4, "refused_again")}  # fmt: skip
    fate = _fate(settings, BuiltRows("orders", "orders.csv", 1, 1, 0, 0))
    assert fate.adds_up
    assert (fate.read, fate.landed, fate.quarantined, fate.open, fate.replayed) == (3, 1, 2, 1, 1)
    assert (fate.in_mart, fate.waiting) == (1, 1)


def test_what_was_mended_cannot_be_mended_twice(settings: Settings, tmp_path: Path) -> None:
    _land(settings, tmp_path, order("A1", status="paid"))
    corrected = _export(settings, tmp_path, paid="created")
    replay(settings, "orders", corrected)
    with pytest.raises(ReplayRefused, match=r"orders\.csv:2, which is not open"):
        replay(settings, "orders", corrected)
    assert len(landed(settings, "orders")) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("order_code\nA1\n", "missing: _source_file, _source_row"),
        ("_source_file,_source_row,colour\norders.csv,2,red\n", "not in orders: colour"),
        ("_source_file,_source_row\norders.csv,two\n", "cannot be read"),
        ("_source_file,_source_row\n", "holds no row"),
        ("_source_file,_source_row\norders.csv,99\n", "orders.csv:99, which is not open"),
    ],
)
def test_a_file_that_corrects_nothing_known_is_refused(
    settings: Settings, tmp_path: Path, content: str, message: str
) -> None:
    _land(settings, tmp_path, order("A1", status="paid"))
    (tmp_path / "open.csv").write_text(content, encoding="utf-8")
    with pytest.raises(ReplayRefused, match=message):
        replay(settings, "orders", tmp_path / "open.csv")
    assert [row.state for row in list_quarantine(settings)] == ["open"]


def test_a_corrected_file_or_mapping_reads_its_rows_again(settings: Settings, tmp_path: Path) -> None:
    _land(settings, tmp_path, order("A1"), order("A2", status="paid"))
    _land(settings, tmp_path, order("A1"), order("A2"))
    assert [row.state for row in list_quarantine(settings)] == ["read_again"]
    fate = _fate(settings)
    assert fate.adds_up
    assert (fate.read, fate.landed, fate.quarantined, fate.read_again, fate.open) == (4, 3, 1, 1, 0)

    _land(settings, tmp_path, order("A1"), order("A2", status="paid"))
    sql = ORDERS_SQL.replace("status,", "'created' as status,")
    mended = make_adapter(tmp_path / "adapter", {"orders": sql})
    land(settings, mended, tmp_path / "x", settle_seconds=0)
    assert {row.state for row in list_quarantine(settings)} == {"read_again"}
    assert _fate(settings).adds_up


def test_what_is_given_out_is_for_its_owner_alone(settings: Settings, tmp_path: Path) -> None:
    _land(settings, tmp_path, order("A1", status="paid"))
    (tmp_path / "open.csv").touch(mode=0o644)
    export_open(settings, "orders", tmp_path / "open.csv")
    assert stat.S_IMODE((tmp_path / "open.csv").stat().st_mode) == 0o600
