"""`oi match` on files, as a stranger runs it."""

import json
from pathlib import Path

import polars as pl
import pytest

from orchestration.cli.main import main


@pytest.fixture
def shops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two shops of eighty cameras each, whose columns have other names."""
    monkeypatch.setenv("OI_HOME", str(tmp_path / "home"))
    numbers = range(80)
    model = [f"cx{100 + 7 * n}{'abcd'[n % 4]}" for n in numbers]
    pl.DataFrame({
        "asin": [f"A{n}" for n in numbers],
        "Product Name": [f"Canon camera {m} {8 + n % 9} mp" for n, m in enumerate(model)],
    }).write_csv(tmp_path / "left.csv")  # fmt: skip
    pl.DataFrame({
        "sku": [f"S{n}" for n in numbers], "headline": [f"{m} digital camera by Canon" for m in model],
        "cost": [str(90 + n) for n in numbers],
    }).write_csv(tmp_path / "right.csv", separator="|")  # fmt: skip
    pairs = [
        {"l": f"A{n}", "r": f"S{(n + shift) % 80}", "label": int(not shift)} for n in numbers for shift in (0, 1, 2)
    ]
    pl.DataFrame(pairs).write_csv(tmp_path / "pairs.csv")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["match", *arguments])
    assert ended.value.code in (0, None)
    return capsys.readouterr().out


def test_evaluate_teach_and_evaluate_again(shops: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tables = ("--entity", "product", "--left", str(shops / "left.csv"), "--right", str(shops / "right.csv"),
              "--columns", "title=headline")  # fmt: skip
    judged = ("--truth", str(shops / "pairs.csv"), "--out", str(shops / "links.csv"))
    found = json.loads(run(capsys, "evaluate", *tables, *judged, "--json"))
    assert found["taught_by"] == "codes"
    assert found["f1"] > 0.95
    assert {"precision", "recall", "f1", "threshold", "over_thresholds"} <= set(found)
    assert pl.read_csv(shops / "links.csv").height == found["links"]

    taught = json.loads(run(capsys, "train", *tables, "--pairs", str(shops / "pairs.csv"), "--json"))
    assert (taught["pairs"], taught["same"]) == (240, 80)
    assert json.loads(run(capsys, "evaluate", *tables, *judged, "--json"))["taught_by"] == "labels"
    shown = run(capsys, "evaluate", *tables, *judged, "--untaught")
    assert "Over thresholds" in shown
    assert "taught by 80 pairs" in shown


def test_a_table_without_titles_says_how_to_map_one(shops: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["match", "evaluate", "--entity", "product", "--left", str(shops / "right.csv")])
    assert ended.value.code == 1
    assert "Map its columns with --columns" in capsys.readouterr().err
