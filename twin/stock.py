"""The stock: every unit on hand, reserved, on its way or gone, accounted for each day.

Belongs here: the (s, S) replenishment with transfers, receipts, and the ledger whose identity is
`closing = opening + received + transferred in + restocked - transferred out - shipped - written off`.
Does not belong here: who asked for the units (`twin.engine`).
"""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from twin.luck import normal, uniform
from twin.world import World

Ints = npt.NDArray[np.int64]

FLOWS = ("received", "transferred_in", "restocked", "transferred_out", "shipped", "written_off")
_SIGN = {"received": 1, "transferred_in": 1, "restocked": 1, "transferred_out": -1, "shipped": -1, "written_off": -1}
PURCHASE, TRANSFER = 0, 1


class StockImbalance(AssertionError):
    """Units appeared or vanished: a defect of the twin."""


@dataclass
class Inbound:
    """Receipts on their way, as columns: id, kind, node, origin (-1 for a supplier), product, quantities and times."""

    id: Ints
    kind: Ints
    node: Ints
    origin: Ints
    product: Ints
    quantity: Ints
    created_at: Ints
    expected_at: Ints
    received_at: Ints
    received_quantity: Ints

    def __len__(self) -> int:
        return len(self.id)


@dataclass
class Stock:
    """Stock of all nodes and its daily ledger; units are whole.

    Attributes:
        on_hand, reserved: (N, P).
        on_order: (N, P) units on their way.
        flows: (6, N) units of the day by flow of `FLOWS`.
    """

    world: World
    seed: int
    on_hand: npt.NDArray[np.int32] = field(init=False)
    reserved: npt.NDArray[np.int32] = field(init=False)
    on_order: npt.NDArray[np.int32] = field(init=False)
    flows: Ints = field(init=False)
    opening: Ints = field(init=False)
    _picks: dict[int, list[tuple[Ints, Ints, Ints]]] = field(default_factory=lambda: defaultdict(list))
    _returns: dict[int, list[tuple[Ints, Ints, Ints]]] = field(default_factory=lambda: defaultdict(list))
    _due: dict[int, list[Inbound]] = field(default_factory=lambda: defaultdict(list))
    _next_inbound: int = 0

    def __post_init__(self) -> None:
        world = self.world
        shape = world.stocked.shape
        luck = uniform(self.seed, "stock", np.arange(shape[0])[:, None], np.arange(shape[1])[None, :])
        # A company in the middle of its life: each level somewhere between reorder and order-up-to, some already low.
        low, high = 0.35 * world.reorder, world.order_up_to
        self.on_hand = np.where(world.stocked, np.round(low + luck * (high - low)), 0).astype(np.int32)
        self.reserved = np.zeros(shape, dtype=np.int32)
        self.on_order = np.zeros(shape, dtype=np.int32)
        self.opening = self.on_hand.sum(axis=1, dtype=np.int64)
        self.flows = np.zeros((len(FLOWS), shape[0]), dtype=np.int64)

    @property
    def available(self) -> npt.NDArray[np.int32]:
        """(N, P) units free to be promised."""
        return self.on_hand - self.reserved

    def reserve(self, node: Ints, product: npt.NDArray[np.int32], quantity: npt.NDArray[np.int32]) -> None:
        """Promise units to lines; the caller has checked that they are available."""
        np.add.at(self.reserved, (node, product), quantity)

    def plan_pick(self, day: int, node: Ints, product: Ints, quantity: Ints) -> None:
        """Take reserved units off the shelf at the end of `day`."""
        self._picks[day].append((node, product, quantity))

    def write_off(self, node: Ints, product: Ints, quantity: Ints) -> None:
        """Units that were promised but are not there: gone from shelf and promise at once."""
        np.subtract.at(self.reserved, (node, product), quantity.astype(np.int32))
        np.subtract.at(self.on_hand, (node, product), quantity.astype(np.int32))
        self._count("written_off", node, quantity)

    def plan_restock(self, day: int, node: Ints, product: Ints, quantity: Ints) -> None:
        """Put returned units back on the shelf at the start of `day`."""
        self._returns[day].append((node, product, quantity))

    def open_day(self, day: int) -> Inbound:
        """Receive what is due; returns the receipts."""
        self.opening = self.on_hand.sum(axis=1, dtype=np.int64)
        self.flows[:] = 0
        for node, product, quantity in self._returns.pop(day, []):
            np.add.at(self.on_hand, (node, product), quantity.astype(np.int32))
            self._count("restocked", node, quantity)
        due = joined(self._due.pop(day, []))
        np.add.at(self.on_hand, (due.node, due.product), due.received_quantity.astype(np.int32))
        np.subtract.at(self.on_order, (due.node, due.product), due.quantity.astype(np.int32))
        for kind, flow in ((PURCHASE, "received"), (TRANSFER, "transferred_in")):
            mine = due.kind == kind
            self._count(flow, due.node[mine], due.received_quantity[mine])
        return due

    def close_day(self, day: int) -> None:
        """Book the picks of the day, check the ledger's identity, and reorder.

        Raises:
            StockImbalance: a unit is unaccounted for, or a shelf holds less than nothing.
        """
        for node, product, quantity in self._picks.pop(day, []):
            np.subtract.at(self.on_hand, (node, product), quantity.astype(np.int32))
            np.subtract.at(self.reserved, (node, product), quantity.astype(np.int32))
            self._count("shipped", node, quantity)
        self._reorder(day)
        closing = self.on_hand.sum(axis=1, dtype=np.int64)
        signed = sum(_SIGN[flow] * self.flows[number] for number, flow in enumerate(FLOWS))
        if (closing != self.opening + signed).any() or self.on_hand.min() < 0 or (self.on_hand < self.reserved).any():
            raise StockImbalance(
                f"Day {day}: stock does not balance; closing {closing}, expected {self.opening + signed}."
            )

    def still_open(self) -> Inbound:
        """Receipts that had not come by the end of the horizon."""
        return joined([part for day in sorted(self._due) for part in self._due[day]])

    def _reorder(self, day: int) -> None:
        """Order up to S where the position is at or under s; outer nodes get a share from their hub."""
        world, p = self.world, self.world.parameters.supply
        position = self.on_hand - self.reserved + self.on_order
        node, product = np.nonzero(position <= world.reorder)
        if not len(node):
            return
        quantity = (world.order_up_to[node, product] - position[node, product]).astype(np.int64)
        hub = world.network.hub[node]
        wants = (hub != node) & (uniform(self.seed, "reorder", node, product, day) < p.transfer_share)
        spare = self.on_hand - self.reserved - np.maximum(world.reorder, 0)
        moved = np.where(wants, _grant(hub, product, np.where(wants, quantity, 0), spare), 0)
        keep = moved > 0
        if keep.any():
            np.subtract.at(self.on_hand, (hub[keep], product[keep]), moved[keep].astype(np.int32))
            self._count("transferred_out", hub[keep], moved[keep])
        bought = quantity - moved
        buy = (bought > 0) & ~keep
        self._order(day, PURCHASE, node[buy], np.full(int(buy.sum()), -1), product[buy], bought[buy])
        self._order(day, TRANSFER, node[keep], hub[keep], product[keep], moved[keep])

    def _order(self, day: int, kind: int, node: Ints, origin: Ints, product: Ints, quantity: Ints) -> None:
        if not len(node):
            return
        p = self.world.parameters.supply
        mean = p.lead_days if kind == PURCHASE else max(1.0, 0.35 * p.lead_days)
        lead = mean * np.exp(p.lead_spread * normal(self.seed, "lead", node, product, day) - p.lead_spread**2 / 2)
        lead_days = np.maximum(1, np.round(lead)).astype(np.int64)
        created = self.world.start + (day + 1) * 86_400 - 3_600
        short = (kind == PURCHASE) & (uniform(self.seed, "short_receipt", node, product, day) < p.short_receipt_share)
        came = np.where(short, quantity - np.maximum(1, quantity // 10), quantity)
        number = self._next_inbound + np.arange(len(node))
        self._next_inbound += len(node)
        hour = 9 * 3600 + (uniform(self.seed, "short_receipt", node, product, day, 1) * 8 * 3600).astype(np.int64)
        inbound = Inbound(
            number, np.full(len(node), kind), node, origin, product, quantity, np.full(len(node), created),
            np.full(len(node), created + round(mean) * 86_400 + 12 * 3600),
            self.world.start + (day + lead_days) * 86_400 + hour, came,
        )  # fmt: skip
        np.add.at(self.on_order, (node, product), quantity.astype(np.int32))
        for due in np.unique(lead_days):
            self._due[day + int(due)].append(picked(inbound, lead_days == due))

    def _count(self, flow: str, node: Ints, quantity: Ints) -> None:
        self.flows[FLOWS.index(flow)] += np.bincount(
            node, weights=quantity, minlength=self.flows.shape[1]
        ).astype(np.int64)  # fmt: skip


def _grant(hub: Ints, product: Ints, wanted: Ints, spare: npt.NDArray[np.int32]) -> Ints:
    """Serve wishes in order from each hub's spare units; a wish that does not fit whole gets nothing."""
    cell = hub * spare.shape[1] + product
    order = np.argsort(cell, kind="stable")
    running = np.cumsum(wanted[order])
    first = np.r_[True, cell[order][1:] != cell[order][:-1]]
    before = np.maximum.accumulate(np.where(first, running - wanted[order], 0))
    granted = np.empty_like(wanted)
    granted[order] = np.where(running - before <= spare[hub, product][order], wanted[order], 0)
    return granted


def picked(inbound: Inbound, mask: npt.NDArray[np.bool_]) -> Inbound:
    """The receipts that `mask` selects."""
    return Inbound(**{name: column[mask] for name, column in vars(inbound).items()})


def joined(parts: list[Inbound]) -> Inbound:
    """Receipts one after another."""
    empty = np.empty(0, dtype=np.int64)
    names = Inbound.__dataclass_fields__
    return Inbound(**{name: np.concatenate([empty, *(getattr(part, name) for part in parts)]) for name in names})
