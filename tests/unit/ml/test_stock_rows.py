"""Rows of stock-out risk: which are asked, with which label, and that no row is asked twice."""

from pathlib import Path

import duckdb
import pandas as pd
import pytest

from ml.io.data import relation_of
from ml.jobs.stock_rows import HORIZONS, LABELLED, MOST_ROWS, NEWEST, looked_back_on

FEATURES = ("reserved_quantity", "allocated_units_28d", "allocated_units_56d", "allocated_units_squared_56d",
            "waiting_units", "inbound_units", "inbound_units_due_24h", "inbound_units_due_48h",
            "inbound_units_due_72h")  # fmt: skip


def counts(available: dict[str, list[int | None]]) -> pd.DataFrame:
    """Counts of products at one node on days in a row; None where nobody counted."""
    rows = [
        {"stock_key": f"w|{product}|{day}", "warehouse_id": "w", "product_id": product,
         "stock_date": pd.Timestamp("2026-05-01") + pd.Timedelta(days=day),
         "observed_at": pd.Timestamp("2026-05-01 16:00") + pd.Timedelta(days=day), "available_quantity": units,
         "daily_units_expected": 0.5, **dict.fromkeys(FEATURES, 1)}
        for product, levels in available.items() for day, units in enumerate(levels) if units is not None
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.fixture
def asked(tmp_path: Path):
    """Rows of a view over such counts, by product and day."""

    def ask(view: str, available: dict[str, list[int | None]]) -> pd.DataFrame:
        frame = counts(available)
        frame["stock_date"] = frame["stock_date"].dt.date
        frame.to_parquet(tmp_path / "feat.parquet")
        found = duckdb.sql(f"select * from {relation_of(tmp_path / 'feat.parquet', view)}").df()
        return found.assign(day=found["stock_key"].str.split("|").str[2].astype(int))

    return ask


def test_a_label_says_whether_a_count_within_the_horizon_found_nothing(asked) -> None:
    levels = {f"p{i}": [3, 2, 0, 4, 4, 4, 1] for i in range(40)}
    rows = asked(LABELLED, levels)
    assert set(rows["horizon_hours"]) == set(HORIZONS)
    for row in rows.itertuples():
        reach = row.horizon_hours // 24
        later = levels[row.product_id][row.day + 1 : row.day + 1 + reach]
        expected = float(min(later) <= 0) if len(later) == reach else None
        found = None if pd.isna(row.is_stocked_out) else row.is_stocked_out
        assert found == expected, (row.day, reach)


def test_what_has_run_out_is_not_asked_and_no_row_twice(asked) -> None:
    rows = asked(LABELLED, {"p1": [3, 0, 2, 2, 2], "p2": [1, 1, 1, 1, 1]})
    assert rows["stock_key"].is_unique
    assert len(rows) == 9
    assert (rows["available_quantity"] > 0).all()


def test_a_horizon_whose_last_day_was_not_counted_has_no_label(asked) -> None:
    rows = asked(LABELLED, {f"p{i}": [3, None, 2, None, None] for i in range(30)})
    first = rows[rows["day"] == 0]
    assert first.loc[first["horizon_hours"] != 48, "is_stocked_out"].isna().all()
    assert (first.loc[first["horizon_hours"] == 48, "is_stocked_out"] == 0).all()


def test_now_every_horizon_is_asked_of_the_newest_count_only(asked) -> None:
    rows = asked(NEWEST, {"p1": [3, 2, 5], "p2": [1, 1, 0]})
    assert sorted(zip(rows["product_id"], rows["horizon_hours"], strict=True)) == [("p1", h) for h in HORIZONS]
    assert rows.set_index("horizon_hours")["expected_units"].to_dict() == {24: 1.5, 48: 2.0, 72: 2.5}


def test_a_large_table_is_thinned_to_about_the_number_of_rows_asked_for(asked) -> None:
    view = LABELLED.replace(str(MOST_ROWS), "500")
    assert view != LABELLED
    rows = asked(view, {f"p{i}": [2] * 20 for i in range(100)})
    assert 400 < len(rows) < 600


def test_alerts_are_looked_back_on_since_a_moment_with_what_came_after(asked) -> None:
    rows = asked(looked_back_on(pd.Timestamp("2026-05-03 16:00")), {"p1": [9, 9, 3, 2, 0, 1]})
    outcomes = rows.set_index("day")["is_stocked_out"]
    assert set(outcomes.index) == {2, 3, 5}
    assert outcomes.dropna().to_dict() == {2: 1, 3: 1}
