"""`oi land` as a person or a script meets it."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestration.cli.land import app
from sources.manifest import ADAPTERS
from sources.store import landing_lock
from tests.support.shops import make_adapter, order, orders_csv, write_files
from workspace.settings import CompanyPaths, current_company

EXTRACT = str(ADAPTERS / "template" / "cases" / "basic" / "extract")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OI_WRITER_WAIT_SECONDS", "0")
    return tmp_path / "home"


def _run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "160"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def test_it_shows_what_landed_and_switches_the_company(home: Path) -> None:
    code, out, _ = _run("template", EXTRACT, "--company", "corner_shop")
    assert code == 0
    assert "Landed for corner_shop" in out
    assert "reference:ship_to_region_code" in out
    assert "unknown_code:product_code" in out
    assert current_company(home) == "corner_shop"
    code, out, _ = _run("template", EXTRACT, "--company", "corner_shop")
    assert (code, "Already landed" in out) == (0, True)


def test_json_is_the_only_thing_on_stdout(home: Path) -> None:
    code, out, _ = _run("template", EXTRACT, "--company", "corner_shop", "--json")
    said = json.loads(out)
    assert code == 0
    assert said["status"] == "landed"
    assert said["total"] == {"read": 17, "landed": 13, "quarantined": 4}
    assert said["tables"]["orders"]["reasons"] == {"reference:ship_to_region_code": 1, "type:ordered_at": 1}


def test_a_refused_extract_ends_with_1_and_leaves_the_company(home: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(EXTRACT, broken)
    (broken / "orders.csv").write_text("a;b\n")
    code, _, err = _run("template", str(broken), "--company", "corner_shop")
    assert code == 1
    assert "missing_column" in err
    assert "order_no" in err
    assert current_company(home) == "demo"
    code, out, _ = _run("template", str(broken), "--company", "corner_shop", "--json")
    assert (code, json.loads(out)["status"]) == (1, "refused")


def test_adapters_are_listed_and_tested(home: Path) -> None:
    code, out, _ = _run("--list", "--json")
    assert code == 0
    assert {"olist", "template"} <= {a["name"] for a in json.loads(out)}
    assert "time" in next(a for a in json.loads(out) if a["name"] == "olist")["notes"][0]
    code, out, _ = _run("template", "--test")
    assert (code, "template/basic" in out) == (0, True)
    assert "olist" in _run("--list")[1]


def test_an_own_adapter_by_folder_lands_into_the_current_company(home: Path, tmp_path: Path) -> None:
    make_adapter(tmp_path / "adapter")
    write_files(tmp_path / "x", {"orders.csv": orders_csv(order())})
    code, out, _ = _run(str(tmp_path / "adapter"), str(tmp_path / "x"))
    assert (code, "Landed for demo" in out) == (0, True)
    code, _, err = _run(str(tmp_path / "adapter"), "--test")
    assert (code, "has no cases" in err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "oi land --list"),
        (["template"], 2, "folder of the extract"),
        (["nope", "x"], 1, "No adapter 'nope'"),
        (["template", "nowhere"], 1, "does not exist"),
    ],
)
def test_wrong_use_is_told(home: Path, arguments: list[str], code: int, words: str) -> None:
    got, _, err = _run(*arguments)
    assert got == code
    assert words in " ".join(err.split())


def test_a_busy_company_ends_with_4(home: Path) -> None:
    with landing_lock(CompanyPaths(home, "corner_shop"), 0):
        code, _, err = _run("template", EXTRACT, "--company", "corner_shop")
    assert code == 4
    assert "One landing at a time" in err
