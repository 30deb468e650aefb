"""What opening a parcel costs, in money, for each order, node and service; and which of them are open to it at all.

Belongs here: lanes, fences and lateness folded into one array. Does not belong here: stock (`tables`), the choice
(`kernels`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.problem import RoutingProblem


@dataclass(frozen=True)
class Lanes:
    """Prices after weights, arrays (regions, nodes, services): `fixed` (infinite where no lane is offered), `per_kg`.

    `unit` (cells,) is the money of taking one unit from a cell: scarcity − relief.
    """

    fixed: NDArray[np.float64]
    per_kg: NDArray[np.float64]
    unit: NDArray[np.float64]


def lanes_of(problem: RoutingProblem, parameters: RoutingParameters) -> Lanes:
    """Weighted prices of the problem. A price that is missing, negative or not finite closes its lane."""
    fixed = np.moveaxis(problem.ship_fixed, 1, 0) * parameters.shipping_weight
    per_kg = np.moveaxis(problem.ship_per_kg, 1, 0) * parameters.shipping_weight
    with np.errstate(invalid="ignore"):
        closed = ~(np.isfinite(fixed) & np.isfinite(per_kg) & (fixed >= 0) & (per_kg >= 0))
    closed |= (problem.node_capacity <= 0)[None, :, None]
    unit = np.zeros(len(problem.cell_node))
    if problem.cell_scarcity is not None:
        unit += parameters.scarcity_weight * np.nan_to_num(problem.cell_scarcity, posinf=0.0, neginf=0.0)
    if problem.cell_relief is not None:
        unit -= parameters.relief_weight * np.nan_to_num(problem.cell_relief, posinf=0.0, neginf=0.0)
    return Lanes(np.where(closed, np.inf, fixed), np.where(closed, 0.0, per_kg), unit)


def fenced(problem: RoutingProblem, orders: NDArray[np.int64], *, soft: bool) -> NDArray[np.bool_] | None:
    """(len(orders), nodes) true where a hard fence, or with `soft` any fence, forbids; None when there is no fence."""
    blocked: NDArray[np.bool_] | None = None
    for fence in problem.fences:
        if not (fence.hard or soft):
            continue
        if fence.over == "orders":
            mask = fence.blocked[orders]
        elif fence.over == "regions":
            mask = fence.blocked[np.clip(problem.order_region[orders], 0, None)]
        else:
            mask = np.broadcast_to(fence.blocked, (len(orders), len(fence.blocked)))
        blocked = mask.copy() if blocked is None else blocked | mask
    return blocked


def late_probability(problem: RoutingProblem, orders: NDArray[np.int64]) -> NDArray[np.float64]:
    """(len(orders), nodes, services) P(late); NaN where it is missing or not a probability."""
    late = np.asarray(problem.lateness.of(orders, problem.order_region[orders]), np.float64)
    with np.errstate(invalid="ignore"):
        return np.where((late >= 0) & (late <= 1), late, np.nan)


def opening(
    problem: RoutingProblem,
    lanes: Lanes,
    orders: NDArray[np.int64],
    late_weight: NDArray[np.float64],
    *,
    soft: bool,
) -> NDArray[np.float64]:
    """Money of opening a parcel, shape (len(orders), nodes, services); infinite where it must not be.

    Args:
        problem: the batch.
        lanes: its weighted prices.
        orders: positions of the orders, regions known.
        late_weight: (len(orders),) money of a certainly late parcel of each.
        soft: whether soft fences hold.
    """
    cost = lanes.fixed[problem.order_region[orders]] + late_weight[:, None, None] * late_probability(problem, orders)
    cost[np.isnan(cost)] = np.inf
    blocked = fenced(problem, orders, soft=soft)
    if blocked is not None:
        cost[blocked] = np.inf
    return cost
