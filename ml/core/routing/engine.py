"""One optimisation over one set of orders: tables, prices, construction, search. Always holds a feasible assignment.

Belongs here: the order of the steps and their stopping. Does not belong here: which orders take part, fences in two
passes, reasons (`solve`); regional prices (`regional`).
"""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.core.routing import kernels
from ml.core.routing.ascent import Dual, DualPoint, ascend
from ml.core.routing.costs import Lanes, late_probability, opening
from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.problem import UNLIMITED, RoutingProblem
from ml.core.routing.screen import Demand
from ml.core.routing.tables import build, exact_that_fits

#: Products handled between two looks at the clock.
BLOCK = 4_000
#: Orders taken out together by one move of the neighbourhood search.
GROUP = 10
#: A priced node is visited once per this many of its candidates in a sweep, and no more than so often.
NODE_SHARE, NODE_VISITS = 64, 60
#: Groups visited at least, however small the batch.
LEAST_VISITS = 6_000
#: Loss, in typical parcel costs, that is accepted with probability 1/e at the start.
HEAT = 0.03


def thread_count(parameters: RoutingParameters) -> int:
    """Threads to use: the parameter, or every core this process may run on."""
    return parameters.threads or len(os.sched_getaffinity(0))


class Engine:
    """Tables and state of one optimisation.

    Args:
        problem: the batch.
        parameters: weights and limits.
        demand: the orders that take part.
        lanes: weighted prices.
        available: (C,) units that may be taken.
        capacity: (N,) parcels that may be sent.
        target: (N,) parcels of these that are free of the balance cost.
        late_extra: (R,) regional price added to the lateness weight of every order of a region.
        soft: whether soft fences hold.
    """

    def __init__(
        self,
        problem: RoutingProblem,
        parameters: RoutingParameters,
        demand: Demand,
        lanes: Lanes,
        available: NDArray[np.int64],
        capacity: NDArray[np.int64],
        target: NDArray[np.int64],
        late_extra: NDArray[np.float64],
        *,
        soft: bool,
    ) -> None:
        self.problem, self.parameters, self.demand, self.lanes = problem, parameters, demand, lanes
        self.threads = thread_count(parameters)
        weight = parameters.lateness_cost * demand.priority + late_extra[demand.region]
        lines = np.diff(demand.line_start)
        # An unfilled line is a late share of its order, so that a region's on-time share cannot be bought by not
        # shipping.
        unfilled = demand.unfilled + np.repeat(late_extra[demand.region] / np.maximum(lines, 1), lines)
        demand = Demand(**{**demand.__dict__, "unfilled": unfilled})

        def opening_of(rows: NDArray[np.int64]) -> NDArray[np.float64]:
            return opening(problem, lanes, demand.order[rows], weight[rows], soft=soft)

        exact = exact_that_fits(
            demand, problem.product_cell_start, problem.shape[0], parameters.exact_lines, parameters.table_megabytes
        )
        self.tables = build(
            demand, lanes, problem.product_cell_start, problem.cell_node, available, opening_of, exact,
            parameters.split_cost, self.threads,
        )  # fmt: skip
        self.state = self._empty_state(available, capacity, target)
        large = np.flatnonzero(lines > exact)
        self.large = kernels.Large(
            np.searchsorted(self.tables.order, large), demand.line_start[large], demand.line_start[large + 1],
            demand.region[large], np.ascontiguousarray(opening_of(large)), np.ascontiguousarray(lanes.per_kg),
            demand.product, demand.kg, lanes.unit, problem.product_cell_start,
        )  # fmt: skip
        self.whole = np.flatnonzero(self.tables.share == 1.0)
        self.point: DualPoint | None = None

    def _empty_state(
        self, available: NDArray[np.int64], capacity: NDArray[np.int64], target: NDArray[np.int64]
    ) -> kernels.State:
        lines, cells = len(self.demand.quantity), len(available)
        return kernels.State(
            available.copy(), np.zeros(len(capacity), np.int64), capacity, target,
            float(self.parameters.balance_cost), np.full(lines, -1, np.int32), np.zeros(lines, np.int8),
            np.full(cells, -1, np.int32), np.full(lines, -1, np.int32), np.full(lines, -1, np.int32),
            np.zeros(len(self.tables.order)), np.array([self.parameters.seed * 2 + 0x9E3779B97F4A7C15], np.uint64),
        )  # fmt: skip

    def raise_bound(
        self,
        rounds: int,
        start: tuple[NDArray[np.float64], NDArray[np.float64]] | None,
        constant: float,
        out_of_time: Callable[[], bool],
    ) -> DualPoint:
        """Prices and the bound they prove; `constant` is what regional prices earn."""
        dual = Dual(self.tables, self.state, constant, self.threads)
        self.point = ascend(dual, rounds, start, 2.0 * self.step_scale(), out_of_time)
        return self.point

    def step_scale(self) -> float:
        """Money scale of the prices: the typical fixed cost of a parcel."""
        fixed = self.lanes.fixed[np.isfinite(self.lanes.fixed)]
        scale = float(np.median(fixed)) if len(fixed) else 1.0
        return max(scale, 1e-6)

    def construct(self) -> None:
        """Place every order: those with most lines first, then by priority, each at the prices among what is left."""
        point, demand = self.point, self.demand
        assert point is not None
        lines = np.diff(demand.line_start)
        s, t, node = self.state, self.tables, self.problem.cell_node
        big = np.lexsort((self.large.low, -demand.priority[t.order[self.large.unit]]))
        kernels.construct_large(big, t, s, self.large, node, point.stock, point.node)
        order = t.order[self.whole]
        sequence = self.whole[np.lexsort((order, -demand.priority[order], -lines[order]))]
        kernels.construct(sequence, t, s, point.stock, point.node)

    def improve(self, sweeps: int, out_of_time: Callable[[], bool]) -> None:
        """Search the neighbourhood; ends, whenever it is stopped, with the best assignment that it met."""
        point, s, t, _node = self.point, self.state, self.tables, self.problem.cell_node
        assert point is not None
        free_cell, free_node = np.zeros(len(s.stock)), np.zeros(len(s.capacity))
        slack = np.zeros(len(t.order))
        line_cell, load = np.zeros(len(t.quantity), np.int32), np.zeros(len(s.capacity), np.int64)
        kernels.price_units(0, len(t.order), t, s, free_cell, free_node, slack, line_cell, load)
        self._descend(slack, free_cell, free_node, out_of_time)
        self._anneal(sweeps, point, free_cell, free_node, out_of_time)
        self._descend(slack, free_cell, free_node, out_of_time)

    def _anneal(
        self,
        sweeps: int,
        point: DualPoint,
        free_cell: NDArray[np.float64],
        free_node: NDArray[np.float64],
        out_of_time: Callable[[], bool],
    ) -> None:
        """Sweeps of ruin and recreate over groups of rivals, with falling heat; keeps the best assignment met."""
        start, member, visits = self._rivals(point)
        if not len(visits):
            return
        rng = np.random.default_rng(self.parameters.seed)
        scale = self.step_scale()
        sweeps = max(sweeps, min(LEAST_VISITS // len(visits), LEAST_VISITS)) if sweeps else 0
        best, best_at = self.total(), self._snapshot()
        for sweep in range(sweeps):
            heat = HEAT * scale * (1.0 - sweep / sweeps) ** 2
            visits = rng.permutation(visits)
            for low in range(0, len(visits), BLOCK):
                if out_of_time():
                    break
                kernels.ruin_and_recreate(
                    visits[low : low + BLOCK], member, start, self.tables, self.state, self.problem.cell_node,
                    point.stock, point.node, free_cell, free_node, point.value, GROUP, 0.02 * scale, heat,
                )  # fmt: skip
            if self.total() < best - 1e-9:
                best, best_at = self.total(), self._snapshot()
        if self.total() > best:
            self._restore(best_at)

    def _snapshot(self) -> tuple[NDArray[Any], ...]:
        return tuple(array.copy() for array in self._arrays())

    def _restore(self, saved: tuple[NDArray[Any], ...]) -> None:
        for array, copy in zip(self._arrays(), saved, strict=True):
            array[...] = copy

    def _arrays(self) -> tuple[NDArray[Any], ...]:
        s = self.state
        return s.stock, s.load, s.line_cell, s.line_service, s.head, s.after, s.before, s.current

    def _descend(
        self,
        slack: NDArray[np.float64],
        free_cell: NDArray[np.float64],
        free_node: NDArray[np.float64],
        out_of_time: Callable[[], bool],
    ) -> None:
        point, s, t, node = self.point, self.state, self.tables, self.problem.cell_node
        assert point is not None
        for _ in range(3):
            if out_of_time():
                return
            big = np.arange(len(self.large.low))
            won = kernels.reinsert_large(big, t, s, self.large, node, free_cell, free_node)
            won += kernels.reinsert(self.whole, t, s, node, free_cell, free_node, slack)
            if out_of_time():
                return
            won += kernels.swap(self.whole, t, s, node, point.stock, point.node, free_cell, free_node, point.value, 16)
            if won <= 1e-6:
                return

    def _rivals(self, point: DualPoint) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Groups of units that compete: for each product with a priced cell, and for each node with a price.

        Gives bounds and members of the groups, and the groups to visit in one sweep (a node once per few members).
        """
        t, products = self.tables, len(self.problem.product_weight_kg)
        lines = np.argsort(self.demand.product, kind="stable")
        starts = np.searchsorted(self.demand.product[lines], np.arange(products + 1)).astype(np.int64)
        owner = np.repeat(np.arange(products), np.diff(self.problem.product_cell_start))
        visits = [np.unique(owner[point.stock > 1e-6])]
        members = [t.line_unit[lines].astype(np.int64)]
        bounds = [starts]
        unit = np.repeat(np.arange(len(t.order)), np.diff(t.cand))
        groups, total = products, len(lines)
        rng = np.random.default_rng(self.parameters.seed)
        for node in np.flatnonzero(point.node > 1e-6):
            candidates = unit[(t.node == node) & (t.share[unit] == 1.0)]
            members.append(rng.permutation(candidates))
            total += len(candidates)
            bounds.append(np.array([total], np.int64))
            visits.append(np.full(min(len(candidates) // NODE_SHARE + 1, NODE_VISITS), groups))
            groups += 1
        return np.concatenate(bounds), np.concatenate(members), np.concatenate(visits).astype(np.int64)

    def late_measure(self) -> NDArray[np.float64]:
        """(orders,) sum of P(late) over the parcels of each order plus its unfilled share of lines."""
        demand, s = self.demand, self.state
        lines = np.diff(demand.line_start)
        owner = np.repeat(np.arange(len(lines)), lines)
        lost = np.bincount(owner[s.line_cell < 0], minlength=len(lines)) / np.maximum(lines, 1)
        shipped = np.flatnonzero(s.line_cell >= 0)
        nodes = self.problem.shape[0]
        parcel, first = np.unique(
            owner[shipped] * nodes + self.problem.cell_node[s.line_cell[shipped]], return_index=True
        )
        order, node, service = parcel // nodes, parcel % nodes, s.line_service[shipped][first]
        for low in range(0, len(parcel), 20_000):
            part = slice(low, low + 20_000)
            late = late_probability(self.problem, demand.order[order[part]])
            np.add.at(lost, order[part], late[np.arange(len(late)), node[part], service[part]])
        return lost

    def total(self) -> float:
        """Money of the assignment as the search counts it, balance included."""
        over = np.maximum(self.state.load - self.state.target, 0)
        return float(self.state.current.sum() + self.state.balance * over.sum())


def target_of(capacity: NDArray[np.int64], parameters: RoutingParameters) -> NDArray[np.int64]:
    """Parcels of each node that are free of the balance cost."""
    share = np.floor(capacity * parameters.balance_target + 1e-9).astype(np.int64)
    limited = (capacity < UNLIMITED) & (parameters.balance_cost > 0)
    return np.where(limited, share, capacity)
