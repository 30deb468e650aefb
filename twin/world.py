"""The world: everything that is fixed before the first order, put together once.

Belongs here: assembling network, catalogue, people, outside, and what the history expects (assortment, demand of each
node and product, capacities). Does not belong here: anything that changes from day to day (`twin.engine`).
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from twin.catalogue import Catalogue, build_catalogue
from twin.luck import uniform
from twin.network import UTC_OFFSET_SECONDS, Network, build_network
from twin.parameters import TwinParameters
from twin.people import People, build_people
from twin.signals import Outside, build_outside

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Lines that a company's order has more than a private one.
COMPANY_LINES = 0.6


@dataclass(frozen=True)
class World:
    """What is fixed before the first order.

    Attributes:
        start: UTC second of the first local midnight.
        stocked: (N, P) whether the node holds the product.
        expected: (N, P) units a day that history's rules bring to the node.
        capacity: (N,) parcels a working day.
        reorder, order_up_to: (N, P) levels of the (s, S) rule.
    """

    parameters: TwinParameters
    network: Network
    catalogue: Catalogue
    people: People
    outside: Outside
    start: int
    stocked: npt.NDArray[np.bool_]
    expected: npt.NDArray[np.float32]
    capacity: Ints
    reorder: npt.NDArray[np.int32]
    order_up_to: npt.NDArray[np.int32]


def build_world(parameters: TwinParameters) -> World:
    """Build the world of these parameters; the same parameters give the same world."""
    network = build_network(parameters)
    catalogue = build_catalogue(parameters)
    people = build_people(parameters, network.geography)
    outside = build_outside(parameters, len(network.geography.codes), network.count)
    first = parameters.first_day
    start = int(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp()) - UTC_OFFSET_SECONDS
    stocked = _assortment(parameters, network, catalogue)
    expected = _expected(parameters, network, catalogue, stocked)
    orders = expected.sum(axis=1) / units_per_order(parameters)
    capacity = np.maximum(3, np.ceil(orders * parameters.network.capacity_headroom)).astype(np.int64)
    reorder, order_up_to = _levels(parameters, stocked, expected)
    return World(
        parameters, network, catalogue, people, outside, start, stocked, expected, capacity, reorder, order_up_to
    )


def units_per_order(parameters: TwinParameters) -> float:
    """Mean units of an order that the demand's parameters imply (see `twin.demand`)."""
    p = parameters.demand
    private = private_lines(parameters)
    return (1 - p.b2b_share) * private * 1.15 + p.b2b_share * (private + COMPANY_LINES) * 4.0


def private_lines(parameters: TwinParameters) -> float:
    """Mean lines of a private order, so that all orders together have the mean that was asked for."""
    p = parameters.demand
    return max(1.0, p.lines_per_order - COMPANY_LINES * p.b2b_share)


def _assortment(parameters: TwinParameters, network: Network, catalogue: Catalogue) -> npt.NDArray[np.bool_]:
    p = parameters.supply
    rank = (np.arange(catalogue.count) + 0.5) / catalogue.count
    luck = uniform(
        parameters.seed, "assortment", np.arange(network.count)[:, None], np.arange(catalogue.count)[None, :]
    )
    factor = np.where(network.node_kind == 1, p.store_factor, 1.0)[:, None]
    stocked = (rank[None, :] < p.core_share * factor) | (luck < p.local_share * factor)
    # What nobody would hold lies at the two most different hubs, so that every product can be sold.
    hubs = np.unique(network.hub)
    stocked[hubs[np.arange(catalogue.count) % len(hubs)], np.arange(catalogue.count)] = True
    return stocked


def _expected(
    parameters: TwinParameters, network: Network, catalogue: Catalogue, stocked: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float32]:
    units = parameters.demand.orders_per_day * units_per_order(parameters)
    expected = np.zeros(stocked.shape, dtype=np.float32)
    for region, weight in enumerate(network.geography.weight):
        open_share = np.ones(catalogue.count, dtype=bool)
        ranked = [network.home_node[region], *network.preference[region]]
        for node in ranked:
            served = open_share & stocked[node]
            expected[node, served] += (units * weight * catalogue.share[served]).astype(np.float32)
            open_share &= ~stocked[node]
    return expected


def _levels(
    parameters: TwinParameters, stocked: npt.NDArray[np.bool_], expected: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    p = parameters.supply
    need = expected * (p.lead_days + 1)
    # Units of a product come in lumps of orders, so their variance is above Poisson's.
    reorder = np.ceil(need + p.safety * np.sqrt(1.8 * need))
    order_up_to = reorder + np.maximum(1, np.ceil(expected * p.cover_days))
    return np.where(stocked, reorder, -1).astype(np.int32), np.where(stocked, order_up_to, 0).astype(np.int32)
