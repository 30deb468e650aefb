"""A proposed policy in the twin: one that hurts a region is found, one that changes nothing for anybody is not."""

from dataclasses import replace

import pytest

from decisions.routing.rehearsal import rehearsed
from decisions.routing.twin_policy import Optimised
from decisions.routing.twin_replay import replay_in_twin, twin_policy
from ml.core.routing.policy import BadPolicy, RoutingPolicy
from twin.parameters import load_preset
from twin.systems.codes import node_codes
from twin.world import World, build_world

HURT = "CN-JS"


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(load_preset("demo", days=3))


@pytest.fixture(scope="module")
def plain(world: World) -> Optimised:
    return rehearsed(world)


@pytest.fixture(scope="module")
def current(plain: Optimised) -> RoutingPolicy:
    return RoutingPolicy(plain.parameters)


def test_a_region_cut_off_from_its_nodes_is_found_with_what_it_loses(world: World, current: RoutingPolicy) -> None:
    region = world.network.geography.codes.index(HURT)
    near = [node_codes(world.network, "wms")[node] for node in world.network.preference[region][:6]]
    hurtful = replace(current, closed_services={HURT: ["express", "same_day"]}, closed_nodes={HURT: near})
    found = replay_in_twin(world, current, hurtful, replications=4)
    assert found.verdict == "gap"
    assert found.named["on_time"] == [HURT]
    lost = next(g for g in found.figures["on_time"].groups if g.group == HURT)
    assert lost.change is not None
    assert lost.change < -0.05
    assert "promised_days" in found.not_recorded


def test_a_policy_that_changes_no_weight_that_matters_is_not_blamed(world: World, current: RoutingPolicy) -> None:
    neutral = replace(current, parameters=replace(current.parameters, split_cost=current.parameters.split_cost + 1.0))
    found = replay_in_twin(world, current, neutral, replications=4)
    assert found.named == {}


def test_a_policy_with_a_place_that_the_world_does_not_have_is_refused(
    world: World, plain: Optimised, current: RoutingPolicy
) -> None:
    with pytest.raises(BadPolicy, match="Atlantis"):
        twin_policy(world, plain, replace(current, closed_services={"Atlantis": ["express"]}))
