"""Choices about foreseen stock-outs, worked out by hand, and the weeks in which they are looked back on."""

import numpy as np
import pandas as pd
import pytest

from decisions.stockouts.policy import AlertPolicy, decide
from decisions.stockouts.review import as_markdown, by_week

NODES = pd.DataFrame({"warehouse_id": ["a", "b", "c", "d"], "latitude": [30.0, 30.1, 35.0, None],
                      "longitude": [110.0, 110.0, 110.0, None]})  # fmt: skip
TRANSFERS = pd.DataFrame({"origin_warehouse_id": "x", "warehouse_id": "y", "hours": [24.0, 40.0, 47.0, 72.0]})


def forecast(node: str, probability: float, available: int, lost: float = 0.0, waiting: int = 0, daily: float = 0.1,
             product: str = "p", price: float | None = 10.0, horizon: int = 48) -> dict:  # fmt: skip
    return {"warehouse_id": node, "product_id": product, "horizon_hours": horizon, "stockout_probability": probability,
            "available_units": available, "waiting_units": waiting, "expected_units": waiting + 2 * daily,
            "daily_units_expected": daily, "expected_lost_units": lost,
            "expected_lost_amount": None if price is None else price * lost}  # fmt: skip


def decided(*rows: dict, policy: AlertPolicy | None = None, transfers: pd.DataFrame = TRANSFERS) -> pd.DataFrame:
    return decide(pd.DataFrame(rows), transfers, NODES, policy or AlertPolicy())


def test_units_come_from_the_nearest_node_that_can_spare_them() -> None:
    found = decided(forecast("a", 0.6, 1, lost=1.0), forecast("b", 0.01, 9), forecast("c", 0.01, 9)).iloc[0]
    assert (found["action"], found["transfer_from"], found["transfer_units"]) == ("transfer", "b", 1)
    # Three of four past transfers took at most 48 h: 1.0 · (1 − 0.75) lost, and 0.05 for the unit moved.
    assert found["arrival_probability"] == 0.75
    assert found["lost_units_with_transfer"] == pytest.approx(0.30)
    assert found["lost_amount_with_transfer"] == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("giver", "transfers"),
    [
        (forecast("b", 0.01, 1, daily=0.1), TRANSFERS),  # keeps a week of its own demand
        (forecast("b", 0.4, 9, daily=0.1), TRANSFERS),  # is itself about to run out
        (forecast("b", 0.01, 9, waiting=9), TRANSFERS),  # all of it is asked for
        (forecast("b", 0.01, 9, product="q"), TRANSFERS),  # another product
        (forecast("b", 0.01, 9), TRANSFERS.assign(hours=72.0)),  # comes too late
        (forecast("b", 0.01, 9), TRANSFERS.head(0)),  # nothing was ever moved
    ],
)
def test_no_transfer_where_none_helps(giver: dict, transfers: pd.DataFrame) -> None:
    found = decided(forecast("a", 0.6, 1, lost=1.0), giver, transfers=transfers)
    alert = found[found["warehouse_id"] == "a"].iloc[0]
    assert alert["action"] == "none"
    assert alert["lost_units_with_transfer"] == alert["expected_lost_units"]


def test_a_loss_smaller_than_the_cost_of_moving_is_borne() -> None:
    rows = forecast("a", 0.6, 1, lost=0.05), forecast("b", 0.01, 9)
    assert decided(*rows)["action"].tolist() == ["none"]
    assert decided(*rows, policy=AlertPolicy(unit_cost_share=0.0))["action"].tolist() == ["transfer"]


def test_a_unit_is_promised_once_and_to_the_dearest_alert() -> None:
    found = decided(forecast("a", 0.3, 1, lost=0.5), forecast("c", 0.3, 1, lost=2.0), forecast("b", 0.01, 2))
    assert found[["warehouse_id", "action"]].to_numpy().tolist() == [["c", "transfer"], ["a", "none"]]


def test_customers_are_told_when_more_waits_than_there_will_be() -> None:
    found = decided(forecast("a", 0.9, 1, lost=3.0, waiting=4), forecast("c", 0.9, 3, lost=1.0, waiting=3))
    assert found["notify_customers"].tolist() == [True, False]


def test_times_of_a_lane_count_once_there_are_five() -> None:
    lane = pd.DataFrame({"origin_warehouse_id": "b", "warehouse_id": "a", "hours": [20.0] * 5})
    found = decided(forecast("a", 0.6, 1, lost=1.0), forecast("b", 0.01, 9), transfers=pd.concat([TRANSFERS, lane]))
    assert found["arrival_probability"].tolist() == [1.0]


def test_no_alerts_give_an_empty_table_with_its_columns() -> None:
    found = decided(forecast("a", 0.02, 1), forecast("b", 0.01, 9))
    assert len(found) == 0
    assert {"action", "notify_customers", "lost_amount_with_transfer"} <= set(found.columns)


def test_other_horizons_and_prices_unknown_change_no_choice() -> None:
    rows = [forecast("a", 0.6, 1, lost=1.0, price=None), forecast("b", 0.01, 9), forecast("a", 0.9, 1, horizon=72)]
    found = decided(*rows)
    assert found["action"].tolist() == ["transfer"]
    assert found["lost_amount_with_transfer"].isna().all()


@pytest.mark.parametrize("wrong", [{"least_probability": 0.0}, {"keep_days": -1.0}, {"unit_cost_share": 2.0}])
def test_a_policy_states_its_rule(wrong: dict) -> None:
    with pytest.raises(ValueError, match="must"):
        AlertPolicy(**wrong)


def test_weeks_count_what_came_true_beside_as_many_alerts_of_the_rule() -> None:
    rows = pd.DataFrame({
        "observed_at": pd.to_datetime(["2026-05-04", "2026-05-05", "2026-05-06", "2026-05-07", "2026-05-12"]),
        "is_stocked_out": [1.0, 1.0, 0.0, 0.0, 0.0], "cover_days": [5.0, np.nan, 1.0, 2.0, 3.0],
        "hours_to_out": [24.0, 48.0, np.nan, np.nan, np.nan],
    })  # fmt: skip
    weeks = by_week(rows, np.array([0.5, 0.4, 0.01, 0.01, 0.02]), AlertPolicy())
    first, second = weeks.to_dict("records")
    assert (first["alerts"], first["precision"], first["recall"], first["lead_hours"]) == (2, 1.0, 1.0, 36.0)
    assert (first["rule_precision"], first["rule_recall"]) == (0.0, 0.0)
    assert second["alerts"] == 0
    assert np.isnan(second["precision"])
    assert "| 2026-05-11 | 0 | – |" in as_markdown(weeks)
