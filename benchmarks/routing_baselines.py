"""The rules that routing is measured against, in the same world and by the same evaluation.

Belongs here: nearest-with-stock and greedy-cheapest. Does not belong here: the solver.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ml.core.routing import kernels
from ml.core.routing.costs import lanes_of
from ml.core.routing.evaluate import Evaluation, evaluate
from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.problem import RoutingProblem
from ml.core.routing.regional import make_engine
from ml.core.routing.screen import demand_of, screen


def nearest(problem: RoutingProblem, parameters: RoutingParameters) -> Evaluation:
    """Orders in their order: the nearest node that can ship all lines by ground, else each line from its nearest."""
    assert problem.distance_km is not None
    rank = np.argsort(problem.distance_km, axis=0, kind="stable").T.astype(np.int64)
    node = _nearest(
        problem.order_region, problem.order_line_start, problem.line_product, problem.line_quantity,
        problem.product_cell_start, problem.cell_node, problem.available(), problem.node_capacity.copy(), rank,
    )  # fmt: skip
    service = np.where(node >= 0, 0, -1).astype(np.int8)
    return evaluate(problem, parameters, screen(problem) == "", node, service)


@njit(cache=True)
def _nearest(region, line_start, product, quantity, cell_start, cell_node, stock, capacity, rank):  # type: ignore[no-untyped-def]
    node = np.full(len(product), -1, np.int32)
    for order in range(len(region)):
        low, high = line_start[order], line_start[order + 1]
        whole = -1
        for n in rank[region[order]]:
            able = capacity[n] > 0
            for line in range(low, high):
                able = able and _cell(product[line], n, quantity[line], cell_start, cell_node, stock) >= 0
            if able:
                whole = n
                break
        for line in range(low, high):
            for n in rank[region[order]]:
                if whole >= 0 and n != whole:
                    continue
                opened = False
                for other in range(low, line):
                    opened = opened or node[other] == n
                cell = _cell(product[line], n, quantity[line], cell_start, cell_node, stock)
                if cell >= 0 and (opened or capacity[n] > 0):
                    node[line] = n
                    stock[cell] -= quantity[line]
                    if not opened:
                        capacity[n] -= 1
                    break
    return node


@njit(cache=True)
def _cell(product, node, quantity, cell_start, cell_node, stock):  # type: ignore[no-untyped-def]
    for cell in range(cell_start[product], cell_start[product + 1]):
        if cell_node[cell] == node and stock[cell] >= quantity:
            return cell
    return -1


def cheapest(problem: RoutingProblem, parameters: RoutingParameters) -> Evaluation:
    """Orders in their order, each by its exactly cheapest nodes and services among what is left, without foresight."""
    counted = screen(problem) == ""
    demand = demand_of(problem, parameters, counted)
    engine = make_engine(problem, parameters, demand, lanes_of(problem, parameters), np.zeros(problem.shape[1]))
    if len(engine.whole) != len(demand.order):
        raise ValueError("greedy-cheapest is defined for orders that are priced exactly; raise exact_lines.")
    nothing: NDArray[np.float64] = np.zeros(len(engine.state.stock))
    kernels.construct(engine.whole, engine.tables, engine.state, nothing, np.zeros(problem.shape[0]))
    node = np.full(problem.lines, -1, np.int32)
    service = np.full(problem.lines, -1, np.int8)
    cell = engine.state.line_cell[demand.source_line]
    node[cell >= 0] = problem.cell_node[cell[cell >= 0]]
    service[cell >= 0] = engine.state.line_service[demand.source_line][cell >= 0]
    return evaluate(problem, parameters, counted, node, service)
