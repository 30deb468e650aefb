"""Why this node? The answer for one order of a solved batch.

Belongs here: what each node offered, what it would have cost, why it was or was not taken, and the smallest change
that would flip the choice. Does not belong here: wording for people (console, CLI), storing (decisions).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.core.routing.costs import late_probability
from ml.core.routing.explanation import Component, Explanation, Flip, NodeView, StockSeen
from ml.core.routing.problem import RoutingProblem
from ml.core.routing.reasons import UNFILLED
from ml.core.routing.result import RoutingResult, cell_products
from ml.core.routing.screen import EXCLUDED


def explain(problem: RoutingProblem, result: RoutingResult, order: int) -> Explanation:
    """Explain the choice for one order.

    Args:
        problem: the batch that was solved.
        result: its result.
        order: position of the order.

    Raises:
        ValueError: when there is no such order.
    """
    if not 0 <= order < problem.orders:
        raise ValueError(f"order must be a position from 0 to {problem.orders - 1}; got {order}.")
    status, reason = str(result.order_status[order]), str(result.order_reason[order])
    text = {**EXCLUDED, **UNFILLED}.get(reason, reason)
    parcels = tuple(_parcels(problem, result, order))
    head = (order, status, reason, text, float(result.order_cost[order]), float(result.order_on_time[order]), parcels)
    if status == "excluded":
        return Explanation(*head)
    case = _Case(problem, result, order)
    views = _ranked([case.view(node) for node in range(problem.shape[0])])
    return Explanation(*head, views, _why_split(parcels, views), _why_farther(parcels, views), case.flips(views))


def _parcels(problem: RoutingProblem, result: RoutingResult, order: int) -> list[dict[str, Any]]:
    lines = np.arange(problem.order_line_start[order], problem.order_line_start[order + 1])
    found = []
    for node in np.unique(result.line_node[lines]):
        if node >= 0:
            inside = lines[result.line_node[lines] == node]
            service = int(result.line_service[inside[0]])
            found.append(
                {
                    "node": int(node),
                    "name": problem.name_of("node", int(node)),
                    "service": service,
                    "service_name": problem.name_of("service", service),
                    "lines": [int(line - lines[0]) for line in inside],
                }
            )
    return found


class _Case:
    """The order, its lines and prices, gathered once for all nodes."""

    def __init__(self, problem: RoutingProblem, result: RoutingResult, order: int) -> None:
        self.problem, self.result, self.order, self.weights = problem, result, order, result.parameters
        self.region = int(problem.order_region[order])
        self.lines = np.arange(problem.order_line_start[order], problem.order_line_start[order + 1])
        self.late = late_probability(problem, np.array([order]))[0]
        self.used = set(result.line_node[self.lines].tolist()) - {-1}
        self.available = problem.available()
        self.owner = cell_products(problem)
        extra = result.prices.region[self.region] if len(result.prices.region) else 0.0
        self.late_weight = self.weights.lateness_cost * float(problem.order_priority[order])
        self.late_price = float(extra)

    def _cell(self, product: int, node: int) -> int:
        begin, end = self.problem.product_cell_start[product], self.problem.product_cell_start[product + 1]
        at = begin + int(np.searchsorted(self.problem.cell_node[begin:end], node))
        return at if at < end and self.problem.cell_node[at] == node else -1

    def _stock(self, node: int) -> list[StockSeen]:
        seen = []
        for position, line in enumerate(self.lines):
            product = int(self.problem.line_product[line])
            cell = self._cell(product, node)
            held = self.problem.cell_reserved
            values = (0, 0, 0, 0)
            if cell >= 0:
                reserved = 0 if held is None else int(held[cell])
                on_hand = int(self.problem.cell_on_hand[cell])
                values = (on_hand, reserved, int(self.available[cell]), int(self.result.stock_left[cell]))
            seen.append(StockSeen(position, product, int(self.problem.line_quantity[line]), *values))
        return seen

    def _fences(self, node: int) -> list[tuple[str, str, bool]]:
        """Name, `hard` or `soft`, and whether the order passed."""
        found = []
        for fence in self.problem.fences:
            key: Any = {"orders": (self.order, node), "regions": (self.region, node), "nodes": node}[fence.over]
            found.append((fence.name, "hard" if fence.hard else "soft", not bool(fence.blocked[key])))
        return found

    def view(self, node: int) -> NodeView:
        """The node with its costs and verdict."""
        problem = self.problem
        stock, fences = self._stock(node), self._fences(node)
        can = [seen.available >= seen.requested for seen in stock]
        fixed, rate = problem.ship_fixed[node, self.region], problem.ship_per_kg[node, self.region]
        with np.errstate(invalid="ignore"):
            lanes = np.isfinite(fixed) & np.isfinite(rate) & (fixed >= 0) & (rate >= 0)
        reasons = []
        if any(not passed for _, _, passed in fences) and not (
            self.result.soft_dropped[self.order] and node in self.used
        ):
            reasons.append("fenced")
        if not any(can):
            held = any(seen.available > 0 for seen in stock)
            reasons.append("quantity_exceeds_stock" if held else "out_of_stock")
        if not lanes.any():
            reasons.append("no_rate")
        elif not np.isfinite(self.late[node][lanes]).any():
            reasons.append("bad_probability")
        if problem.node_capacity[node] <= 0:
            reasons.append("no_capacity")
        if not reasons and node not in self.used:
            reasons += self._taken(node, stock, can)
        service, components = self._costs(node, stock, can, lanes)
        total = sum(part.weighted for part in components if not part.name.startswith("price"))
        return NodeView(
            node=node,
            name=problem.name_of("node", node),
            verdict="chosen" if node in self.used else "rejected" if reasons else "possible",
            reasons=tuple(reasons),
            fences=tuple(fences),
            stock=tuple(stock),
            service=service,
            service_name=problem.name_of("service", service) if service >= 0 else "",
            late_probability=float(self.late[node, service]) if service >= 0 else float("nan"),
            components=tuple(components),
            total=total,
            priced_total=sum(part.weighted for part in components),
            rank=0,
            distance_km=None if problem.distance_km is None else float(problem.distance_km[node, self.region]),
        )

    def _taken(self, node: int, stock: list[StockSeen], can: list[bool]) -> list[str]:
        """What the rest of the batch took from this node."""
        left = [seen.left_after_batch >= seen.requested for seen, able in zip(stock, can, strict=True) if able]
        reasons = [] if any(left) else ["stock_taken"]
        if self.result.capacity_left[node] <= 0:
            reasons.append("capacity_taken")
        return reasons

    def _costs(
        self, node: int, stock: list[StockSeen], can: list[bool], lanes: NDArray[np.bool_]
    ) -> tuple[int, list[Component]]:
        """Cheapest service of the node and each part of its cost; none when it offers no usable lane."""
        problem, weights = self.problem, self.weights
        usable = np.flatnonzero(lanes & np.isfinite(self.late[node]))
        if not len(usable) or not any(can):
            return -1, []
        kg = sum(
            float(problem.product_weight_kg[seen.product]) * seen.requested
            for seen, able in zip(stock, can, strict=True) if able
        )  # fmt: skip
        price = problem.ship_fixed[node, self.region] + problem.ship_per_kg[node, self.region] * kg
        cost = weights.shipping_weight * price + (self.late_weight + self.late_price) * self.late[node]
        kept = [int(self.result.line_service[line]) for line in self.lines if self.result.line_node[line] == node]
        service = kept[0] if kept else int(usable[np.argmin(cost[usable])])
        late = float(self.late[node, service])
        parts = [
            Component("shipping", float(price[service]), float(weights.shipping_weight * price[service]), "money"),
            Component("lateness", late, self.late_weight * late, "P(late)"),
        ]
        missing = [line for line, able in zip(self.lines, can, strict=True) if not able]
        parts.append(Component("unfilled", float(len(missing)), sum(map(self._unfilled, missing)), "lines"))
        parts += self._unit_parts(node, stock, can)
        if self.late_price:
            parts.append(Component("price of the region's on-time share", late, self.late_price * late, "P(late)"))
        return service, parts

    def _unit_parts(self, node: int, stock: list[StockSeen], can: list[bool]) -> list[Component]:
        problem, weights = self.problem, self.weights
        sums = {"scarcity": 0.0, "relief": 0.0, "price": 0.0}
        units = 0
        for seen, able in zip(stock, can, strict=True):
            if not able:
                continue
            cell = self._cell(seen.product, node)
            units += seen.requested
            sums["price"] += float(self.result.prices.stock[cell]) * seen.requested
            if problem.cell_scarcity is not None:
                sums["scarcity"] += float(np.nan_to_num(problem.cell_scarcity[cell])) * seen.requested
            if problem.cell_relief is not None:
                sums["relief"] += float(np.nan_to_num(problem.cell_relief[cell])) * seen.requested
        return [
            Component("scarcity", sums["scarcity"], weights.scarcity_weight * sums["scarcity"], "money"),
            Component("relief", sums["relief"], -weights.relief_weight * sums["relief"], "money"),
            Component("price of stock", float(units), sums["price"], "units"),
            Component("price of capacity", 1.0, float(self.result.prices.node[node]), "parcels"),
        ]

    def _unfilled(self, line: int) -> float:
        if self.problem.line_unfilled_cost is not None:
            return float(self.problem.line_unfilled_cost[line])
        return self.weights.unfilled_cost * max(1.0, float(self.problem.order_priority[self.order]))

    def flips(self, views: tuple[NodeView, ...]) -> tuple[Flip, ...]:
        """Smallest changes that would make another node as good, for orders that ship whole from one node."""
        chosen = [view for view in views if view.verdict == "chosen"]
        if len(chosen) != 1 or (self.result.line_node[self.lines] < 0).any():
            return ()
        found: list[Flip] = []
        for view in views:
            if view.verdict != "chosen" and view.service >= 0 and "fenced" not in view.reasons:
                found += self._levers(chosen[0], view)
        return tuple(sorted(found, key=lambda flip: flip.relative))

    def _levers(self, chosen: NodeView, other: NodeView) -> list[Flip]:
        needed = other.priced_total - chosen.priced_total
        flips = []

        def lever(what: str, now: float, then: float) -> None:
            size = abs(then - now) / max(abs(now), 1e-9)
            flips.append(Flip(other.node, other.name, what, now, then, float(size)))

        for seen in other.stock:
            if seen.available < seen.requested:
                lever(f"units of line {seen.line} at {other.name}", seen.available, seen.requested)
        if flips or needed <= 0:
            return flips
        shipping = next(part for part in other.components if part.name == "shipping")
        if 0 < needed <= shipping.weighted:
            lever(f"shipping price from {other.name}", shipping.raw, shipping.raw * (1.0 - needed / shipping.weighted))
        if self.late_weight > 0 and other.late_probability * self.late_weight >= needed:
            then = other.late_probability - needed / self.late_weight
            lever(f"P(late) from {other.name}", other.late_probability, then)
        room = 1.0 - chosen.late_probability
        if self.late_weight > 0 and room * self.late_weight >= needed:
            then = chosen.late_probability + needed / self.late_weight
            lever(f"P(late) from {chosen.name}", chosen.late_probability, then)
        slope = self.weights.lateness_cost * (chosen.late_probability - other.late_probability)
        priority = float(self.problem.order_priority[self.order])
        if abs(slope) > 1e-12 and priority + needed / slope >= 0:
            lever("priority of the order", priority, priority + needed / slope)
        return flips


def _ranked(views: list[NodeView]) -> tuple[NodeView, ...]:
    """Nodes that are not rejected by priced cost with their rank, then the rejected ones."""
    allowed = sorted((v for v in views if v.verdict != "rejected"), key=lambda view: (view.priced_total, view.node))
    ranked = [NodeView(**{**view.__dict__, "rank": rank}) for rank, view in enumerate(allowed, start=1)]
    return (*ranked, *(view for view in views if view.verdict == "rejected"))


def _why_split(parcels: tuple[dict[str, Any], ...], views: tuple[NodeView, ...]) -> str:
    if len(parcels) < 2:
        return ""
    whole = [v for v in views if v.service >= 0 and all(seen.available >= seen.requested for seen in v.stock)]
    free = [view for view in whole if view.verdict != "rejected"]
    if not whole:
        return "no_node_has_all_lines"
    if not free:
        return "nodes_with_all_lines_rejected"
    return "one_parcel_dearer_or_taken"


def _why_farther(parcels: tuple[dict[str, Any], ...], views: tuple[NodeView, ...]) -> str:
    """Reason code of the nearest node that was not taken; "" when the nearest was."""
    if not parcels:
        return ""
    near: dict[int, float] = {}
    for view in views:
        shipping = [part.raw for part in view.components if part.name == "shipping"]
        measure = view.distance_km if view.distance_km is not None else shipping[0] if shipping else np.inf
        near[view.node] = float(measure)
    nearest = min(near, key=lambda node: (near[node], node))
    view = next(v for v in views if v.node == nearest)
    if view.verdict == "chosen":
        return ""
    if view.verdict == "rejected":
        return f"nearest_{view.reasons[0]}"
    if any(seen.available < seen.requested for seen in view.stock):
        return "nearest_lacks_lines"
    chosen = [v for v in views if v.verdict == "chosen"]
    if len(chosen) == 1 and view.total < chosen[0].total:
        return "nearest_stock_worth_more_elsewhere"
    return "nearest_dearer"
