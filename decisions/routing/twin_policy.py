"""The optimiser as a policy of the twin: what it would have come to under the same orders, stock and luck.

Belongs here: a wave of the twin as a problem, and lateness learned from a rehearsal under history's rules. Does not
belong here: the twin itself (twin), the comparison (benchmarks, `oi twin compare`).

The policy knows what a company knows: the rate card, planned days, backlogs, and parcels that were sent before. The
rehearsal runs on luck of its own, so that nothing of the judged days is learned.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import logit
from sklearn.linear_model import LogisticRegression

from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.policy import RoutingPolicy
from ml.core.routing.problem import LatenessTable, RoutingProblem, stock_csr
from ml.core.routing.solve import solve_batch
from twin.dispatch import Batch, Decision, HistoricRules
from twin.engine import Simulation
from twin.network import (
    CARRIER_PRICE,
    FIXED_FEE,
    PER_KG_FEE,
    PLANNED_DAYS,
    SAME_DAY,
    SERVICES,
    UTC_OFFSET_SECONDS,
    Network,
)
from twin.results import DayResult
from twin.systems.codes import node_codes
from twin.world import World

Floats = NDArray[np.float64]

#: Luck of the rehearsal, added to the world's seed; far from the seeds that comparisons use.
REHEARSAL = 1_000_003
#: Weight of lateness by priority: standard, express, critical.
PRIORITY_WEIGHT = np.array([1.0, 2.0, 4.0])
#: Last distance band to which the same day is sold.
LAST_SAME_DAY_BAND = 1
#: Share of its daily capacity that a node is given at most in one wave.
WAVE_SHARE = 0.5
SUNDAY = 3


@dataclass(frozen=True)
class Clock:
    """What the moment means to nodes: arrays of 0 and 1, the last pick-up is `missed`, the node is about to rest."""

    missed: Floats
    resting: Floats


def clock_of(network: Network, node: NDArray[np.integer], second: NDArray[np.integer] | int) -> Clock:
    """The clock of nodes at moments (UTC seconds); both of one length, or one moment for all."""
    local = np.asarray(second, np.int64) + UTC_OFFSET_SECONDS
    missed = (local % 86_400) / 3600.0 >= network.cutoff_hour[node]
    # 1970-01-01 was a Thursday: day 3 was a Sunday.
    served_on = (local // 86_400 + missed) % 7
    return Clock(missed.astype(np.float64), ((served_on == SUNDAY) & network.closed_sunday[node]).astype(np.float64))


@dataclass(frozen=True)
class LatenessModel:
    """Log-odds of lateness: hours a parcel needs by plan, hours it has, its node, its post-code area, and the clock.

    Attributes:
        node, place: (N,), (A,) effects; the constant is in those of the nodes.
        needed, slack: Log-odds of an hour needed and of an hour to the promise.
        missed, resting: Log-odds of an allocation after the node's last pick-up, and of one before a day of rest.
    """

    node: Floats
    place: Floats
    needed: float
    slack: float
    missed: float
    resting: float

    def probability(
        self, needed_hours: Floats, slack_hours: Floats, place: NDArray[np.integer], clock: Clock
    ) -> Floats:
        """P(late), shape (orders, nodes, services).

        Args:
            needed_hours: (orders, nodes, services) planned hours on the road and in the queue.
            slack_hours: (orders,) hours to the promise.
            place: (orders,) post-code area of the destination.
            clock: Of the nodes, now.
        """
        node = self.node + self.missed * clock.missed + self.resting * clock.resting
        score = self.needed * needed_hours + node[None, :, None]
        score = score + (self.slack * slack_hours + self.place[place])[:, None, None]
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(score, -30, 30))), np.float64)


@dataclass
class _Watched:
    """History's rules, noting the backlog that each wave met."""

    rules: HistoricRules
    moments: list[int] = field(default_factory=list)
    backlogs: list[Floats] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.rules.name

    def decide(self, batch: Batch) -> Decision:
        self.moments.append(batch.decided_at)
        self.backlogs.append(batch.backlog_hours.copy())
        return self.rules.decide(batch)


def rehearse(world: World) -> LatenessModel:
    """Learn lateness from parcels that history's rules sent, on luck of its own.

    Raises:
        ValueError: the rehearsal knows only late or only punctual parcels.
    """
    rules = world.parameters.dispatch
    watched = _Watched(HistoricRules(rules.person_share, rules.max_candidates))
    rows: list[NDArray[np.float64]] = []
    nodes, places = world.network.count, world.network.distance_km.shape[1]
    for day in Simulation(world, watched, world.parameters.seed + REHEARSAL).run():
        rows.append(_sent(day, world.network, watched))
    sent = np.concatenate(rows)
    late = sent[:, -1].astype(bool)
    if late.all() or not late.any():
        raise ValueError(
            f"A rehearsal must know late and punctual parcels; got {len(late)} of one kind. Make it longer."
        )
    wheres = sparse.csr_array(
        (np.ones(2 * len(sent)), (np.repeat(np.arange(len(sent)), 2),
         np.column_stack((sent[:, 4], nodes + sent[:, 5])).astype(np.int64).ravel())), (len(sent), nodes + places),
    )  # fmt: skip
    fitted = LogisticRegression(C=1.0, max_iter=1000).fit(sparse.hstack((sent[:, :4], wheres)).tocsr(), late)
    weights = fitted.coef_[0]
    return LatenessModel(weights[4 : 4 + nodes] + fitted.intercept_[0], weights[4 + nodes :], *map(float, weights[:4]))


def _sent(day: DayResult, network: Network, watched: _Watched) -> Floats:
    """(parcels, 7) hours needed, slack, missed, resting, node, place and lateness of what a day settled."""
    parcels, orders = day.parcels, day.orders
    if not len(orders["id"]) or not len(parcels["order"]):
        return np.empty((0, 7))
    position = np.minimum(np.searchsorted(orders["id"], parcels["order"]), len(orders["id"]) - 1)
    sound = (parcels["is_empty"] == 0) & (parcels["delivered_at"] > 0) & (orders["id"][position] == parcels["order"])
    names = ("node", "place", "service", "released_at", "delivered_at")
    node, place, service, released, delivered = (parcels[name][sound] for name in names)
    promised = orders["promised_at"][position[sound]]
    wave = np.maximum(np.searchsorted(np.array(watched.moments), released, side="right") - 1, 0)
    needed = 24.0 * PLANNED_DAYS[service, network.band[node, place]] + np.array(watched.backlogs)[wave, node]
    clock = clock_of(network, node, released)
    return np.column_stack(
        (needed, (promised - released) / 3600.0, clock.missed, clock.resting, node, place, delivered > promised)
    ).astype(np.float64)


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
        lateness: Learned by `rehearse`.
        capacity: (N,) parcels a working day.
        parameters: Weights and limits.
        regional: Prices that bound the regional gap; None: no limit.
        closed: Services and nodes that regions may not have, by the names of `names_of`; None: all may have all.
        error: Standard deviation of a wrong prediction, log-odds a node × service and wave; 0 for none.
    """

    lateness: LatenessModel
    capacity: NDArray[np.int64]
    parameters: RoutingParameters = field(
        default_factory=lambda: RoutingParameters(
            lateness_cost=80.0, split_cost=4.0, unfilled_cost=400.0, dual_rounds=8, search_sweeps=2,
            threads=1,
        )
    )  # fmt: skip
    regional: RegionalPrices | None = None
    closed: RoutingPolicy | None = None
    error: float = 0.0
    name: str = "ours"

    def decide(self, batch: Batch) -> Decision:
        """Node of each line and service of each order of a wave."""
        service = np.full(batch.count, -1, np.int8)
        if not batch.count:
            return Decision(np.zeros(0, np.int16), service, np.zeros(0, np.bool_))
        problem = self._problem(batch)
        result = solve_batch(problem if self.closed is None else self.closed.over(problem), self.parameters)
        owner = np.repeat(np.arange(batch.count), np.diff(batch.line_start))
        # One service an order: the fastest of its parcels.
        np.maximum.at(service, owner, result.line_service)
        if self.regional is not None:
            self.regional.learn(batch.region, result.order_on_time)
        return Decision(result.line_node.astype(np.int16), service, np.zeros(batch.count, np.bool_))

    def _problem(self, batch: Batch) -> RoutingProblem:
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
        band = batch.network.band[:, batch.place].T
        needed = 24.0 * np.moveaxis(PLANNED_DAYS[:, band], 0, 2) + batch.backlog_hours[None, :, None]
        slack = (batch.promised_at - batch.decided_at) / 3600.0
        clock = clock_of(batch.network, np.arange(batch.network.count), batch.decided_at)
        late = self.lateness.probability(needed, slack, batch.place, clock)
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
