"""Policies: who fills what. The protocol that a routing policy fulfils, and the rules that history knew.

Belongs here: the batch that a policy sees, the decision it gives, and three rule policies (historic, nearest,
cheapest).
Does not belong here: what the decision leads to (`twin.engine`, `twin.fulfil`), and any optimiser: one is handed in.
"""

from dataclasses import dataclass
from typing import Protocol

import numba
import numpy as np
import numpy.typing as npt

from twin.demand import services_for
from twin.network import CARRIER_PRICE, FIXED_FEE, PER_KG_FEE, PLANNED_DAYS, Network
from twin.parameters import TwinParameters

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class PolicyError(ValueError):
    """A policy's decision breaks a rule of the test-bed."""


@dataclass(frozen=True)
class Edges:
    """Order × node pairs, sorted by order, then by distance; those of order i are `start[i]:start[i + 1]`.

    Attributes:
        start: (n + 1,).
        node: (E,) node of the pair.
        distance_km, cost_amount, planned_hours: (E,) of one parcel with all of the order's lines,
        in the service that the
            order's priority asks for; hours hold the node's backlog.
        fills: (E,) whether the node has all of the order's lines now.
    """

    start: Ints
    node: npt.NDArray[np.int16]
    distance_km: Floats
    cost_amount: Floats
    planned_hours: Floats
    fills: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Batch:
    """What a policy may know at a wave: n orders, m open lines (of order i: `line_start[i]:line_start[i + 1]`).

    Attributes:
        decided_at: UTC second.
        order_id, promised_at: (n,).
        region, area: (n,) destination; `place` = region * areas per region + area.
        priority, tier, is_company: (n,).
        home_node: (n,) node of the static rule.
        luck: (n,) uniform of the order, the same under every policy; a policy that throws dice uses it.
        weight_kg: (n,) of the open lines.
        product, quantity: (m,).
        available: (N, P) units free to be promised. Read-only.
        backlog_hours: (N,) working hours of parcels already released to the node.
        is_open: (N,) false while an outage stops the node.
        carrier: (n,) carrier of the destination.
        weather: (R,) severity of the weather that is reported at the moment, 0 none to 1 worst.
        network: Distances and positions.
    """

    decided_at: int
    order_id: Ints
    promised_at: Ints
    region: npt.NDArray[np.int16]
    area: npt.NDArray[np.int16]
    place: Ints
    priority: npt.NDArray[np.int8]
    tier: npt.NDArray[np.int8]
    is_company: npt.NDArray[np.bool_]
    home_node: npt.NDArray[np.int16]
    luck: Floats
    weight_kg: Floats
    line_start: Ints
    product: npt.NDArray[np.int32]
    quantity: npt.NDArray[np.int32]
    available: npt.NDArray[np.int32]
    backlog_hours: Floats
    is_open: npt.NDArray[np.bool_]
    carrier: npt.NDArray[np.int8]
    weather: Floats
    network: Network

    @property
    def count(self) -> int:
        """Number of orders."""
        return len(self.order_id)

    def edges(self, limit: int) -> Edges:
        """The `limit` nearest nodes of each order with cost, time and stock, as flat arrays."""
        limit = min(limit, self.network.count)
        node = self.network.preference[self.region, :limit].ravel().astype(np.int64)
        order = np.repeat(np.arange(self.count), limit)
        place = self.place[order]
        band = self.network.band[node, place]
        service = services_for(self.priority[order], self.network.node_region[node] == self.region[order])
        fee = FIXED_FEE[service, band] + PER_KG_FEE[service, band] * self.weight_kg[order]
        cost = fee * CARRIER_PRICE[self.carrier[order]]
        line_order = np.repeat(np.arange(self.count), np.diff(self.line_start))
        fills = np.ones((self.count, limit), dtype=bool)
        by_order = node.reshape(self.count, limit)
        for rank in range(limit):
            short = self.available[by_order[line_order, rank], self.product] < self.quantity
            fills[line_order[short], rank] = False
        return Edges(
            np.arange(self.count + 1) * limit, node.astype(np.int16), self.network.distance_km[node, place], cost,
            24.0 * PLANNED_DAYS[service, band] + self.backlog_hours[node], fills.ravel() & self.is_open[node],
        )  # fmt: skip


@dataclass(frozen=True)
class Decision:
    """What a policy decides.

    Attributes:
        line_node: (m,) node of each open line; -1 leaves it open for the next wave.
        service: (n,) index in `twin.network.SERVICES`; -1 buys what the priority asks for.
        touched: (n,) whether a person made or changed the choice.
        held: (n,) orders whose open lines wait because the policy wants to decide anew, not for lack of stock; None:
            none.
    """

    line_node: npt.NDArray[np.int16]
    service: npt.NDArray[np.int8]
    touched: npt.NDArray[np.bool_]
    held: npt.NDArray[np.bool_] | None = None


class Policy(Protocol):
    """Anything that assigns nodes to the open lines of a batch of orders.

    The test-bed refuses (`PolicyError`) a decision of the wrong shape, with an unknown node or service, or that gives
    away more units than are available.
    """

    @property
    def name(self) -> str:
        """Name in reports."""
        ...

    def decide(self, batch: Batch) -> Decision:
        """Choose a node for each line."""
        ...


@dataclass(frozen=True)
class HistoricRules:
    """Home node, else the nearest node with all lines, else line by line; people change some choices.

    Attributes:
        person_share: Share of orders whose node a person changes to the next that would do.
        max_candidates: Nodes looked at before an order is split.
        use_home: Whether the static home node comes first (False: the nearest node does).
    """

    person_share: float = 0.05
    max_candidates: int = 12
    use_home: bool = True
    name: str = "historic"

    def decide(self, batch: Batch) -> Decision:
        """Go through the orders as they came, each taking its stock before the next looks."""
        home = batch.home_node if self.use_home else batch.network.preference[batch.region, 0]
        touched = batch.luck < self.person_share
        line_node, touched = _first_fit(
            batch.line_start, batch.product, batch.quantity, batch.region, home.astype(np.int16),
            batch.network.preference, batch.available.copy(), batch.is_open, touched, self.max_candidates,
        )  # fmt: skip
        return Decision(line_node, np.full(batch.count, -1, dtype=np.int8), touched)


def nearest() -> HistoricRules:
    """The nearest node with stock, no home node, nobody intervenes."""
    return HistoricRules(person_share=0.0, max_candidates=200, use_home=False, name="nearest")


@dataclass(frozen=True)
class Cheapest:
    """The node whose one parcel costs least; line by line where no node has everything."""

    max_candidates: int = 24
    name: str = "cheapest"

    def decide(self, batch: Batch) -> Decision:
        """Go through the orders as they came, each taking the cheapest node that has all its lines."""
        limit = min(self.max_candidates, batch.network.count)
        edges = batch.edges(limit)
        cost = edges.cost_amount.reshape(batch.count, limit)
        ranked = np.take_along_axis(
            edges.node.reshape(batch.count, limit), np.argsort(cost, axis=1, kind="stable"), axis=1
        )
        line_node, touched = _first_fit(
            batch.line_start, batch.product, batch.quantity, np.arange(batch.count, dtype=np.int64),
            ranked[:, 0].astype(np.int16), ranked, batch.available.copy(), batch.is_open,
            np.zeros(batch.count, dtype=np.bool_), limit,
        )  # fmt: skip
        return Decision(line_node, np.full(batch.count, -1, dtype=np.int8), touched)


def rule_policy(name: str, parameters: TwinParameters) -> Policy:
    """A rule policy by name: `historic` (with the parameters' share of human changes), `nearest` or `cheapest`.

    Raises:
        KeyError: there is no rule policy of that name.
    """
    p = parameters.dispatch
    policies: dict[str, Policy] = {
        "historic": HistoricRules(p.person_share, p.max_candidates), "nearest": nearest(), "cheapest": Cheapest(),
    }  # fmt: skip
    return policies[name]


def check_decision(batch: Batch, decision: Decision) -> None:
    """Refuse a decision that the world cannot carry out.

    Raises:
        PolicyError: wrong shape, unknown node or service, or more units given than there are.
    """
    lines, nodes = len(batch.product), batch.network.count
    held = decision.touched if decision.held is None else decision.held
    shapes = (decision.line_node.shape, decision.service.shape, decision.touched.shape, held.shape)
    if shapes != ((lines,), *[(batch.count,)] * 3):
        raise PolicyError(
            f"A decision has one node a line and one service and marks an order: {(lines,)}, {(batch.count,)}, "
            f"{(batch.count,)}, {(batch.count,)}; got {shapes}. Return arrays in the batch's order."
        )
    if lines and (decision.line_node.min() < -1 or decision.line_node.max() >= nodes):
        raise PolicyError(f"A line's node is -1 (none) to {nodes - 1}; got {decision.line_node.min()} to "
                          f"{decision.line_node.max()}.")  # fmt: skip
    if batch.count and (decision.service.min() < -1 or decision.service.max() > 2):
        raise PolicyError(f"A service is -1 (as the priority asks) to 2; got {decision.service.min()} to "
                          f"{decision.service.max()}.")  # fmt: skip
    given = decision.line_node >= 0
    products = batch.available.shape[1]
    cell = decision.line_node[given].astype(np.int64) * products + batch.product[given]
    cells, inverse = np.unique(cell, return_inverse=True)
    taken = np.bincount(inverse, weights=batch.quantity[given], minlength=len(cells))
    over = taken > batch.available.ravel()[cells]
    if over.any():
        worst = int(cells[over][0])
        raise PolicyError(
            f"A policy gives no more units than are available; node {worst // products}, product {worst % products}: "
            f"{int(taken[over][0])} given, {int(batch.available.ravel()[worst])} available. Take an order's units off "
            f"before the next."
        )


@numba.njit(cache=True)  # type: ignore[misc, untyped-decorator, unused-ignore]
def _first_fit(line_start, product, quantity, row, home, ranked, available, is_open, touched, limit):  # type: ignore[no-untyped-def] # pragma: no cover
    """One pass in order of arrival; `row[i]` is the row of `ranked` that lists order i's nodes."""
    orders = len(line_start) - 1
    nodes = ranked.shape[1]
    line_node = np.full(len(product), -1, np.int16)
    changed = np.zeros(orders, np.bool_)
    for i in range(orders):
        first, last = line_start[i], line_start[i + 1]
        skip = 1 if touched[i] else 0
        chosen = -1
        fallback = -1
        for k in range(-1, min(limit, nodes)):
            node = home[i] if k < 0 else ranked[row[i], k]
            if (k >= 0 and node == home[i]) or not is_open[node]:
                continue
            fits = True
            for j in range(first, last):
                if available[node, product[j]] < quantity[j]:
                    fits = False
                    break
            if fits:
                if skip > 0:
                    skip -= 1
                    fallback = node
                    continue
                chosen = node
                break
        if chosen >= 0 and fallback >= 0:
            changed[i] = True
        if chosen < 0:
            chosen = fallback
        for j in range(first, last):
            if chosen >= 0:
                # The same product twice in an order can ask for more than one look allowed.
                if available[chosen, product[j]] >= quantity[j]:
                    line_node[j] = chosen
                    available[chosen, product[j]] -= quantity[j]
                continue
            for k in range(-1, nodes):
                node = home[i] if k < 0 else ranked[row[i], k]
                if is_open[node] and available[node, product[j]] >= quantity[j]:
                    line_node[j] = node
                    available[node, product[j]] -= quantity[j]
                    break
    return line_node, changed
