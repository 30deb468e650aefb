"""Extracts whose columns change from one landing to the next: what lands, what is refused, what is kept and shown."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestration.cli.land import app
from sources.history import landing_history
from tests.support.shops import ORDER_COLUMNS, land_files, landed, make_adapter, order, orders_csv, write_files
from workspace.settings import Settings

WHOLE = orders_csv(order("A1"), order("A2"))
RENAMED = orders_csv(order("A3")).replace(b"ordered_at", b"date")


def test_a_column_that_comes_and_goes_lands_and_is_told(settings: Settings, tmp_path: Path) -> None:
    adapter, extract = make_adapter(tmp_path / "adapter"), tmp_path / "x"
    assert land_files(settings, adapter, extract, {"orders.csv": WHOLE}).changes == ()
    wider = b"gift," + orders_csv(order("A3")).replace(b"\nA3", b"\n0012,A3")
    (change,) = land_files(settings, adapter, extract, {"orders.csv": wider}).changes
    assert (change.verdict, change.kind, change.column) == ("compatible", "new_column", "gift")
    (change,) = land_files(settings, adapter, extract, {"orders.csv": orders_csv(order("A4"))}).changes
    assert (change.verdict, change.kind, change.column) == ("compatible", "missing_column", "gift")
    seen = landing_history(settings)[1].columns["orders"]
    assert {c: seen[c].type for c in ("gift", "order_code", "ordered_at", "total", "region")} == {
        "gift": "text", "order_code": "text", "ordered_at": "time", "total": "number", "region": "empty",
    }  # fmt: skip


def test_a_renamed_column_refuses_the_extract_and_says_what_settles_it(settings: Settings, tmp_path: Path) -> None:
    adapter, extract = make_adapter(tmp_path / "adapter"), tmp_path / "x"
    land_files(settings, adapter, extract, {"orders.csv": WHOLE})
    report = land_files(settings, adapter, extract, {"orders.csv": RENAMED})
    assert report.status == "refused"
    assert [p["rule"] for p in report.problems] == ["missing_column"]
    assert [(c.verdict, c.kind) for c in report.changes] == [("needs_decision", "renamed_column")]
    assert landing_history(settings)[-1].changes == report.changes
    assert len(landed(settings, "orders")) == 2


def test_one_column_in_two_spellings_is_refused_by_name(settings: Settings, tmp_path: Path) -> None:
    other = orders_csv(order("A3")).replace(b"ordered_at", b"Ordered_At")
    report = land_files(settings, make_adapter(tmp_path / "adapter"), tmp_path / "x",
                        {"orders.csv": WHOLE, "orders2.csv": other})  # fmt: skip
    assert [(p["rule"], p["file"]) for p in report.problems] == [("missing_column", "orders2.csv")]
    assert [(c.kind, c.file) for c in report.changes] == [("renamed_column", "orders2.csv")]


def test_an_optional_column_that_is_missing_is_null(settings: Settings, tmp_path: Path) -> None:
    spec = {"glob": "orders*.csv", "columns": [c for c in ORDER_COLUMNS if c != "changed"],
            "optional_columns": ["changed"]}  # fmt: skip
    adapter, extract = make_adapter(tmp_path / "adapter", files={"orders": spec}), tmp_path / "x"
    land_files(settings, adapter, extract, {"orders.csv": orders_csv(order("A1", changed="2026-03-02 10:00:00"))})
    narrow = b"\n".join(line.rpartition(b",")[0] for line in orders_csv(order("A2")).splitlines())
    report = land_files(settings, adapter, extract, {"orders.csv": narrow + b"\n"})
    assert [(c.verdict, c.column) for c in report.changes] == [("compatible", "changed")]
    assert dict(sorted(landed(settings, "orders", "order_code, updated_at is null"))) == {"A1": False, "A2": True}


def test_the_command_prints_changes_and_gives_them_as_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OI_HOME", str(tmp_path / "home"))
    make_adapter(tmp_path / "adapter")
    arguments = [str(tmp_path / "adapter"), str(tmp_path / "x")]
    write_files(tmp_path / "x", {"orders.csv": WHOLE})
    assert CliRunner().invoke(app, arguments).exit_code == 0
    write_files(tmp_path / "x", {"orders.csv": RENAMED})
    refused = CliRunner().invoke(app, arguments)
    assert refused.exit_code == 1
    assert "needs decision: orders.csv (column ordered_at): [renamed_column]" in refused.stderr
    assert "Suggested: in manifest.yaml, files.orders.columns: ordered_at → date" in refused.stderr
    said = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    assert said["changes"][0]["kind"] == "renamed_column"
