"""Why a routable line ships from nowhere.

Belongs here: reason codes of unfilled lines and how they are told apart. Does not belong here: orders that cannot be
routed at all (`screen`).
"""

import numpy as np
from numpy.typing import NDArray

from ml.core.routing.costs import fenced, late_probability
from ml.core.routing.problem import RoutingProblem

#: Reason code → what it says. The first that applies is the one a line carries.
UNFILLED = {
    "out_of_stock": "no node has any of the product",
    "quantity_exceeds_stock": "no single node has as many as the line asks for",
    "fenced": "every node that has enough is behind a fence",
    "no_rate": "no node that has enough and is open offers a lane to the region at a known price",
    "bad_probability": "no node that could ship has a probability of lateness",
    "no_capacity": "every node that could ship has no capacity at all",
    "capacity_taken": "the nodes that still have enough have sent all parcels they can",
    "stock_taken": "the stock went to other orders, where it is worth more",
    "dearer_than_unfilled": "shipping it would cost more than leaving it",
}


def unfilled_reasons(
    problem: RoutingProblem,
    lines: NDArray[np.int64],
    stock_left: NDArray[np.int64],
    capacity_left: NDArray[np.int64],
    *,
    soft: bool,
) -> NDArray[np.str_]:
    """Reason code of each of these unfilled lines.

    Args:
        problem: the batch.
        lines: positions of unfilled lines, their orders routable.
        stock_left: (C,) units left after routing.
        capacity_left: (N,) parcels left after routing.
        soft: whether soft fences held to the end.
    """
    reason = np.full(len(lines), "", dtype="<U32")
    for low in range(0, len(lines), 20_000):
        part = slice(low, low + 20_000)
        reason[part] = _chunk(problem, lines[part], stock_left, capacity_left, soft)
    return reason


def _chunk(
    problem: RoutingProblem,
    lines: NDArray[np.int64],
    stock_left: NDArray[np.int64],
    capacity_left: NDArray[np.int64],
    soft: bool,
) -> NDArray[np.str_]:
    orders = np.searchsorted(problem.order_line_start, lines, side="right") - 1
    product = problem.line_product[lines]
    begin = problem.product_cell_start[product]
    count = problem.product_cell_start[product + 1] - begin
    row = np.repeat(np.arange(len(lines)), count)
    cell = np.repeat(begin - (np.cumsum(count) - count), count) + np.arange(count.sum())
    node = problem.cell_node[cell]
    region = problem.order_region[orders][row]
    quantity = problem.line_quantity[lines][row]
    with np.errstate(invalid="ignore"):
        price_known = (problem.ship_fixed >= 0) & (problem.ship_per_kg >= 0)
        price_known &= np.isfinite(problem.ship_fixed) & np.isfinite(problem.ship_per_kg)
    blocked = fenced(problem, orders, soft=soft)
    available = problem.available()[cell]
    lane = price_known[node, region]
    likely = np.isfinite(late_probability(problem, orders))[row, node]
    reason = np.full(len(lines), "dearer_than_unfilled", dtype="<U32")
    undecided = np.ones(len(lines), bool)
    passing = np.ones(len(row), bool)
    for code, test in (
        ("out_of_stock", available > 0),
        ("quantity_exceeds_stock", available >= quantity),
        ("fenced", np.ones(len(row), bool) if blocked is None else ~blocked[row, node]),
        ("no_rate", lane.any(axis=1)),
        ("bad_probability", (lane & likely).any(axis=1)),
        ("no_capacity", problem.node_capacity[node] > 0),
        ("stock_taken", stock_left[cell] >= quantity),
        ("capacity_taken", capacity_left[node] > 0),
    ):
        passing &= test
        alive = np.bincount(row[passing], minlength=len(lines)) > 0
        reason[undecided & ~alive] = code
        undecided &= alive
    return reason
