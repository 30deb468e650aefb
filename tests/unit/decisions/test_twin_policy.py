"""The optimiser in the twin: learns from a rehearsal, never gives more than there is, saves money, serves the worst."""

from dataclasses import replace

import numpy as np
import pytest

from decisions.routing.arrival import ArrivalModel
from decisions.routing.rehearsal import rehearse
from decisions.routing.twin_policy import Optimised, RegionalPrices, constrained
from twin.dispatch import Batch, Decision, rule_policy
from twin.parameters import load_preset
from twin.testbed import simulate
from twin.world import World, build_world


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(load_preset("demo", days=6))


@pytest.fixture(scope="module")
def lateness(world: World) -> ArrivalModel:
    return rehearse(world)


def test_it_is_cheaper_than_history_on_the_same_luck_and_later_no_more(world: World, lateness: ArrivalModel) -> None:
    # The twin refuses a decision that gives away more units than there are, so that a run to the end is a proof.
    ours = simulate(Optimised(lateness, world.capacity), world, 900).figures
    history = simulate(rule_policy("historic", world.parameters), world, 900).figures
    assert ours["cost_per_order"] is not None
    assert history["cost_per_order"] is not None
    assert ours["cost_per_order"] < 0.92 * history["cost_per_order"]
    assert (ours["on_time_share"] or 0) > (history["on_time_share"] or 1)


def test_the_same_policy_decides_the_same_twice_and_wrong_predictions_are_survived(
    world: World, lateness: ArrivalModel
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


def test_an_order_of_the_night_stays_open_until_its_node_is_about_to_open(world: World, lateness: ArrivalModel) -> None:
    """Waiting until the wave before the opening costs no working hour, and nobody counts it as a stock-out."""
    at_once = Optimised(lateness, world.capacity)
    moving = replace(at_once, wave_hours=3.0)
    watched = _Watched(moving)
    held = simulate(watched, world, 903).figures
    committed = simulate(at_once, world, 903).figures
    hours = {hour for hour, share in watched.held.items() if share > 0.5}
    assert hours == {0, 3, 21}
    assert abs((held["waited_share"] or 0) - (committed["waited_share"] or 1)) < 0.01
    assert (held["on_time_share"] or 0) > (committed["on_time_share"] or 1) - 0.005


class _Watched:
    """Notes the largest share of orders held, by local hour."""

    name = "watched"

    def __init__(self, policy: Optimised) -> None:
        self.policy, self.held = policy, dict[int, float]()

    def decide(self, batch: Batch) -> Decision:
        decision = self.policy.decide(batch)
        assert decision.held is not None
        hour = (batch.decided_at // 3600 + 8) % 24
        self.held[hour] = max(self.held.get(hour, 0.0), float(decision.held.mean()))
        return decision
