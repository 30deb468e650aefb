"""The rules that routing is measured against, in the same world and by the same evaluation.

Belongs here: nearest-with-stock and greedy-cheapest. Does not belong here: the solver.
"""

import numpy as np
from numpy.typing import NDArray

from ml.core.routing import kernels
from ml.core.routing.costs import lanes_of
from ml.core.routing.evaluate import Evaluation, evaluate
from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.problem import RoutingProblem
from ml.core.routing.regional import make_engine
from ml.core.routing.rules import nearest_with_stock
from ml.core.routing.screen import demand_of, screen


def nearest(problem: RoutingProblem, parameters: RoutingParameters) -> Evaluation:
    """Orders in their order: the nearest node that can ship all lines by ground, else each line from its nearest."""
    node, _ = nearest_with_stock(problem)
    service = np.where(node >= 0, 0, -1).astype(np.int8)
    return evaluate(problem, parameters, screen(problem) == "", node, service)


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
