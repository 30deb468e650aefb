"""One order at a time, by the prices of the last batch and the stock of this moment.

Belongs here: `Router`. Does not belong here: solving batches (`solve`), serving requests (decisions, dashboards).

An order takes the node whose cost plus price of what it uses is lowest (bid-price control; Talluri & van Ryzin 1998,
for fulfilment Acimovic & Graves 2015). Between two batches prices move with the stock: a unit sold faster than
foreseen lifts the price of its cell, and time that passes without sales lowers it (online mirror descent; Balseiro,
Lu & Mirrokni 2020).
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.core.routing.costs import lanes_of
from ml.core.routing.engine import target_of
from ml.core.routing.kernels import Large, State, choose, place_large, put, scratch
from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.problem import RoutingProblem
from ml.core.routing.result import Prices, RoutingResult, cell_products
from ml.core.routing.tables import Tables, fill_chunk

#: Lines that one order may have in real time.
MOST_LINES = 256
_EMPTY = (np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(0, np.int8))


@dataclass(frozen=True)
class OrderRequest:
    """One order, positions as in the problem that the router was made from.

    `late_probability` has shape (nodes, services); `blocked` (nodes,) is true for nodes that a fence forbids.
    """

    region: int
    products: tuple[int, ...]
    quantities: tuple[int, ...]
    late_probability: NDArray[np.floating]
    priority: float = 1.0
    blocked: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class RoutedOrder:
    """Node and service of each line (−1: nowhere), the money it costs, and `reason` when it is not filled."""

    status: str
    reason: str
    nodes: tuple[int, ...]
    services: tuple[int, ...]
    cost: float
    on_time: float


class Router:
    """Routes single orders over a stock that it keeps. Not safe for several threads at once; give each its own lock.

    Args:
        problem: network, lanes and stock; its orders are not routed. Soft and hard fences over nodes and regions hold.
        prices: of the last batch.
        parameters: weights.
        reaction: share by which a price rises when as much is sold at once as was left; 0 keeps prices fixed.
    """

    def __init__(
        self,
        problem: RoutingProblem,
        prices: Prices,
        parameters: RoutingParameters | None = None,
        reaction: float = 0.0,
    ) -> None:
        if not 0.0 <= reaction <= 10.0:
            raise ValueError(f"reaction must lie from 0 to 10; got {reaction!r}.")
        self._parameters = parameters or RoutingParameters()
        self._problem = problem
        self._lanes = lanes_of(problem, self._parameters)
        self._reaction = reaction
        self._keys = cell_products(problem).astype(np.int64) * problem.shape[0] + problem.cell_node
        capacity = np.maximum(problem.node_capacity, 0).astype(np.int64)
        lines, cells = MOST_LINES, len(problem.cell_node)
        self._state = State(
            problem.available(), np.zeros_like(capacity), capacity, target_of(capacity, self._parameters),
            float(self._parameters.balance_cost), np.full(lines, -1, np.int32), np.zeros(lines, np.int8),
            np.full(cells, -1, np.int32), np.full(lines, -1, np.int32), np.full(lines, -1, np.int32),
            np.zeros(1), np.ones(1, np.uint64),
        )  # fmt: skip
        self._blocked = _static_fences(problem)
        self._scratch = scratch()
        self.refresh(prices)

    @property
    def stock(self) -> NDArray[np.int64]:
        """(C,) units left of each cell of the problem."""
        return self._state.stock

    @property
    def capacity_left(self) -> NDArray[np.int64]:
        """(N,) parcels that each node can still send."""
        return self._state.capacity - self._state.load

    @classmethod
    def after(cls, problem: RoutingProblem, result: RoutingResult, reaction: float = 0.0) -> "Router":
        """A router that goes on where a batch ended: its prices, and the stock and capacity that it left."""
        router = cls(problem, result.prices, result.parameters, reaction)
        router.stock[:] = result.stock_left
        router._state.load[:] = np.maximum(problem.node_capacity, 0) - result.capacity_left
        return router

    def refresh(self, prices: Prices) -> None:
        """Take the prices of a newer batch."""
        self._stock_price, self._node_price = prices.for_problem(self._problem)

    def set_stock(self, product: int, node: int, available: int) -> None:
        """Correct the units of a cell, for example after a receipt or a count.

        Raises:
            ValueError: when the problem holds no such cell or the number is below zero.
        """
        key = product * self._problem.shape[0] + node
        at = int(np.searchsorted(self._keys, key))
        if at >= len(self._keys) or self._keys[at] != key:
            raise ValueError(f"product {product} has no stock record at node {node}; make the router from newer stock.")
        if available < 0:
            raise ValueError(f"available units must be 0 or more; got {available}.")
        self.stock[at] = available

    def route_one(self, order: OrderRequest) -> RoutedOrder:
        """Route one order now, take its stock and capacity, and give where each line ships from."""
        late = np.asarray(order.late_probability, np.float64)
        reason = self._reason(order, late)
        if reason:
            none = (-1,) * len(order.products)
            return RoutedOrder("excluded", reason, none, none, 0.0, 0.0)
        wanted: dict[int, int] = {}
        for item, quantity in zip(order.products, order.quantities, strict=True):
            wanted[item] = wanted.get(item, 0) + quantity
        s, parameters, network = self._state, self._parameters, self._problem
        product = np.fromiter(wanted, np.int32, len(wanted))
        quantities = np.fromiter(wanted.values(), np.int64, len(wanted))
        kg = network.product_weight_kg[product] * quantities
        count = np.array([order.products.count(p) for p in wanted], np.float64)
        unfilled = count * parameters.unfilled_cost * max(1.0, order.priority)
        opening = self._lanes.fixed[order.region] + parameters.lateness_cost * order.priority * late
        opening[~((late >= 0) & (late <= 1))] = np.inf
        blocked = self._blocked[order.region]
        opening[blocked if order.blocked is None else blocked | order.blocked] = np.inf
        region = np.array([order.region], np.int32)
        exact = len(wanted) <= parameters.exact_lines
        tables = self._tables(region, product, quantities, kg, unfilled, opening[None], exact)
        s.line_cell[: len(wanted)] = -1
        if exact:
            _, parts = choose(0, tables, s, self._stock_price, self._node_price, True, self._scratch)
            cost = put(0, parts, tables, s, self._scratch)
        else:
            large = Large(
                np.zeros(1, np.int64), np.zeros(1, np.int64), np.array([len(wanted)]), region, opening[None],
                self._lanes.per_kg, product, kg, self._lanes.unit, network.product_cell_start,
            )  # fmt: skip
            cost = place_large(0, tables, s, large, network.cell_node, self._stock_price, self._node_price)
        return self._report(order, late, list(wanted), quantities, float(cost))

    def _reason(self, order: OrderRequest, late: NDArray[np.float64]) -> str:
        """Reason code of an order that cannot be routed, "" otherwise; the codes of `screen.EXCLUDED`."""
        nodes, regions, services = self._problem.shape
        if not order.products:
            return "no_lines"
        if len(order.products) > MOST_LINES or len(order.products) != len(order.quantities):
            return "bad_quantity"
        if not 0 <= order.region < regions:
            return "unknown_region"
        if min(order.products) < 0 or max(order.products) >= len(self._problem.product_weight_kg):
            return "unknown_product"
        if min(order.quantities) <= 0:
            return "bad_quantity"
        if not (math.isfinite(order.priority) and order.priority >= 0):
            return "bad_priority"
        if not np.all(self._problem.product_weight_kg[list(order.products)] >= 0):
            return "bad_weight"
        if late.shape != (nodes, services) or not ((late >= 0) & (late <= 1)).any():
            return "bad_probability"
        return ""

    def _tables(
        self,
        region: NDArray[np.int32],
        product: NDArray[np.int32],
        quantity: NDArray[np.int64],
        kg: NDArray[np.float64],
        unfilled: NDArray[np.float64],
        opening: NDArray[np.float64],
        exact: bool,
    ) -> Tables:
        """Cost tables of one order over the stock of this moment; empty for an order too long to price exactly."""
        lines = len(product)
        one = np.zeros(1, np.int64)
        filled: tuple[NDArray[Any], ...] = (one, *_EMPTY)
        if exact:
            filled = fill_chunk(
                one, np.ones(1), np.array([0, lines]), region, product, quantity, kg, self._problem.product_cell_start,
                self._problem.cell_node, self._state.stock, self._lanes.unit, self._lanes.per_kg, opening,
            )  # fmt: skip
        candidates, node, cell, cost, service = filled
        bounds = np.array([0, candidates[0]], np.int64)
        return Tables(
            one, np.ones(1), np.array([0, lines], np.int64), bounds, bounds * lines,
            bounds * ((1 << min(lines, 8)) - 1), node, cell, cost, service, quantity, unfilled,
            np.zeros(lines, np.int32), self._parameters.split_cost,
        )  # fmt: skip

    def _report(
        self,
        order: OrderRequest,
        late: NDArray[np.float64],
        wanted: list[int],
        quantities: NDArray[np.int64],
        cost: float,
    ) -> RoutedOrder:
        """The answer, by line as asked; forgets the order and lets prices follow the stock."""
        s = self._state
        cells = {product: int(s.line_cell[i]) for i, product in enumerate(wanted)}
        service = {product: int(s.line_service[i]) for i, product in enumerate(wanted)}
        for i, product in enumerate(wanted):
            cell = cells[product]
            if cell >= 0:
                s.head[cell] = -1
                before = s.stock[cell] + quantities[i]
                self._stock_price[cell] *= 1.0 + self._reaction * quantities[i] / before
        nodes = tuple(int(self._problem.cell_node[cells[p]]) if cells[p] >= 0 else -1 for p in order.products)
        services = tuple(service[p] if cells[p] >= 0 else -1 for p in order.products)
        on_time = 1.0
        for node, by in set(zip(nodes, services, strict=True)):
            on_time *= 1.0 - float(late[node, by]) if node >= 0 else 1.0
        shipped = sum(node >= 0 for node in nodes)
        status = "filled" if shipped == len(nodes) else "partial" if shipped else "unfilled"
        reason = "" if shipped == len(nodes) else "no_node_now"
        return RoutedOrder(status, reason, nodes, services, cost, on_time * shipped / len(nodes))


def _static_fences(problem: RoutingProblem) -> NDArray[np.bool_]:
    """(R, N) true where a fence over nodes or regions forbids, hard or soft."""
    blocked = np.zeros((problem.shape[1], problem.shape[0]), bool)
    for fence in problem.fences:
        if fence.over != "orders":
            blocked |= fence.blocked
    return blocked
