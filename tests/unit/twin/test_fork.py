"""A fork goes on from the same state under other luck, and leaves the history that it was taken from alone."""

import numpy as np

from twin.engine import Simulation
from twin.parameters import load_preset
from twin.signals import DAY, build_outside, changed_after
from twin.world import build_world

PARAMETERS = load_preset("demo", days=12)


def outside_of(world, seed):
    return build_outside(
        PARAMETERS.model_copy(update={"seed": seed}), len(world.network.geography.codes), world.network.count
    )


def run_days(simulation, days):
    return [simulation.simulate_day(day) for day in days]


def test_a_fork_with_historys_luck_is_history():
    world = build_world(PARAMETERS)
    history = Simulation(world)
    run_days(history, range(5))
    twin = history.fork(PARAMETERS.seed, world.outside)
    ours, theirs = run_days(twin, range(5, 12)), run_days(history, range(5, 12))
    for mine, other in zip(ours, theirs, strict=True):
        for name, column in other.parcels.items():
            np.testing.assert_array_equal(mine.parcels[name], column, err_msg=name)


def test_other_luck_changes_what_comes_and_not_what_was():
    world = build_world(PARAMETERS)
    untouched, history = Simulation(world), Simulation(world)
    run_days(untouched, range(5))
    run_days(history, range(5))
    fork = history.fork(99, changed_after(world.outside, outside_of(world, 99), 5 * DAY, PARAMETERS.signals))
    np.testing.assert_array_equal(fork.stock.on_hand, history.stock.on_hand)
    other = run_days(fork, range(5, 9))
    after, expected = run_days(history, range(5, 9)), run_days(untouched, range(5, 9))
    np.testing.assert_array_equal(after[-1].parcels["delivered_at"], expected[-1].parcels["delivered_at"])
    assert other[-1].ordered != after[-1].ordered


def test_the_weather_so_far_stays_and_what_has_begun_goes_on():
    world = build_world(PARAMETERS)
    moment = 6 * DAY
    mixed = changed_after(world.outside, outside_of(world, 99), moment, PARAMETERS.signals)
    np.testing.assert_array_equal(mixed.road_factor[:6], world.outside.road_factor[:6])
    assert not np.array_equal(mixed.road_factor[6:], world.outside.road_factor[6:])
    begun = (world.outside.started < moment) & (world.outside.ended > moment)
    assert np.isin(world.outside.started[begun], mixed.started).all()
    same = changed_after(world.outside, world.outside, moment, PARAMETERS.signals)
    np.testing.assert_array_equal(same.road_factor, world.outside.road_factor)
