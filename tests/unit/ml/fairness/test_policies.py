"""Two policies by group: who is named, who is not, and when nothing can be said."""

import numpy as np
import pandas as pd
import pytest

from ml.core.fairness.policies import Figure, PolicyComparison, compare_policies, rounds_of_orders

FIGURES = {"on_time": Figure("rate", "lower"), "shipping_cost": Figure("mean", "higher")}


def compared(shift: dict[str, float], rng: np.random.Generator, days: int = 20, each: int = 30) -> PolicyComparison:
    """Twelve regions; the proposed policy moves the expected on-time share of each by `shift` plus what a day does."""
    regions = [f"R{i:02d}" for i in range(12)]
    table = pd.DataFrame(
        {"day": np.repeat(np.arange(days), len(regions) * each), "region": np.tile(np.repeat(regions, each), days)}
    )
    of_day = rng.normal(0, 0.03, days)[table["day"]]
    table["on_time_before"] = rng.uniform(0.6, 0.95, len(table))
    noise = rng.normal(0, 0.08, len(table))
    table["on_time_after"] = table["on_time_before"] + of_day + noise + table["region"].map(shift).fillna(0.0)
    names, support, rounds = rounds_of_orders(table, group="region", round_="day", figures=["on_time"])
    return compare_policies("past_orders", names, support, rounds, FIGURES)


def test_a_region_that_is_hurt_is_named_and_the_figure_that_is_not_recorded_is_said() -> None:
    found = compared({"R03": -0.12}, np.random.default_rng(0))
    assert (found.verdict, found.named) == ("gap", {"on_time": ["R03"]})
    assert found.not_recorded == ("shipping_cost",)
    group = next(g for g in found.figures["on_time"].groups if g.group == "R03")
    assert group.interval is not None
    assert group.against_typical is not None
    assert group.interval[0] < group.against_typical < group.interval[1] < -0.06
    assert group.change == pytest.approx(-0.12, abs=0.03)


def test_what_all_regions_lose_alike_is_no_disparity() -> None:
    found = compared({f"R{i:02d}": -0.2 for i in range(12)}, np.random.default_rng(1))
    assert (found.verdict, found.named) == ("no_gap_found", {})
    change = found.figures["on_time"]
    assert change.interval is not None
    assert change.interval[1] < -0.15


def test_a_region_that_gains_does_not_make_the_others_look_hurt() -> None:
    found = compared({"R03": 0.3}, np.random.default_rng(2))
    assert found.named == {}
    change = found.figures["on_time"]
    assert change.spread_change is not None
    assert change.spread_change[0] > 0, "the gain of one region widens the gap all the same"


def test_the_same_policy_twice_finds_nothing() -> None:
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"day": np.repeat(np.arange(6), 400), "region": np.tile(list("ABCD"), 600)})
    table["on_time_before"] = table["on_time_after"] = rng.uniform(size=len(table))
    names, support, rounds = rounds_of_orders(table, group="region", round_="day", figures=["on_time"])
    found = compare_policies("past_orders", names, support, rounds, FIGURES)
    assert (found.verdict, found.figures["on_time"].change) == ("no_gap_found", 0.0)


def test_false_alarms_stay_at_the_stated_level() -> None:
    # Changes of whole days are shared; one change in three of a region is noise of its own.
    rng = np.random.default_rng(4)
    alarms = sum(bool(compared({}, rng, days=8, each=16).named) for _ in range(150))
    assert alarms <= 14, "5 % of 150 is 7.5; above 14 has a probability of 1 in 100"


@pytest.mark.parametrize(("days", "each"), [(3, 200), (20, 2)])
def test_too_few_rounds_or_orders_are_insufficient(days: int, each: int) -> None:
    found = compared({"R03": -0.5}, np.random.default_rng(5), days=days, each=each)
    assert found.verdict == "insufficient_evidence"
    assert all(g.before is None for g in found.figures["on_time"].groups)


def test_an_unknown_region_counts_in_the_totals_and_is_never_judged() -> None:
    table = pd.DataFrame({"day": np.repeat(np.arange(6), 300), "region": np.tile(["A", "B", "unknown"], 600)})
    table["on_time_before"] = 0.9
    table["on_time_after"] = np.where(table["region"] == "unknown", 0.1, 0.9)
    names, support, rounds = rounds_of_orders(table, group="region", round_="day", figures=["on_time"])
    found = compare_policies("past_orders", names, support, rounds, FIGURES)
    assert (found.orders, found.named) == (1800, {})
    assert found.figures["on_time"].change == pytest.approx(-0.8 / 3)


def test_nothing_to_compare_is_undefined() -> None:
    assert compare_policies("twin", [], np.zeros(0, int), {}, FIGURES).verdict == "undefined"
