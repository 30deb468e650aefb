"""`oi twin`: what it prints, what it leaves, and how it ends."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

OI = Path(sys.executable).parent / "oi"


def oi(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OI_HOME": str(home), "COLUMNS": "160"}
    return subprocess.run(
        [str(OI), "twin", *arguments], capture_output=True, text=True, env=environment, timeout=180, check=False
    )


def test_generate_writes_into_the_demo_company_and_then_stands(tmp_path: Path) -> None:
    first = oi(tmp_path, "generate", "--days", "2", "--json")
    assert first.returncode == 0, first.stderr
    report = json.loads(first.stdout)
    assert report["status"] == "generated"
    assert Path(report["extracts"]) == tmp_path / "demo" / "extracts"
    assert (tmp_path / "demo" / "truth" / "effects.json").is_file()
    again = oi(tmp_path, "generate", "--days", "2", "--json")
    assert json.loads(again.stdout)["status"] == "stands"
    other = oi(tmp_path, "generate", "--days", "2", "--seed", "9", "--json")
    assert json.loads(other.stdout)["digest"] != report["digest"]


def test_generate_into_a_folder_puts_the_truth_beside_it(tmp_path: Path) -> None:
    out = tmp_path / "here" / "extracts"
    done = oi(tmp_path, "generate", "--days", "1", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert (out / "shop" / "catalogue.csv").is_file()
    assert (tmp_path / "here" / "truth" / "orders.parquet").is_file()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("generate", "--preset", "huge"), "demo, headline, medium; got 'huge'"),
        (("generate", "--days", "0"), "0"),
        (("generate", "--parameters", "nowhere.yaml"), "nowhere.yaml"),
        (("compare", "historic", "best"), "historic, nearest, cheapest, or module:object; got 'best'"),
        (("compare", "historic", "twin.dispatch:Nobody"), "twin.dispatch:Nobody"),
    ],
)
def test_wrong_usage_ends_with_two_and_says_what_is_right(
    tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    done = oi(tmp_path, *arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_others_ends_with_one(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("", encoding="utf-8")
    done = oi(tmp_path, "generate", "--days", "1", "--out", str(tmp_path / "mine"))
    assert done.returncode == 1
    assert "Empty it, or choose another folder" in done.stderr


def test_score_without_publication_or_truth_says_what_to_run(tmp_path: Path) -> None:
    done = oi(tmp_path, "score")
    assert done.returncode == 1
    assert "oi run everything" in done.stderr


def test_compare_takes_any_policy_and_prints_json(tmp_path: Path) -> None:
    done = oi(tmp_path, "compare", "nearest", "twin.dispatch:Cheapest", "--days", "3", "--replications", "2", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["first"], result["second"], result["replications"]) == ("nearest", "cheapest", 2)
    assert {row["figure"] for row in result["overall"]} >= {"cost_per_order", "on_time_share", "stock_out_share"}
    table = oi(tmp_path, "compare", "nearest", "cheapest", "--days", "2", "--replications", "1")
    assert "cheapest minus nearest, 1 replications" in table.stdout
    assert "one run" in table.stdout


def test_calibration_shows_asked_beside_got(tmp_path: Path) -> None:
    report = json.loads(oi(tmp_path, "calibration", "--days", "5", "--json").stdout)
    assert report["lines_per_order"]["asked"] == 1.6
    assert abs(report["lines_per_order"]["got"] - 1.6) < 0.15
