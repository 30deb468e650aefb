"""When a parcel would be at the door: calendars to the hour, and probabilities that hold on luck of their own."""

from dataclasses import replace

import numpy as np
import pytest

from decisions.routing.arrival import (
    ArrivalModel,
    door_deadline,
    learn_arrivals,
    opening_after,
    pickup_after,
    worked_hours,
    worked_until,
)
from decisions.routing.rehearsal import earlier, rehearse
from twin.dispatch import Batch, Decision, rule_policy
from twin.engine import Simulation
from twin.network import Network
from twin.parameters import load_preset
from twin.world import World, build_world

HOUR, DAY = 3_600, 86_400
#: 2026-10-24 00:00 in Shanghai, a Saturday; distribution centres work from 8 to 20.
SATURDAY = 1_792_771_200


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(load_preset("demo", days=4))


@pytest.fixture(scope="module")
def arrivals(world: World) -> ArrivalModel:
    return rehearse(world)


@pytest.fixture
def network(world: World) -> Network:
    """Every node is a distribution centre that hands over at 16 and rests on Sundays."""
    count = world.network.count
    return replace(
        world.network, node_kind=np.zeros(count, np.int64), cutoff_hour=np.full(count, 16),
        closed_sunday=np.ones(count, bool),
    )  # fmt: skip


def at(hour: float, days: int = 0) -> np.ndarray:
    return np.array([SATURDAY + days * DAY + hour * HOUR])


FIRST = np.zeros(1, np.int64)


@pytest.mark.parametrize(
    ("asked", "opens"), [(at(3), at(8)), (at(9.5), at(9.5)), (at(20), at(8, 2)), (at(12, 1), at(8, 2))]
)
def test_a_node_works_in_its_hours_and_never_on_its_sunday(
    network: Network, asked: np.ndarray, opens: np.ndarray
) -> None:
    assert opening_after(network, FIRST, asked) == opens


def test_work_goes_on_the_next_working_day_and_can_be_counted_back(network: Network) -> None:
    begins = at(18)
    done = worked_until(network, FIRST, begins, 3.0)
    assert done == at(9, 2), "two hours until closing, Sunday off, one hour on Monday"
    assert worked_hours(network, FIRST, begins, done) == pytest.approx(3.0)
    assert worked_until(network, FIRST, at(9), 2.0) == at(11)


def test_what_is_packed_after_the_hand_over_leaves_with_the_next(network: Network) -> None:
    assert pickup_after(network, FIRST, at(15)) == at(16)
    assert pickup_after(network, FIRST, at(16.5)) == at(16, 2), "Sunday is no working day"


@pytest.mark.parametrize(("promised", "deadline"), [(12, at(12)), (23, at(21)), (3, at(21, -1)), (8.5, at(21, -1))])
def test_a_promise_in_the_night_is_kept_on_the_evening_before(promised: float, deadline: np.ndarray) -> None:
    assert door_deadline(at(promised).astype(np.int64)) == deadline


def test_the_rehearsal_is_of_other_days_and_another_outside_world(world: World) -> None:
    before = earlier(world)
    last = before.start + before.parameters.days * DAY
    assert last == world.start
    assert not np.array_equal(before.outside.road_factor[: len(world.outside.road_factor)], world.outside.road_factor)


def test_it_finds_what_was_planted(world: World, arrivals: ArrivalModel) -> None:
    """Ten hours to release in one region, 30 h on top of the slow carrier's road, roads of 1.9 times in storms."""
    region = world.network.geography.region(world.parameters.effects.release_region)
    assert arrivals.release[region] - np.median(arrivals.release) == pytest.approx(10, abs=1.5)
    assert arrivals.extra[3] - arrivals.extra[:3].max() > 20
    assert 0.4 < arrivals.weather < 1.5


class _Foretold:
    """History's rules, noting P(late) of each choice."""

    name = "foretold"

    def __init__(self, world: World, arrivals: ArrivalModel) -> None:
        self.rules, self.arrivals = rule_policy("historic", world.parameters), arrivals
        self.said: dict[tuple[int, int, int], float] = {}

    def decide(self, batch: Batch) -> Decision:
        decision = self.rules.decide(batch)
        late = self.arrivals.late(batch)
        assert late.shape == (batch.count, batch.network.count, 3)
        owner = np.repeat(np.arange(batch.count), np.diff(batch.line_start))
        for order, node in zip(owner, decision.line_node, strict=True):
            for service in range(3):
                self.said[int(batch.order_id[order]), int(node), service] = float(late[order, node, service])
        return decision


def test_what_it_says_comes_true(world: World, arrivals: ArrivalModel) -> None:
    """Of parcels on other luck: means by band of what was said lie near the share that was late."""
    foretold = _Foretold(world, arrivals)
    said, late = [], []
    for day in Simulation(world, foretold, 902).run():
        p = day.parcels
        for order, node, service, empty, touched, promised, delivered in zip(
            p["order"], p["node"], p["service"], p["is_empty"], p["touched"], p["promised_at"], p["delivered_at"],
            strict=True,
        ):  # fmt: skip
            if (
                not empty
                and not touched
                and delivered
                and (key := (int(order), int(node), int(service))) in foretold.said
            ):
                said.append(foretold.said[key])
                late.append(delivered > promised)
    told, came = np.array(said), np.array(late, float)
    assert len(told) > 800
    assert told.mean() == pytest.approx(came.mean(), abs=0.04)
    for low, high in ((0.0, 0.1), (0.1, 0.5), (0.5, 1.01)):
        band = (told >= low) & (told < high)
        assert told[band].mean() == pytest.approx(came[band].mean(), abs=0.1)
    assert np.mean((told - came) ** 2) < 0.75 * came.var()


def test_too_few_parcels_are_refused(world: World, arrivals: ArrivalModel) -> None:
    from decisions.routing.arrival import Sent

    few = np.zeros(5, np.int64)
    with pytest.raises(ValueError, match="at least 100 parcels; got 5"):
        learn_arrivals(Sent(*[few] * 10, few * 1.0, few * 1.0), world.network, 1)
