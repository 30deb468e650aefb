"""The order-routing model ranks nodes of single orders."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml.core.routing.ranker import NEWS, OFFER, RANKED, NodeRanker


class LateByDistance:
    """P(late) rises with distance: 0.1 near, 0.9 at 1,000 km."""

    classes_ = np.array([0.0, 1.0])

    def predict_proba(self, rows: pd.DataFrame) -> Any:
        late = np.clip(0.1 + 0.0008 * rows["distance_km"].to_numpy(np.float64), 0, 1)
        return np.column_stack((1 - late, late))


def ranker(**policy: float) -> NodeRanker:
    shipping = {
        "services": ["ground"], "fixed": [[5.0, 4.0, 0, 0, 0, 0]], "per_kg": [[0.0] * 6], "reach_km": [2000.0],
        "region_factor": {}, "relative_error": 0.1,
    }  # fmt: skip
    return NodeRanker(
        LateByDistance(),
        [["distance_km", "number"]],
        shipping,
        {"lateness_cost": 10.0, **policy},
        {"critical": 4.0},
        0.2,
    )


def offers(*rows: dict[str, Any]) -> pd.DataFrame:
    plain = {
        "order_id": "A", "priority": "standard", "region_code": "R", "warehouse_id": "near", "distance_km": 0.0,
        "slack_hours": 48.0, "allocated_hour": 9.0, "allocated_weekday": 1.0, "quantity": 1.0, "weight_kg": 1.0,
        "available_quantity": 5.0, **dict.fromkeys(NEWS, 0.1),
    }  # fmt: skip
    return pd.DataFrame([{**plain, **row} for row in rows])[list(OFFER)]


def test_the_best_node_is_the_cheapest_after_lateness() -> None:
    found = ranker().predict(offers({}, {"warehouse_id": "far", "distance_km": 1000.0}))
    assert list(found.columns) == list(RANKED)
    assert found["warehouse_id"].tolist() == ["near", "far"]
    assert found["rank"].tolist() == [1, 2]
    assert found["total_amount"].tolist() == pytest.approx([5 + 1.0, 9 + 9.0])


def test_priority_weighs_lateness_and_a_missing_line_counts() -> None:
    far = {"warehouse_id": "far", "distance_km": 1000.0, "available_quantity": 9.0}
    rows = offers({}, {"quantity": 9.0}, far, {**far, "quantity": 9.0}).assign(priority="critical")
    found = ranker(unfilled_cost=100.0).predict(rows).set_index("warehouse_id")
    assert found.loc["near", "lines_short"] == 1
    assert found.loc["far", "lines_filled"] == 2
    assert found.loc["near", "total_amount"] == pytest.approx(5 + 4.0 + 400.0)
    assert found.loc["far", "rank"] == 1


def test_no_order_is_lost() -> None:
    found = ranker().predict(
        offers({}, {"order_id": "B", "available_quantity": 0.0}, {"order_id": "C", "distance_km": 9e3})
    )
    assert sorted(found["order_id"]) == ["A", "B", "C"]
    lost = found[found["rank"] == 0]
    assert lost["reason"].tolist() == ["no_node_has_stock_and_a_lane"] * 2
    assert lost["warehouse_id"].isna().all()
