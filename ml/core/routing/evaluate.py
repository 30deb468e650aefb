"""What an assignment costs and delivers, worked out from the problem alone.

Belongs here: an evaluation that shares no table with the solver, so that it checks the solver. Does not belong here:
search.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.core.routing.costs import late_probability
from ml.core.routing.engine import target_of
from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.problem import RoutingProblem
from ml.core.routing.result import COMPONENTS, RegionReport, cell_products


@dataclass(frozen=True)
class Evaluation:
    """Money by component, and by order: cost, parcels, on-time share and the linear measure of the regional constraint.

    `order_shipping` (O,) is the money paid for an order's parcels, whatever its weight among the objectives.
    `taken` (C,) are the units used of each cell, `load` (N,) the parcels sent by each node.
    """

    components: dict[str, float]
    order_cost: NDArray[np.float64]
    order_shipping: NDArray[np.float64]
    order_parcels: NDArray[np.int64]
    order_on_time: NDArray[np.float64]
    order_measure: NDArray[np.float64]
    taken: NDArray[np.int64]
    load: NDArray[np.int64]

    @property
    def objective(self) -> float:
        """Sum of the components."""
        return float(sum(self.components.values()))


def evaluate(
    problem: RoutingProblem,
    parameters: RoutingParameters,
    counted: NDArray[np.bool_],
    line_node: NDArray[np.int32],
    line_service: NDArray[np.int8],
) -> Evaluation:
    """Cost and service of an assignment.

    Args:
        problem: the batch.
        parameters: weights.
        counted: (O,) orders that take part; the others' lines are ignored.
        line_node: (L,) node of each line, −1 for none.
        line_service: (L,) service of each line.

    Raises:
        ValueError: when lines of one order leave one node by two services, or a line uses a cell that does not exist.
    """
    lines = np.diff(problem.order_line_start)
    line_order = np.repeat(np.arange(problem.orders), lines)
    active = counted[line_order]
    filled = np.flatnonzero(active & (line_node >= 0))
    unfilled = np.flatnonzero(active & (line_node < 0))
    by_order = {name: np.zeros(problem.orders) for name in COMPONENTS}

    cells = cell_of(problem, problem.line_product[filled], line_node[filled])
    quantity = problem.line_quantity[filled]
    taken = np.bincount(cells, weights=quantity, minlength=len(problem.cell_node)).astype(np.int64)
    for name, values, weight in (
        ("scarcity", problem.cell_scarcity, parameters.scarcity_weight),
        ("relief", problem.cell_relief, -parameters.relief_weight),
    ):
        if values is not None:
            np.add.at(by_order[name], line_order[filled], weight * np.nan_to_num(values)[cells] * quantity)

    order, node, service, kg = _parcels(problem, line_order[filled], filled, line_node, line_service)
    region = problem.order_region[order]
    price = problem.ship_fixed[node, region, service] + problem.ship_per_kg[node, region, service] * kg
    shipping: NDArray[np.float64] = np.bincount(order, weights=price, minlength=problem.orders).astype(np.float64)
    by_order["shipping"] = parameters.shipping_weight * shipping
    late = _late(problem, order, node, service)
    np.add.at(by_order["lateness"], order, parameters.lateness_cost * problem.order_priority[order] * late)
    parcels = np.bincount(order, minlength=problem.orders)
    by_order["split"] = parameters.split_cost * np.maximum(parcels - 1, 0).astype(np.float64)
    np.add.at(by_order["unfilled"], line_order[unfilled], _unfilled_cost(problem, parameters, line_order)[unfilled])

    load = np.bincount(node, minlength=problem.shape[0])
    over = np.maximum(load - target_of(problem.node_capacity, parameters), 0)
    components = {name: float(values.sum()) for name, values in by_order.items()}
    components["balance"] = float(parameters.balance_cost * over.sum())
    share = np.bincount(line_order[filled], minlength=problem.orders) / np.maximum(lines, 1)
    survive = np.ones(problem.orders)
    np.multiply.at(survive, order, 1.0 - late)
    measure = share - np.bincount(order, weights=late, minlength=problem.orders)
    return Evaluation(
        components, sum(by_order.values(), np.zeros(problem.orders)), shipping, parcels, survive * share, measure,
        taken, load,
    )  # fmt: skip


def cell_of(problem: RoutingProblem, product: NDArray[np.integer], node: NDArray[np.integer]) -> NDArray[np.int64]:
    """Stock cell of each (product, node) pair.

    Raises:
        ValueError: when a pair has no cell.
    """
    nodes = problem.shape[0]
    keys = cell_products(problem).astype(np.int64) * nodes + problem.cell_node
    wanted = product.astype(np.int64) * nodes + node
    at = np.searchsorted(keys, wanted)
    if len(wanted) and (at.max(initial=0) >= len(keys) or np.any(keys[np.minimum(at, len(keys) - 1)] != wanted)):
        raise ValueError("a line is assigned to a node that holds no stock record of its product.")
    return at.astype(np.int64)


def _parcels(
    problem: RoutingProblem,
    order: NDArray[np.int64],
    filled: NDArray[np.int64],
    line_node: NDArray[np.int32],
    line_service: NDArray[np.int8],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Order, node, service and weight of each parcel."""
    nodes, _, services = problem.shape
    keys, first, where = np.unique(order * nodes + line_node[filled], return_index=True, return_inverse=True)
    service = line_service[filled][first].astype(np.int64)
    if np.any(service[where] != line_service[filled]) or np.any((service < 0) | (service >= services)):
        raise ValueError("the lines that one node ships for one order must share one service of the problem.")
    kg = problem.product_weight_kg[problem.line_product[filled]] * problem.line_quantity[filled]
    weight: NDArray[np.float64] = np.bincount(where, weights=kg, minlength=len(keys)).astype(np.float64)
    return keys // nodes, keys % nodes, service, weight


def _late(
    problem: RoutingProblem, order: NDArray[np.int64], node: NDArray[np.int64], service: NDArray[np.int64]
) -> NDArray[np.float64]:
    late = np.empty(len(order))
    for low in range(0, len(order), 20_000):
        part = slice(low, low + 20_000)
        rows = np.arange(len(order[part]))
        late[part] = late_probability(problem, order[part])[rows, node[part], service[part]]
    return late


def _unfilled_cost(
    problem: RoutingProblem, parameters: RoutingParameters, line_order: NDArray[np.int64]
) -> NDArray[np.float64]:
    if problem.line_unfilled_cost is not None:
        return problem.line_unfilled_cost
    return parameters.unfilled_cost * np.maximum(1.0, problem.order_priority[line_order])


def region_report(
    problem: RoutingProblem,
    evaluation: Evaluation,
    counted: NDArray[np.bool_],
    floor: float | None = None,
    ceiling: NDArray[np.float64] | None = None,
) -> RegionReport:
    """On-time share by region with its range."""
    regions = problem.shape[1]
    region = problem.order_region[counted]
    on_time = evaluation.order_on_time[counted]
    count = np.bincount(region, minlength=regions)
    safe = np.maximum(count, 1)
    mean = np.bincount(region, weights=on_time, minlength=regions) / safe
    spread = np.bincount(region, weights=on_time * (1.0 - on_time), minlength=regions)
    half = 1.959964 * np.sqrt(spread) / safe
    measure = np.bincount(region, weights=evaluation.order_measure[counted], minlength=regions) / safe
    return RegionReport(
        orders=count,
        on_time=mean,
        low=np.maximum(mean - half, 0.0),
        high=np.minimum(mean + half, 1.0),
        measure=measure,
        ceiling=np.full(regions, np.nan) if ceiling is None else ceiling,
        floor=floor,
    )
