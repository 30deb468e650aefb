"""The regional constraint: a floor under every region's expected on-time share, kept by one more price per region.

Belongs here: the search for those prices, and the proof when no assignment can keep the floor. Does not belong here:
the curve of what fairness costs (`tradeoff`).

The gap is closed by raising the worst regions, never by delaying the best: a largest gap δ means the floor "best
region without the constraint, minus δ". A price π of region r charges π for each late parcel and π ÷ lines for each
unfilled line of its orders; the bound gains −π × (1 − floor) × orders of r, and stays valid for every assignment that
keeps the floor.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ml.core.routing.costs import Lanes, lanes_of
from ml.core.routing.engine import Engine, target_of
from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.problem import RoutingProblem
from ml.core.routing.result import Prices
from ml.core.routing.screen import Demand

#: Above the floor by this much, so that search does not end a hair under it.
MARGIN = 5e-4
#: Price of a late parcel beyond which a region counts as unable, in typical parcel costs.
STEEPEST = 400.0
#: Times that prices are lifted after the search left a region a hair under its floor.
ATTEMPTS = 10

Lap = Callable[[str], None]
Stop = Callable[[], bool]


@dataclass(frozen=True)
class RegionalOutcome:
    """The engine that holds the answer, the bound proven for it, and what became of the floor."""

    engine: Engine
    bound: float
    price: NDArray[np.float64]
    status: str
    floor: float | None
    ceiling: NDArray[np.float64] | None


class _Run:
    """Optimisations of one batch under changing regional prices, each warm from the one before."""

    def __init__(
        self, problem: RoutingProblem, parameters: RoutingParameters, demand: Demand, warm: Prices | None, stop: Stop
    ) -> None:
        self.problem, self.parameters, self.demand, self.stop = problem, parameters, demand, stop
        self.lanes = lanes_of(problem, parameters)
        self.start = None if warm is None else warm.for_problem(problem)
        self.count = np.bincount(demand.region, minlength=problem.shape[1])

    def engine(self, price: NDArray[np.float64], floor: float, lap: Lap, *, share: float, search: bool) -> Engine:
        """Solve at these regional prices with `share` of the rounds, and search the neighbourhood or only construct."""
        parameters = self.parameters
        engine = make_engine(self.problem, parameters, self.demand, self.lanes, price)
        lap("tables")
        constant = -float((price * (1.0 - floor) * self.count).sum())
        # Small batches take more rounds, because they cost less and their prices settle later.
        rounds = int(np.ceil(share * parameters.dual_rounds * few_orders(len(self.demand.order))))
        point = engine.raise_bound(rounds, self.start, constant, self.stop)
        self.start = (point.stock, point.node)
        lap("prices")
        engine.construct()
        lap("construct")
        if search:
            engine.improve(int(parameters.search_sweeps * few_orders(len(self.demand.order)) ** 0.5), self.stop)
            lap("search")
        return engine

    def measure(self, engine: Engine) -> NDArray[np.float64]:
        """(R,) linear on-time share of each region under the engine's assignment; 1 where a region has no order."""
        lost = engine.late_measure()
        total = np.bincount(self.demand.region, weights=lost, minlength=len(self.count))
        return np.where(self.count > 0, 1.0 - total / np.maximum(self.count, 1), 1.0)


def few_orders(orders: int) -> float:
    """How many times more rounds a batch of this size takes than one of 100,000 orders and up: 1 … 6."""
    return float(np.clip(100_000 / max(orders, 1), 1.0, 6.0))


def make_engine(
    problem: RoutingProblem, parameters: RoutingParameters, demand: Demand, lanes: Lanes, price: NDArray[np.float64]
) -> Engine:
    """An engine over the whole stock and capacity of the problem."""
    capacity = np.maximum(problem.node_capacity, 0).astype(np.int64)
    target = target_of(capacity, parameters)
    return Engine(problem, parameters, demand, lanes, problem.available(), capacity, target, price, soft=True)


def run_with_regions(
    problem: RoutingProblem, parameters: RoutingParameters, demand: Demand, warm: Prices | None, stop: Stop, lap: Lap
) -> RegionalOutcome:
    """Optimise a batch, with the regional floor of the parameters when they set one."""
    run = _Run(problem, parameters, demand, warm, stop)
    none = np.zeros(problem.shape[1])
    bounded = parameters.regional_floor is not None or parameters.regional_gap is not None
    share = 1.0 if warm is None or not _any_price(warm) else 0.5
    free = run.engine(none, 0.0, lap, share=share, search=True)
    assert free.point is not None
    unbounded = RegionalOutcome(free, free.point.bound, none, "finished", None, None)
    if not bounded or not len(demand.order):
        return unbounded
    measure = run.measure(free)
    floor = parameters.regional_floor or 0.0
    if parameters.regional_gap is not None:
        floor = max(floor, float(measure[run.count > 0].max()) - parameters.regional_gap)
    if measure.min() >= floor:
        return replace(unbounded, floor=floor)
    return _raise_regions(run, unbounded, measure, floor, lap)


def _any_price(warm: Prices) -> bool:
    return bool(np.any(warm.stock > 0) or np.any(warm.node > 0))


def _raise_regions(
    run: _Run, unbounded: RegionalOutcome, measure: NDArray[np.float64], floor: float, lap: Lap
) -> RegionalOutcome:
    """Bracket and halve each region's price until its share is just over the floor."""
    scale = unbounded.engine.step_scale()
    low, high = np.zeros(len(measure)), np.full(len(measure), np.inf)
    price = np.where(measure < floor + MARGIN, 0.5 * scale, 0.0)
    for _ in range(run.parameters.regional_rounds):
        if run.stop():
            break
        trial = run.engine(price, floor, lap, share=0.35, search=False)
        enough = run.measure(trial) >= floor + MARGIN
        high = np.where(enough, np.minimum(high, price), high)
        low = np.where(enough, low, np.maximum(low, price))
        # Regions compete for stock: one that was enough may be short again when others are paid more.
        high = np.where(~enough & (high <= price), np.inf, high)
        following = np.where(np.isinf(high), np.maximum(2.0 * price, 0.5 * scale), 0.5 * (low + high))
        following = np.where(enough & (price == 0.0), 0.0, following)
        if np.any(following > STEEPEST * scale):
            ceiling = ceilings(run.problem, run.parameters, run.demand, np.flatnonzero(~enough), run.stop)
            if np.any(ceiling < floor):
                return replace(unbounded, engine=trial, status="regional_infeasible", floor=floor, ceiling=ceiling)
            following = np.minimum(following, STEEPEST * scale)
        settled = np.isfinite(high) & (high - low <= 0.03 * high + 0.01 * scale)
        if np.all(settled | (price == 0.0)) and np.all(enough):
            break
        price = following
    return _final(run, unbounded, np.where(np.isfinite(high), high, price), floor, lap)


def _final(
    run: _Run, unbounded: RegionalOutcome, price: NDArray[np.float64], floor: float, lap: Lap
) -> RegionalOutcome:
    """Full optimisation at the prices found; regions that search left under the floor are paid a little more."""
    best, bound = unbounded, -np.inf
    for _ in range(ATTEMPTS):
        engine = run.engine(price, floor, lap, share=0.5, search=True)
        assert engine.point is not None
        bound = max(bound, engine.point.bound, unbounded.bound)
        under = run.measure(engine) < floor
        best = RegionalOutcome(engine, bound, price, "finished", floor, None)
        if not under.any() or run.stop():
            break
        price = np.where(under, 1.25 * price + 0.1 * engine.step_scale(), price)
    if not under.any():
        return best
    ceiling = ceilings(run.problem, run.parameters, run.demand, np.flatnonzero(under), run.stop)
    proven = bool(np.any(ceiling < floor))
    status, kept = ("regional_infeasible", unbounded.bound) if proven else ("regional_missed", bound)
    return replace(best, status=status, bound=kept, ceiling=ceiling)


def ceilings(
    problem: RoutingProblem, parameters: RoutingParameters, demand: Demand, regions: NDArray[np.int64], stop: Stop
) -> NDArray[np.float64]:
    """(R,) proven upper bound on the linear on-time share of these regions, each as if it had all stock; NaN elsewhere.

    It is 1 − the dual bound of a problem whose only cost is lateness, so no choice of nodes and services can pass it.
    """
    only_late = replace(
        parameters, shipping_weight=0.0, split_cost=0.0, lateness_cost=0.0, unfilled_cost=0.0, balance_cost=0.0,
        scarcity_weight=0.0, relief_weight=0.0,
    )  # fmt: skip
    bare = replace(problem, line_unfilled_cost=None)
    found = np.full(problem.shape[1], np.nan)
    lanes = lanes_of(bare, only_late)
    for region in regions:
        part = _only(demand, demand.region == region)
        price = np.zeros(problem.shape[1])
        price[region] = 1.0
        engine = make_engine(bare, only_late, part, lanes, price)
        point = engine.raise_bound(parameters.dual_rounds, None, 0.0, stop)
        found[region] = 1.0 - point.bound / max(len(part.order), 1)
    return found


def _only(demand: Demand, keep: NDArray[np.bool_]) -> Demand:
    """The orders marked `keep`, without costs of leaving lines."""
    lines = np.diff(demand.line_start)
    kept = np.repeat(keep, lines)
    return Demand(
        order=demand.order[keep],
        region=demand.region[keep],
        priority=demand.priority[keep],
        line_start=np.concatenate(([0], np.cumsum(lines[keep]))).astype(np.int64),
        product=demand.product[kept],
        quantity=demand.quantity[kept],
        kg=demand.kg[kept],
        unfilled=np.zeros(int(kept.sum())),
        source_line=demand.source_line,
    )
