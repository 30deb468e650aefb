"""Benefits of a change are paired by order, and nothing that is not recorded is made up."""

import numpy as np
import pandas as pd
import pytest

from ml.core.benefits import MEASURES, benefits

BASIS = dict.fromkeys(MEASURES, ("expected", "")) | {"error": ("not recorded", "no outcome is known")}


def compared(pairs: pd.DataFrame) -> dict:
    found = benefits(pairs, BASIS, "day", "region", fewest=50, replicates=200, seed=1)
    return {benefit.measure: benefit for benefit in found}


@pytest.fixture
def pairs() -> pd.DataFrame:
    """600 orders whose cost differs wildly between orders and by exactly -1 between the two answers."""
    rng = np.random.default_rng(0)
    cost = rng.gamma(1.0, 100.0, 600)
    region = np.repeat(["north", "south", "far"], [300, 290, 10])
    on_time = np.where(region == "south", 0.7, 0.9)
    return pd.DataFrame(
        {
            "day": np.tile(np.arange(30), 20), "region": region, "cost_before": cost, "cost_after": cost - 1,
            "on_time_before": on_time, "on_time_after": 0.9, "automatic_before": 0.0, "automatic_after": 1.0,
            "regional_before": on_time, "regional_after": 0.9,
        }
    )  # fmt: skip


def test_a_difference_is_as_sure_as_the_pairing_makes_it(pairs):
    cost = compared(pairs)["cost"]
    assert cost.difference == {"value": pytest.approx(-1), "low": pytest.approx(-1), "high": pytest.approx(-1)}
    assert cost.before - cost.after == pytest.approx(1)


def test_the_regional_gap_is_of_regions_with_orders_enough(pairs):
    pairs.loc[pairs["region"] == "far", "regional_before"] = 0.0
    gap = compared(pairs)["regional"]
    assert (gap.before, gap.after) == (pytest.approx(0.2), pytest.approx(0.0))
    assert gap.difference["high"] < 0
    assert gap.orders == 590


def test_what_is_not_recorded_says_why(pairs):
    error = compared(pairs)["error"]
    assert (error.basis, error.note, error.difference) == ("not recorded", "no outcome is known", None)
    one_region = compared(pairs[pairs["region"] == "north"])
    assert one_region["regional"].note == "1 of 1 regions have 50 orders"
    empty = compared(pairs.assign(cost_after=np.nan))["cost"]
    assert (empty.basis, empty.note) == ("not recorded", "no order has both answers")


def test_few_clusters_give_no_interval(pairs):
    assert compared(pairs.assign(day=0))["cost"].difference["low"] is None
