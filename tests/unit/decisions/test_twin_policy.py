"""The optimiser in the twin: learns from a rehearsal, never gives more than there is, saves money, serves the worst."""

from dataclasses import replace

import numpy as np
import pytest

from decisions.routing.twin_policy import LatenessModel, Optimised, RegionalPrices, clock_of, constrained, rehearse
from twin.dispatch import rule_policy
from twin.parameters import load_preset
from twin.testbed import simulate
from twin.world import World, build_world


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(load_preset("demo", days=6))


@pytest.fixture(scope="module")
def lateness(world: World) -> LatenessModel:
    return rehearse(world)


def test_the_rehearsal_learns_that_hours_needed_make_late_and_hours_left_do_not(lateness: LatenessModel) -> None:
    assert lateness.needed > 0 > lateness.slack
    assert lateness.missed > 0


def test_it_is_cheaper_than_history_on_the_same_luck_and_later_no_more(world: World, lateness: LatenessModel) -> None:
    # The twin refuses a decision that gives away more units than there are, so that a run to the end is a proof.
    ours = simulate(Optimised(lateness, world.capacity), world, 900).figures
    history = simulate(rule_policy("historic", world.parameters), world, 900).figures
    assert ours["cost_per_order"] is not None
    assert history["cost_per_order"] is not None
    assert ours["cost_per_order"] < 0.92 * history["cost_per_order"]
    assert (ours["on_time_share"] or 0) > (history["on_time_share"] or 1)


def test_the_same_policy_decides_the_same_twice_and_wrong_predictions_are_survived(
    world: World, lateness: LatenessModel
) -> None:
    bounded = constrained(Optimised(lateness, world.capacity), 0.1)
    first, second = (simulate(bounded, world, 901).figures for _ in range(2))
    assert first == second
    wrong = simulate(replace(Optimised(lateness, world.capacity), error=1.0), world, 901).figures
    assert (wrong["on_time_share"] or 0) > 0.6


def test_a_region_that_lags_gets_a_price_and_one_that_leads_none() -> None:
    prices = RegionalPrices(gap=0.1)
    assert prices.extra(2, 10).tolist() == [0, 0]
    for _ in range(5):
        prices.learn(np.repeat([0, 1], 20), np.repeat([0.9, 0.5], 20))
    lagging = prices.extra(2, 20)
    assert lagging[0] == 0
    assert lagging[1] > 0.5
    assert prices.extra(2, 5).tolist() == [0, 0], "a clock that goes back begins anew"


def test_the_clock_knows_the_last_pick_up_and_sundays(world: World) -> None:
    network = replace(world.network, closed_sunday=np.ones(world.network.count, bool))
    sunday = 1_761_436_800 - 8 * 3600  # 2025-10-26 00:00 in Shanghai
    everywhere = np.arange(network.count)
    assert clock_of(network, everywhere, sunday).resting.all()
    assert not clock_of(network, everywhere, sunday + 86_400).resting.any()
    saturday_night = clock_of(network, everywhere, sunday - 60)
    assert saturday_night.missed.all()
    assert saturday_night.resting.all()
