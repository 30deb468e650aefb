"""The named rules: what is done without an optimiser, and what takes over when the optimiser cannot.

Belongs here: nearest-with-stock, and its answer in the form of a solved batch. Does not belong here: the solver.
"""

import time

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ml.core.routing.evaluate import evaluate, region_report
from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.problem import RoutingProblem
from ml.core.routing.result import PassReport, Prices, RoutingResult, cell_products
from ml.core.routing.screen import screen
from ml.core.routing.solve import verdicts

Assignment = tuple[NDArray[np.int32], NDArray[np.int8]]


def nearest_with_stock(problem: RoutingProblem) -> Assignment:
    """Orders in their order: the nearest node that can ship all lines, else each line from its nearest.

    A parcel takes the cheapest service of its lane; nodes behind a fence are not looked at. Where no distance is known
    the cheapest lane counts as nearest.

    Returns:
        Node and service of each line, −1 for none.
    """
    cost = np.where(np.isfinite(problem.ship_fixed + problem.ship_per_kg), problem.ship_fixed, np.inf)
    service = np.argmin(cost, axis=2)
    nearness = problem.distance_km if problem.distance_km is not None else cost.min(axis=2)
    nearness = np.where(np.isfinite(cost.min(axis=2)), nearness, np.inf)
    rank = np.argsort(nearness, axis=0, kind="stable").T.astype(np.int64)
    usable = np.isfinite(np.take_along_axis(nearness.T, rank, axis=1))
    barred = np.zeros((problem.orders, problem.shape[0]), bool)
    region = np.clip(problem.order_region, 0, None)
    for fence in problem.fences:
        own = {"nodes": fence.blocked, "regions": None, "orders": fence.blocked}[fence.over]
        barred |= fence.blocked[region] if own is None else own
    node = _nearest(
        np.where(screen(problem) == "", problem.order_region, -1), problem.order_line_start, problem.line_product,
        problem.line_quantity, problem.product_cell_start, problem.cell_node, problem.available(),
        np.maximum(problem.node_capacity, 0), rank, usable, barred,
    )  # fmt: skip
    owner = np.repeat(region, np.diff(problem.order_line_start))
    return node, np.where(node >= 0, service[np.maximum(node, 0), owner], -1).astype(np.int8)


def routed_by_rule(problem: RoutingProblem, parameters: RoutingParameters, rule: str = "nearest") -> RoutingResult:
    """The batch by the rule, in the form of a result: no prices, no bound (`lower_bound` and `gap` are NaN).

    Raises:
        KeyError: there is no such rule.
    """
    begin, cpu = time.perf_counter(), time.process_time()
    node, service = {"nearest": nearest_with_stock}[rule](problem)
    excluded = screen(problem)
    counted = excluded == ""
    found = evaluate(problem, parameters, counted, node, service)
    stock_left = problem.available() - found.taken
    capacity_left = np.maximum(problem.node_capacity, 0) - found.load
    line_reason, status, reason = verdicts(problem, excluded, node, stock_left, capacity_left, soft=True)
    nodes, regions, _ = problem.shape
    nothing = np.zeros(len(problem.cell_node))
    return RoutingResult(
        status=f"rule_{rule}",
        objective=found.objective,
        components=found.components,
        lower_bound=float("nan"),
        passes=(PassReport(f"rule {rule}", int(counted.sum()), found.objective, float("nan")),),
        prices=Prices(cell_products(problem), problem.cell_node, nothing, np.zeros(nodes), np.zeros(regions)),
        line_node=node,
        line_service=service,
        line_reason=line_reason,
        order_status=status,
        order_reason=reason,
        order_on_time=found.order_on_time,
        order_cost=found.order_cost,
        order_parcels=found.order_parcels,
        soft_dropped=np.zeros(problem.orders, bool),
        stock_left=stock_left,
        capacity_left=capacity_left,
        regions=region_report(problem, found, counted, None, np.full(regions, np.nan)),
        notes={},
        seconds={"total": time.perf_counter() - begin},
        cpu_seconds=time.process_time() - cpu,
        parameters=parameters,
    )


@njit(cache=True)  # type: ignore[misc, untyped-decorator, unused-ignore]
def _nearest(region, line_start, product, quantity, cell_start, cell_node, stock, capacity, rank, usable, barred):  # type: ignore[no-untyped-def] # pragma: no cover
    node = np.full(len(product), -1, np.int32)
    for order in range(len(region)):
        if region[order] < 0:
            continue
        low, high = line_start[order], line_start[order + 1]
        whole = -1
        for place in range(rank.shape[1]):
            n = rank[region[order], place]
            able = usable[region[order], place] and not barred[order, n] and capacity[n] > 0
            for line in range(low, high):
                wanted = quantity[line]
                for other in range(low, line):
                    if product[other] == product[line]:
                        wanted += quantity[other]
                able = able and _cell(product[line], n, wanted, cell_start, cell_node, stock) >= 0
            if able:
                whole = n
                break
        for line in range(low, high):
            for place in range(rank.shape[1]):
                n = rank[region[order], place]
                if (whole >= 0 and n != whole) or not usable[region[order], place] or barred[order, n]:
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


@njit(cache=True)  # type: ignore[misc, untyped-decorator, unused-ignore]
def _cell(product, node, quantity, cell_start, cell_node, stock):  # type: ignore[no-untyped-def] # pragma: no cover
    for cell in range(cell_start[product], cell_start[product + 1]):
        if cell_node[cell] == node and stock[cell] >= quantity:
            return cell
    return -1
