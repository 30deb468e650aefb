"""The form of an answer to "why this node?": what is told of each node, and what would flip the choice.

Belongs here: the types. Does not belong here: working them out (`explain`).
"""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class StockSeen:
    """One line's product at one node: asked for, on the shelf, reserved, free, and free after the whole batch."""

    line: int
    product: int
    requested: int
    on_hand: int
    reserved: int
    available: int
    left_after_batch: int


@dataclass(frozen=True)
class Component:
    """One part of a cost: `raw` in its own unit, `weighted` in money."""

    name: str
    raw: float
    weighted: float
    unit: str


@dataclass(frozen=True)
class NodeView:
    """One node as the order saw it. Costs are of shipping from it alone every line that it can, the rest unfilled.

    `total` is money; `priced_total` adds the price of the stock and capacity used, which is what they are worth to
    other orders. `rank` 1 is the lowest `priced_total` among nodes that are not rejected. `verdict` is `chosen`,
    `possible` (allowed; others came out cheaper or the order is better split) or `rejected`, with reason codes.
    """

    node: int
    name: str
    verdict: str
    reasons: tuple[str, ...]
    fences: tuple[tuple[str, str, bool], ...]
    stock: tuple[StockSeen, ...]
    service: int
    service_name: str
    late_probability: float
    components: tuple[Component, ...]
    total: float
    priced_total: float
    rank: int
    distance_km: float | None


@dataclass(frozen=True)
class Flip:
    """A change that would make `node` as good as the choice: `what` from `now` to `then`, `relative` to its size."""

    node: int
    name: str
    what: str
    now: float
    then: float
    relative: float


@dataclass(frozen=True)
class Explanation:
    """Everything that is known about the choice for one order. `nodes` come ranked, rejected ones last."""

    order: int
    status: str
    reason: str
    reason_text: str
    cost: float
    on_time: float
    parcels: tuple[dict[str, Any], ...]
    nodes: tuple[NodeView, ...] = ()
    why_split: str = ""
    why_farther: str = ""
    flips: tuple[Flip, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """Plain lists, dicts, numbers and text, ready for JSON."""
        return asdict(self)
