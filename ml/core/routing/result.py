"""What a routing run gives back.

Belongs here: `RoutingResult`, its prices and reports. Does not belong here: how they are made (`solve`), the answer
to "why this node?" for one order (`explain`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.problem import RoutingProblem

#: Parts of the objective, in the order they are reported; each is money after its weight and they add up to it.
COMPONENTS = ("shipping", "split", "lateness", "unfilled", "balance", "scarcity", "relief")


@dataclass(frozen=True)
class Prices:
    """Dual prices in money: what one more unit of a cell, parcel of a node, or late parcel of a region is worth.

    `product` and `cell_node` name the cell of each stock price, so that prices outlive the batch that made them.
    """

    product: NDArray[np.int32]
    cell_node: NDArray[np.int32]
    stock: NDArray[np.float64]
    node: NDArray[np.float64]
    region: NDArray[np.float64]

    def for_problem(self, problem: RoutingProblem) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Stock prices by cell and node prices of another batch over the same products and nodes; 0 where unknown."""
        nodes = problem.shape[0]
        owner = cell_products(problem)
        wanted = owner.astype(np.int64) * nodes + problem.cell_node
        known = self.product.astype(np.int64) * nodes + self.cell_node
        stock = np.zeros(len(wanted))
        if len(known) and len(wanted):
            at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
            stock = np.where(known[at] == wanted, self.stock[at], 0.0)
        node = np.zeros(nodes)
        shared = min(nodes, len(self.node))
        node[:shared] = self.node[:shared]
        return stock, node


@dataclass(frozen=True)
class PassReport:
    """One optimisation: its name, how many orders took part, what it cost and the bound proven for it."""

    name: str
    orders: int
    objective: float
    lower_bound: float

    @property
    def gap(self) -> float:
        """(objective − lower bound) ÷ |lower bound|."""
        return relative_gap(self.objective, self.lower_bound)


@dataclass(frozen=True)
class RegionReport:
    """Expected on-time share of each region; arrays (regions,).

    An order counts as on time with the product of its parcels' probabilities, times its filled share of lines. `low`
    and `high` are the 95 % range of the realised share, given the probabilities (normal approximation). `measure` is
    the linear share that the constraint bounds (1 − sum of parcels' P(late) − unfilled share; never above `on_time`).
    `ceiling` is the highest `measure` that can be proven possible; NaN unless a floor was missed.
    """

    orders: NDArray[np.int64]
    on_time: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    measure: NDArray[np.float64]
    ceiling: NDArray[np.float64]
    floor: float | None

    @property
    def gap(self) -> float:
        """Best minus worst expected on-time share over regions that have orders."""
        served = self.on_time[self.orders > 0]
        return float(served.max() - served.min()) if len(served) else 0.0


@dataclass(frozen=True)
class RoutingResult:
    """The answer to one batch.

    Attributes:
        status: `finished`, `time_limit` (stopped early, still feasible), `regional_infeasible` (the floor is proven
            impossible; the answer comes close) or `regional_missed` (not met and not proven impossible).
        objective: money of the answer.
        components: the objective by part, see `COMPONENTS`.
        lower_bound: no assignment can cost less. After a second pass without soft fences it is the first pass's bound
            moved by
            what the second pass changed; `passes` has the bound of each on its own.
        passes: the optimisations that were run.
        prices: the prices that proved the bound, for `route_one` and for a warm start.
        line_node: (L,) node of each line, −1 when it ships from nowhere.
        line_service: (L,) service of the parcel the line is in, −1 likewise.
        line_reason: (L,) reason code of a line that ships from nowhere, "" otherwise.
        order_status: (O,) `filled`, `partial`, `unfilled` or `excluded`.
        order_reason: (O,) why an order is not filled, "" when it is.
        order_on_time: (O,) expected on-time share of each order, 0 when nothing ships.
        order_cost: (O,) money of each order, balance apart.
        order_parcels: (O,) number of parcels.
        soft_dropped: (O,) true where the second pass used a node behind a soft fence.
        stock_left: (C,) units left. `capacity_left`: (N,) parcels left.
        regions: on-time by region.
        notes: counts of faulty input that was set aside (closed lanes, cells below zero, …).
        seconds: wall seconds by stage, `total` included. `cpu_seconds`: CPU of all threads.
        parameters: the weights and limits of the run.
    """

    status: str
    objective: float
    components: dict[str, float]
    lower_bound: float
    passes: tuple[PassReport, ...]
    prices: Prices
    line_node: NDArray[np.int32]
    line_service: NDArray[np.int8]
    line_reason: NDArray[np.str_]
    order_status: NDArray[np.str_]
    order_reason: NDArray[np.str_]
    order_on_time: NDArray[np.float64]
    order_cost: NDArray[np.float64]
    order_parcels: NDArray[np.int64]
    soft_dropped: NDArray[np.bool_]
    stock_left: NDArray[np.int64]
    capacity_left: NDArray[np.int64]
    regions: RegionReport
    notes: dict[str, int]
    seconds: dict[str, float]
    cpu_seconds: float
    parameters: RoutingParameters

    @property
    def gap(self) -> float:
        """(objective − lower bound) ÷ |lower bound|."""
        return relative_gap(self.objective, self.lower_bound)

    @property
    def on_time(self) -> float:
        """Expected on-time share over all orders that were not excluded."""
        counted = self.order_status != "excluded"
        return float(self.order_on_time[counted].mean()) if counted.any() else 0.0

    def count(self, status: str) -> int:
        """Number of orders with this status."""
        return int((self.order_status == status).sum())


def relative_gap(objective: float, bound: float) -> float:
    """(objective − bound) ÷ |bound|, 0 when both are 0."""
    return 0.0 if objective == bound else (objective - bound) / max(abs(bound), 1e-12)


def cell_products(problem: RoutingProblem) -> NDArray[np.int32]:
    """(C,) product of each stock cell."""
    products = len(problem.product_weight_kg)
    return np.repeat(np.arange(products, dtype=np.int32), np.diff(problem.product_cell_start))
