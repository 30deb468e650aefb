"""The fixed world: places, products, people."""

import numpy as np
import pytest

from twin.catalogue import build_catalogue, with_check_digit
from twin.network import KINDS, great_circle_km
from twin.parameters import TwinParameters, load_preset
from twin.people import build_people
from twin.world import World, build_world


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(load_preset("demo", days=3))


def test_distances_agree_with_known_ones() -> None:
    # Beijing to Shanghai is 1,067 km on the great circle.
    one = great_circle_km(np.array([39.9042]), np.array([116.4074]), np.array([31.2304]), np.array([121.4737]))
    assert one[0] == pytest.approx(1067, abs=5)


def test_check_digits_follow_gs1() -> None:
    # The example of the GS1 General Specifications: 629104150021 has check digit 3.
    assert with_check_digit(np.array([629104150021])).tolist() == [6291041500213]


def test_the_network_serves_all_31_regions_from_24_nodes(world: World) -> None:
    network = world.network
    assert (len(network.geography.codes), network.count) == (31, 24)
    assert {KINDS[k] for k in network.node_kind} == {"dc", "store"}
    nearest = network.preference[:, 0]
    assert (np.sort(network.preference, axis=1) == np.arange(24)).all()
    far = network.geography.region("CN-XJ")
    centre = network.distance_km.reshape(24, 31, -1).mean(axis=2)
    assert centre[nearest[far], far] > 1_500
    assert (network.node_kind[network.home_node] == 0).all()


def test_every_product_lies_somewhere_and_levels_are_ordered(world: World) -> None:
    assert world.stocked.any(axis=0).all()
    held = world.stocked
    assert (world.order_up_to[held] > world.reorder[held]).all()
    assert (world.order_up_to[~held] == 0).all()


def test_popularity_follows_zipf() -> None:
    flat, steep = (build_catalogue(TwinParameters(demand={"zipf_exponent": s})) for s in (0.0, 1.0))  # type: ignore[arg-type]
    assert flat.share[0] == flat.share[-1]
    assert steep.share[0] / steep.share[997] == pytest.approx(1000 / 3)
    assert steep.is_intermittent.mean() == pytest.approx(0.5)


def test_regions_of_customers_follow_their_weight(world: World) -> None:
    people = build_people(world.parameters, world.network.geography)
    share = np.bincount(people.region, minlength=31) / people.count
    assert np.abs(share - world.network.geography.weight).max() < 0.002


def test_another_seed_is_another_world(world: World) -> None:
    other = build_world(load_preset("demo", days=3, seed=8))
    assert (other.stocked != world.stocked).any()
    assert (other.catalogue.price_cents != world.catalogue.price_cents).any()
