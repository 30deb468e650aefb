"""Somebody's own table and what such tables hold: each fault is refused by name or has a stated fallback."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml.core.features import UnusableTable
from ml.core.risk_model import BoostingParameters, Plan
from ml.jobs.table import TableJob, TableReport

PLAN = Plan(candidates=(BoostingParameters(trees=30, leaves=6),), rehearsals=2)


def own_table(rows: int = 3000) -> pd.DataFrame:
    """Half a year of rows whose outcome follows `size`."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({
        "number": [f"r{i}" for i in range(rows)],
        "placed": pd.Timestamp("2025-01-01") + pd.to_timedelta(np.sort(rng.uniform(0, 180, rows)), unit="D"),
        "area": rng.choice(["north", "south"], rows), "colour": rng.choice(["red", "blue"], rows),
        "size": rng.normal(size=rows),
    })  # fmt: skip
    return frame.assign(failed=(rng.random(rows) < 1 / (1 + np.exp(-2 * frame["size"] + 1))).astype(int))


def learned(frame: pd.DataFrame, tmp_path: Path) -> TableReport:
    frame.to_parquet(tmp_path / "own.parquet")
    job = TableJob(tmp_path / "own.parquet", "failed", "placed", "number", groups=("area",), folds=2, plan=PLAN)
    return job.run(tmp_path / "report")


def test_a_sound_table_is_learned_and_reported(tmp_path: Path) -> None:
    report = learned(own_table(), tmp_path)
    assert report.numbers["roc_auc_low"] > 0.75
    assert (report.folder / "evaluation.json").is_file()


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda t: t.assign(failed=1), "both classes"),
        (lambda t: t.assign(failed=np.nan), "No label is known"),
        (lambda t: t.head(0), "no rows"),
        (lambda t: t.assign(placed=t["placed"].where(t.index != 7)), "null on 1"),
        (lambda t: t.assign(placed=t["placed"].where(t.index != 7, pd.Timestamp("2199-01-01"))), "must not lie after"),
        (lambda t: t.assign(size=3.0, colour="red"), "constant or null"),
        (lambda t: t.drop(columns=["size", "colour"]), "At least one column"),
        (lambda t: t.rename(columns={"area": "zone"}), "area are absent"),
        (lambda t: t.assign(placed=pd.Timestamp("2025-01-01")), "leaves rows both|No origin"),
    ],
)
def test_what_cannot_be_learned_from_is_refused_by_name(fault, message: str, tmp_path: Path) -> None:
    with pytest.raises(UnusableTable, match=message):
        learned(fault(own_table()), tmp_path)


def test_useless_columns_and_unseen_categories_have_a_stated_fallback(tmp_path: Path) -> None:
    frame = own_table()
    late = frame["placed"] > pd.Timestamp("2025-06-01")
    report = learned(frame.assign(empty=np.nan, same=4, colour=frame["colour"].where(~late, "never seen")), tmp_path)
    assert "Column empty is not used: null in all training rows." in report.markdown
    assert "Column same is not used: always 4.0 in the training rows." in report.markdown
    assert all(np.isfinite(value) for value in report.numbers.values())


def test_a_group_of_five_rows_keeps_its_count_and_gets_no_score(tmp_path: Path) -> None:
    frame = own_table()
    few = frame.index[frame["placed"] > pd.Timestamp("2025-05-01")][:5]
    report = learned(frame.assign(area=frame["area"].where(~frame.index.isin(few), "islands")), tmp_path)
    line = next(line for line in report.markdown.splitlines() if line.startswith("| islands"))
    assert "5 rows, fewer than 100" in line
    assert "nan" not in line


def test_a_stretch_without_rows_is_no_stretch(tmp_path: Path) -> None:
    frame = own_table()
    gone = (frame["placed"] > pd.Timestamp("2025-04-10")) & (frame["placed"] < pd.Timestamp("2025-05-20"))
    report = learned(frame[~gone], tmp_path)
    assert 0 < report.judged < len(frame)
    assert np.isfinite(report.numbers["brier"])
