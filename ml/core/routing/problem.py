"""What a routing run is given: flat, typed arrays of orders, stock, nodes, prices, lateness and fences.

Belongs here: `RoutingProblem`, `Fence`, the two forms of lateness, `stock_csr`, and the check that arrays fit
together. Does not belong here: judging single orders (`screen`), costs (`costs`), reading files (decisions).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Capacity of a node that has no limit.
UNLIMITED = 2**31 - 1
#: A fence is one bit of a 32-bit word; the highest is left free for the sign.
MAX_FENCES = 31


@dataclass(frozen=True)
class LatenessTable:
    """P(late) for every order, node and service: `probability`, shape (orders, nodes, services), float32 suffices."""

    probability: NDArray[np.floating]

    def of(self, orders: NDArray[np.integer], region: NDArray[np.integer]) -> NDArray[np.floating]:
        """P(late) of these orders, shape (len(orders), nodes, services)."""
        return self.probability[orders]


@dataclass(frozen=True)
class LatenessLanes:
    """P(late) = sigmoid(lane + offset of the order): the compact form, a lane table and one number an order.

    `lane_logit` has shape (nodes, regions, services), `order_logit` shape (orders,).
    """

    lane_logit: NDArray[np.floating]
    order_logit: NDArray[np.floating]

    def of(self, orders: NDArray[np.integer], region: NDArray[np.integer]) -> NDArray[np.floating]:
        """P(late) of these orders, shape (len(orders), nodes, services)."""
        lane = np.moveaxis(self.lane_logit, 1, 0)[np.clip(region, 0, None)]
        with np.errstate(over="ignore"):
            return 1.0 / (1.0 + np.exp(-(lane + self.order_logit[orders][:, None, None])))


@dataclass(frozen=True)
class Fence:
    """A rule that keeps orders from nodes. `blocked` is true where it forbids, of shape (nodes,), (regions, nodes) or
    (orders, nodes), named by `over`. A soft fence is dropped in a second pass for orders that it left unfilled.
    """  # noqa: D205

    name: str
    blocked: NDArray[np.bool_]
    over: str = "nodes"
    hard: bool = True


@dataclass(frozen=True)
class RoutingProblem:
    """One batch to route. Indices are positions: order 0 … O−1, product 0 … P−1, node, region and service likewise.

    A region or product that is not known is −1: its order is excluded with that reason. Structural faults (lengths that
    do not fit) raise; faults in single orders, cells or lanes never do, they are reported with the result.

    Attributes:
        order_region: (O,) destination region.
        order_priority: (O,) weight of lateness, ≥ 0; 1 is ordinary.
        order_line_start: (O+1,) lines of order o are `order_line_start[o]:order_line_start[o+1]`.
        line_product: (L,) product of each line.
        line_quantity: (L,) whole units.
        product_weight_kg: (P,) weight of a unit.
        product_cell_start: (P+1,) stock cells of product p, nodes ascending (see `stock_csr`).
        cell_node: (C,) node of each cell.
        cell_on_hand: (C,) whole units on the shelf.
        node_capacity: (N,) parcels that a node can still send; `UNLIMITED` for no limit.
        ship_fixed: (N, R, S) price of a parcel; NaN where no such lane is offered.
        ship_per_kg: (N, R, S) price of a kilogram.
        lateness: P(late) by order, node and service.
        cell_reserved: (C,) units promised elsewhere; what may be taken is on hand − reserved.
        fences: rules that exclude nodes.
        cell_scarcity: (C,) money lost by taking a unit that may run out (stock-out risk × value of a unit).
        cell_relief: (C,) money won by taking a unit out of overstock.
        line_unfilled_cost: (L,) money for leaving the line, instead of the parameter's.
        distance_km: (N, R) for the answer to "why a farther node?"; without it the cheapest lane counts as nearest.
        order_excluded: (O,) reason code given by the caller for orders that must not be routed, "" otherwise.
    """

    order_region: NDArray[np.int32]
    order_priority: NDArray[np.float64]
    order_line_start: NDArray[np.int64]
    line_product: NDArray[np.int32]
    line_quantity: NDArray[np.int64]
    product_weight_kg: NDArray[np.float64]
    product_cell_start: NDArray[np.int64]
    cell_node: NDArray[np.int32]
    cell_on_hand: NDArray[np.int64]
    node_capacity: NDArray[np.int64]
    ship_fixed: NDArray[np.float64]
    ship_per_kg: NDArray[np.float64]
    lateness: LatenessTable | LatenessLanes
    cell_reserved: NDArray[np.int64] | None = None
    fences: tuple[Fence, ...] = ()
    cell_scarcity: NDArray[np.float64] | None = None
    cell_relief: NDArray[np.float64] | None = None
    line_unfilled_cost: NDArray[np.float64] | None = None
    distance_km: NDArray[np.float64] | None = None
    order_excluded: NDArray[np.str_] | None = None
    node_names: Sequence[str] = field(default=())
    region_names: Sequence[str] = field(default=())
    service_names: Sequence[str] = field(default=())

    @property
    def orders(self) -> int:
        """Number of orders in the batch."""
        return len(self.order_region)

    @property
    def lines(self) -> int:
        """Number of order lines in the batch."""
        return len(self.line_product)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Numbers of nodes, regions and services."""
        nodes, regions, services = self.ship_fixed.shape
        return nodes, regions, services

    def name_of(self, kind: str, index: int) -> str:
        """Name of a `node`, `region` or `service`, or its number when the problem carries no names."""
        names: Sequence[str] = getattr(self, f"{kind}_names")
        return names[index] if 0 <= index < len(names) else f"{kind} {index}"

    def available(self) -> NDArray[np.int64]:
        """(C,) units that may be taken: on hand − reserved, never below zero."""
        held = 0 if self.cell_reserved is None else np.maximum(self.cell_reserved, 0)
        return np.maximum(self.cell_on_hand - held, 0).astype(np.int64)

    def __post_init__(self) -> None:
        if self.ship_fixed.ndim != 3:
            raise ValueError(f"ship_fixed must have shape (nodes, regions, services); got {self.ship_fixed.shape}.")
        nodes, regions, _ = self.shape
        orders, lines, cells = self.orders, self.lines, len(self.cell_node)
        _shape("order_priority", self.order_priority, (orders,))
        _csr("order_line_start", self.order_line_start, orders, lines)
        _shape("line_quantity", self.line_quantity, (lines,))
        _csr("product_cell_start", self.product_cell_start, len(self.product_weight_kg), cells)
        _shape("cell_on_hand", self.cell_on_hand, (cells,))
        _shape("node_capacity", self.node_capacity, (nodes,))
        _shape("ship_per_kg", self.ship_per_kg, self.ship_fixed.shape)
        for name in ("cell_reserved", "cell_scarcity", "cell_relief"):
            _shape(name, getattr(self, name), (cells,))
        _shape("line_unfilled_cost", self.line_unfilled_cost, (lines,))
        _shape("distance_km", self.distance_km, (nodes, regions))
        _shape("order_excluded", self.order_excluded, (orders,))
        for name in ("line_quantity", "cell_on_hand", "node_capacity"):
            _whole(name, getattr(self, name))
        self._check_cells(nodes)
        self._check_lateness()
        self._check_fences()

    def _check_cells(self, nodes: int) -> None:
        if len(self.cell_node) and not (self.cell_node.min() >= 0 and self.cell_node.max() < nodes):
            raise ValueError(
                f"cell_node must lie in 0 … {nodes - 1}; got {self.cell_node.min()} … {self.cell_node.max()}."
            )
        inside = np.ones(max(len(self.cell_node) - 1, 0), bool)
        bounds = self.product_cell_start[1:-1]
        inside[bounds[(bounds > 0) & (bounds < len(self.cell_node))] - 1] = False
        if np.any(np.diff(self.cell_node)[inside] <= 0):
            raise ValueError("the nodes of a product's cells must ascend without repeats; build them with stock_csr.")

    def _check_lateness(self) -> None:
        nodes, regions, services = self.shape
        if isinstance(self.lateness, LatenessTable):
            _shape("lateness.probability", self.lateness.probability, (self.orders, nodes, services))
        else:
            _shape("lateness.lane_logit", self.lateness.lane_logit, (nodes, regions, services))
            _shape("lateness.order_logit", self.lateness.order_logit, (self.orders,))

    def _check_fences(self) -> None:
        nodes, regions, _ = self.shape
        shapes = {"nodes": (nodes,), "regions": (regions, nodes), "orders": (self.orders, nodes)}
        if len(self.fences) > MAX_FENCES:
            raise ValueError(f"at most {MAX_FENCES} fences fit one problem; got {len(self.fences)}. Join some of them.")
        for fence in self.fences:
            if fence.over not in shapes:
                raise ValueError(f"fence {fence.name!r}: over must be one of {sorted(shapes)}; got {fence.over!r}.")
            _shape(f"fence {fence.name!r}", fence.blocked, shapes[fence.over])


def _shape(name: str, array: NDArray[np.generic] | None, wanted: tuple[int, ...]) -> None:
    if array is not None and array.shape != wanted:
        raise ValueError(f"{name} must have shape {wanted}; got {array.shape}.")


def _whole(name: str, array: NDArray[np.generic]) -> None:
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"{name} must hold whole numbers; got {array.dtype}. Round it where it is read.")


def _csr(name: str, starts: NDArray[np.integer], rows: int, items: int) -> None:
    _shape(name, starts, (rows + 1,))
    if starts[0] != 0 or starts[-1] != items or np.any(np.diff(starts) < 0):
        raise ValueError(f"{name} must rise from 0 to {items}; got {starts[0]} … {starts[-1]}.")


def stock_csr(
    product: ArrayLike, node: ArrayLike, products: int, nodes: int, *quantities: ArrayLike
) -> tuple[NDArray[np.int64], NDArray[np.int32], list[NDArray[np.int64]]]:
    """Sort long stock records into cells; records of the same product and node are added up.

    Args:
        product: (n,) product index of each record, 0 … products−1.
        node: (n,) node index of each record.
        products: number of products.
        nodes: number of nodes.
        quantities: (n,) whole units each, for example on hand and reserved.

    Returns:
        `product_cell_start`, `cell_node`, and the summed quantities by cell, in the order given.
    """
    key = np.asarray(product, np.int64) * nodes + np.asarray(node, np.int64)
    cells, where = np.unique(key, return_inverse=True)
    start = np.searchsorted(cells, np.arange(products + 1, dtype=np.int64) * nodes)
    summed = []
    for quantity in quantities:
        total = np.zeros(len(cells), np.int64)
        np.add.at(total, where, np.asarray(quantity, np.int64))
        summed.append(total)
    return start.astype(np.int64), (cells % nodes).astype(np.int32), summed
