"""Which orders can be routed at all, and the lines of those that can, ready for the solver.

Belongs here: reason codes, the screening of single orders, and `Demand`, the clean working form of the batch. Does not
belong here: why a routable line stayed unfilled (`reasons`), costs (`costs`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.problem import LatenessTable, RoutingProblem

#: Reason code → what it says. The first that applies is the one an order carries.
EXCLUDED = {
    "no_lines": "the order has no line",
    "unknown_region": "the destination region is not known",
    "unknown_product": "a line names a product that is not known",
    "bad_quantity": "a line's quantity is not a whole number above zero",
    "bad_priority": "the priority is missing, negative or not finite",
    "bad_unfilled_cost": "the cost of leaving a line is missing, negative or not finite",
    "bad_weight": "the weight of a product is missing, negative or not finite",
    "bad_probability": "no probability of lateness from 0 to 1 was given for any node",
}


@dataclass(frozen=True)
class Demand:
    """The routable orders. Lines of one product in one order are merged, because one parcel carries them.

    `order` (A,) are positions in the problem; `line_start` (A+1,) bounds their lines; `source_line` (L,) gives for each
    line of the problem its merged line here, or −1 when its order is excluded. Units as in `RoutingProblem`; `kg` is
    the weight of the whole line, `unfilled` the money lost when it ships from nowhere.
    """

    order: NDArray[np.int64]
    region: NDArray[np.int32]
    priority: NDArray[np.float64]
    line_start: NDArray[np.int64]
    product: NDArray[np.int32]
    quantity: NDArray[np.int64]
    kg: NDArray[np.float64]
    unfilled: NDArray[np.float64]
    source_line: NDArray[np.int64]


def screen(problem: RoutingProblem) -> NDArray[np.str_]:
    """Reason code of each order that cannot be routed, "" where it can; shape (orders,)."""
    reason = np.full(problem.orders, "", dtype="<U32")
    if problem.order_excluded is not None:
        reason[:] = problem.order_excluded
    counts = np.diff(problem.order_line_start)
    _mark(reason, "no_lines", counts == 0)
    regions = problem.shape[1]
    _mark(reason, "unknown_region", (problem.order_region < 0) | (problem.order_region >= regions))
    products = len(problem.product_weight_kg)
    unknown = (problem.line_product < 0) | (problem.line_product >= products)
    _mark(reason, "unknown_product", _any_line(problem, unknown))
    _mark(reason, "bad_quantity", _any_line(problem, problem.line_quantity <= 0))
    priority = problem.order_priority
    _mark(reason, "bad_priority", ~(np.isfinite(priority) & (priority >= 0)))
    if problem.line_unfilled_cost is not None:
        cost = problem.line_unfilled_cost
        _mark(reason, "bad_unfilled_cost", _any_line(problem, ~(np.isfinite(cost) & (cost >= 0))))
    kg = problem.product_weight_kg
    heavy = ~(np.isfinite(kg) & (kg >= 0))
    if heavy.any():
        known = np.where(unknown, 0, problem.line_product)
        _mark(reason, "bad_weight", _any_line(problem, heavy[known] & ~unknown))
    _mark(reason, "bad_probability", _without_probability(problem))
    return reason


def _mark(reason: NDArray[np.str_], code: str, where: NDArray[np.bool_]) -> None:
    reason[(reason == "") & where] = code


def _any_line(problem: RoutingProblem, bad: NDArray[np.bool_]) -> NDArray[np.bool_]:
    total = np.concatenate(([0], np.cumsum(bad)))
    starts = problem.order_line_start
    found: NDArray[np.bool_] = total[starts[1:]] > total[starts[:-1]]
    return found


def _without_probability(problem: RoutingProblem) -> NDArray[np.bool_]:
    late = problem.lateness
    if not isinstance(late, LatenessTable):
        return ~np.isfinite(late.order_logit)
    chunks = np.array_split(late.probability, max(1, problem.orders // 20_000))
    found = [((chunk >= 0) & (chunk <= 1)).any(axis=(1, 2)) for chunk in chunks]
    return ~np.concatenate(found)


def demand_of(problem: RoutingProblem, parameters: RoutingParameters, routable: NDArray[np.bool_]) -> Demand:
    """The working form of the orders marked `routable`."""
    counts = np.diff(problem.order_line_start)
    line_order = np.repeat(np.arange(problem.orders), counts)
    kept = np.flatnonzero(routable[line_order])
    order = np.flatnonzero(routable)
    rank = np.cumsum(routable) - 1
    key = rank[line_order[kept]] * np.int64(max(len(problem.product_weight_kg), 1)) + problem.line_product[kept]
    unique, where = np.unique(key, return_inverse=True)
    product = (unique % max(len(problem.product_weight_kg), 1)).astype(np.int32)
    owner = unique // max(len(problem.product_weight_kg), 1)
    quantity = np.zeros(len(unique), np.int64)
    np.add.at(quantity, where, problem.line_quantity[kept])
    if problem.line_unfilled_cost is None:
        each = parameters.unfilled_cost * np.maximum(1.0, problem.order_priority[line_order[kept]])
    else:
        each = problem.line_unfilled_cost[kept]
    source_line = np.full(problem.lines, -1, np.int64)
    source_line[kept] = where
    return Demand(
        order=order,
        region=problem.order_region[order].astype(np.int32),
        priority=problem.order_priority[order].astype(np.float64),
        line_start=np.searchsorted(owner, np.arange(len(order) + 1)).astype(np.int64),
        product=product,
        quantity=quantity,
        kg=problem.product_weight_kg[product] * quantity if len(product) else np.zeros(0),
        unfilled=np.bincount(where, weights=each, minlength=len(unique)).astype(np.float64),
        source_line=source_line,
    )
