"""The optimiser as a policy of the twin: what it would have come to under the same orders, stock and luck.

Belongs here: a wave of the twin as a problem, and prices that bound regions from wave to wave. Does not belong here:
the twin itself (twin), lateness (`arrival`, `rehearsal`), the comparison (benchmarks, `oi twin compare`).

The policy knows what a company knows: the rate card, planned days, calendars and backlogs of nodes, the weather that is
reported, and parcels that were sent before.
"""

from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.policy import RoutingPolicy
from ml.core.routing.problem import LatenessTable, RoutingProblem, stock_csr
from ml.core.routing.solve import solve_batch
from twin.dispatch import Batch, Decision
from twin.network import CARRIER_PRICE, FIXED_FEE, PER_KG_FEE, SAME_DAY, SERVICES, Network
from twin.systems.codes import node_codes

Floats = NDArray[np.float64]

#: Weight of lateness by priority: standard, express, critical.
PRIORITY_WEIGHT = np.array([1.0, 1.5, 2.0])
#: Last distance band to which the same day is sold.
LAST_SAME_DAY_BAND = 1
#: Share of its daily capacity that a node is given at most in one wave.
WAVE_SHARE = 0.5


class Lateness(Protocol):
    """What foresees arrivals, as `arrival.ArrivalModel` does."""

    def late(self, batch: Batch) -> Floats:
        """P(late), shape (orders, nodes, services), of a parcel given out in this wave."""
        ...

    def may_wait(self, batch: Batch, moment: int) -> NDArray[np.bool_]:
        """(orders, nodes) true where giving the parcel out at `moment` would lose no time."""
        ...


@dataclass
class RegionalPrices:
    """Prices on lateness by region that close the on-time gap from wave to wave.

    A wave has too few orders for a limit on its own regions; the limit holds over the waves, by one price a region that
    rises while the region's expected on-time share lies further below the best than allowed, and falls otherwise
    (online dual ascent).

    Attributes:
        gap: Largest distance to the best region's expected on-time share.
        step: Rise of a price, as a multiple of a standard order's lateness cost, for a distance of 1.
        memory: Orders of a region that its share looks back on.
    """

    gap: float
    step: float = 1.0
    memory: float = 100.0
    moment: int = 0
    price: Floats | None = None
    share: Floats | None = None
    seen: Floats | None = None

    def extra(self, regions: int, moment: int) -> Floats:
        """(R,) what is added to the weight of lateness; a clock that goes back begins anew."""
        if self.price is None or moment < self.moment:
            self.price, self.share, self.seen = np.zeros(regions), np.zeros(regions), np.zeros(regions)
        self.moment = moment
        return self.price

    def learn(self, region: NDArray[np.integer], on_time: Floats) -> None:
        """Take note of a wave's orders and move the prices."""
        if self.price is None or self.share is None or self.seen is None:
            return
        count = np.bincount(region, minlength=len(self.price))
        total = np.bincount(region, weights=on_time, minlength=len(self.price))
        self.seen = np.minimum(self.seen + count, self.memory)
        pull = np.where(self.seen > 0, count / np.maximum(self.seen, 1), 0.0).clip(0, 1)
        self.share += pull * (np.divide(total, count, out=self.share.copy(), where=count > 0) - self.share)
        judged = self.seen >= self.memory / 5
        if judged.any():
            lacking = self.share[judged].max() - self.gap - self.share
            self.price = np.where(judged & (count > 0), np.maximum(0.0, self.price + self.step * lacking), self.price)


@dataclass(frozen=True)
class Optimised:
    """Solve each wave as one batch.

    Attributes:
        lateness: Learned by `rehearsal.rehearse`.
        capacity: (N,) parcels a working day.
        parameters: Weights and limits.
        regional: Prices that bound the regional gap; None: no limit.
        closed: Services and nodes that regions may not have, by the names of `names_of`; None: all may have all.
        wave_hours: Hours to the next wave: an order stays re-assignable while waiting for it costs no time. 0: what is
            decided is committed at once.
        error: Standard deviation of a wrong prediction, log-odds a node × service and wave; 0 for none.
    """

    lateness: Lateness
    capacity: NDArray[np.int64]
    parameters: RoutingParameters = field(
        default_factory=lambda: RoutingParameters(
            lateness_cost=100.0, split_cost=4.0, unfilled_cost=2_000.0, dual_rounds=8, search_sweeps=2, threads=1,
        )
    )  # fmt: skip
    regional: RegionalPrices | None = None
    closed: RoutingPolicy | None = None
    wave_hours: float = 0.0
    error: float = 0.0
    name: str = "ours"

    def decide(self, batch: Batch) -> Decision:
        """Node of each line and service of each order of a wave."""
        service = np.full(batch.count, -1, np.int8)
        if not batch.count:
            return Decision(np.zeros(0, np.int16), service, np.zeros(0, np.bool_))
        problem = self.problem_of(batch)
        result = solve_batch(problem if self.closed is None else self.closed.over(problem), self.parameters)
        owner = np.repeat(np.arange(batch.count), np.diff(batch.line_start))
        # One service an order: the fastest of its parcels.
        np.maximum.at(service, owner, result.line_service)
        if self.regional is not None:
            self.regional.learn(batch.region, result.order_on_time)
        held = self._held(batch, owner, result.line_node)
        node = np.where(held[owner], -1, result.line_node).astype(np.int16)
        return Decision(node, service, np.zeros(batch.count, np.bool_), held)

    def _held(self, batch: Batch, owner: NDArray[np.integer], node: NDArray[np.integer]) -> NDArray[np.bool_]:
        """(n,) orders that ship whole and lose nothing by being decided anew at the next wave."""
        if not self.wave_hours:
            return np.zeros(batch.count, np.bool_)
        may = self.lateness.may_wait(batch, batch.decided_at + round(3600 * self.wave_hours))
        lines = (node >= 0) & may[owner, np.maximum(node, 0)]
        return np.bincount(owner, weights=~lines, minlength=batch.count) == 0

    def problem_of(self, batch: Batch) -> RoutingProblem:
        """The wave as a problem; its lanes are those to the post-code areas of its orders."""
        network = batch.network
        places, lane = np.unique(batch.place, return_inverse=True)
        fixed, per_kg = _rates(network, batch, lane, len(places))
        priority = PRIORITY_WEIGHT[batch.priority]
        if self.regional is not None:
            priority = priority + self.regional.extra(len(network.geography.codes), batch.decided_at)[batch.region]
        line_kg = np.repeat(batch.weight_kg / np.maximum(_units(batch), 1), np.diff(batch.line_start))
        products, position = np.unique(batch.product, return_inverse=True)
        weight = np.zeros(len(products))
        np.maximum.at(weight, position, line_kg)
        free = batch.available[:, products]
        node, product = np.nonzero(free > 0)
        start, cell_node, (on_hand,) = stock_csr(product, node, len(products), network.count, free[node, product])
        regions, services, nodes = names_of(network)
        capacity = np.where(batch.is_open, np.maximum(1, np.ceil(self.capacity * WAVE_SHARE)), 0).astype(np.int64)
        return RoutingProblem(
            order_region=lane.astype(np.int32),
            order_priority=priority,
            order_line_start=batch.line_start.astype(np.int64),
            line_product=position.astype(np.int32),
            line_quantity=batch.quantity.astype(np.int64),
            product_weight_kg=weight,
            product_cell_start=start,
            cell_node=cell_node,
            cell_on_hand=on_hand,
            node_capacity=capacity,
            ship_fixed=fixed,
            ship_per_kg=per_kg,
            lateness=LatenessTable(self._late(batch)),
            node_names=nodes,
            region_names=[regions[batch.region[np.argmax(lane == at)]] for at in range(len(places))],
            service_names=services,
        )

    def _late(self, batch: Batch) -> Floats:
        late = self.lateness.late(batch)
        if self.error:
            rng = np.random.default_rng(batch.decided_at)
            wrong = rng.normal(0.0, self.error, (1, *late.shape[1:]))
            late = 1.0 / (1.0 + np.exp(-(logit(np.clip(late, 1e-6, 1 - 1e-6)) + wrong)))
        return late


def names_of(network: Network) -> tuple[list[str], tuple[str, ...], list[str]]:
    """Names of regions, services and nodes, as the marts of a company that this network feeds have them."""
    return network.geography.codes, SERVICES, node_codes(network, "wms")


def constrained(policy: Optimised, gap: float) -> Optimised:
    """The same policy with a bounded gap of expected on-time shares between regions."""
    return replace(policy, regional=RegionalPrices(gap), name="ours, regions bounded")


def _units(batch: Batch) -> Floats:
    owner = np.repeat(np.arange(batch.count), np.diff(batch.line_start))
    return np.bincount(owner, weights=batch.quantity, minlength=batch.count).astype(np.float64)


def _rates(network: Network, batch: Batch, lane: NDArray[np.int64], lanes: int) -> tuple[Floats, Floats]:
    """Fixed price and price of a kilogram, (N, lanes, S), of each post-code area; the same day is sold nearby only."""
    first = np.zeros(lanes, np.int64)
    first[lane] = np.arange(batch.count)
    place, region = batch.place[first], batch.region[first]
    band, price = network.band[:, place], CARRIER_PRICE[batch.carrier[first]][None, :, None]
    fixed = np.moveaxis(FIXED_FEE[:, band], 0, 2) * price
    per_kg = np.moveaxis(PER_KG_FEE[:, band], 0, 2) * price
    near = (network.node_region[:, None] == region[None]) & (band <= LAST_SAME_DAY_BAND)
    fixed[:, :, SAME_DAY] = np.where(near, fixed[:, :, SAME_DAY], np.nan)
    return fixed, per_kg
