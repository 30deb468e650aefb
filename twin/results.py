"""What the simulation hands out: tables of settled orders and parcels, by day or by block of days.

Belongs here: the shape of a day's result, and joining days. Does not belong here: how they come about (`twin.engine`).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twin.aftermath import Aftermath
from twin.stock import Inbound, joined
from twin.tables import Columns, stack, take

Ints = npt.NDArray[np.int64]


@dataclass
class Settled:
    """What one day, or several together, settled. Tables are dictionaries of equally long columns.

    Attributes:
        last_day: Last of the days.
        orders, lines: Orders of which all lines are shipped, given up or cancelled, with their final state.
        parcels, parcel_lines: Parcels that left the queue (or were emptied by a unit sold twice).
        shorts: Lines whose unit was not there.
        aftermath: Returns, ratings and contacts of the parcels.
        inbound: Receipts.
    """

    last_day: int
    orders: Columns
    lines: Columns
    parcels: Columns
    parcel_lines: Columns
    shorts: Columns
    aftermath: Aftermath
    inbound: Inbound


@dataclass
class DayResult(Settled):
    """What a day settled, and the state that it left.

    Attributes:
        on_hand, reserved: (N, P) at the end of the day; the simulation's own arrays, valid until the next day.
        flows: (6, N) units by flow of `twin.stock.FLOWS`.
        opening: (N,) units at the start.
        ordered: Orders placed today.
    """

    on_hand: npt.NDArray[np.int32]
    reserved: npt.NDArray[np.int32]
    flows: Ints
    opening: Ints
    ordered: int

    @property
    def day(self) -> int:
        """The day."""
        return self.last_day


def settled(days: list[DayResult]) -> Settled:
    """What several days settled, as if it were one."""
    if len(days) == 1:
        return days[0]
    both = {name: stack([getattr(day, name) for day in days])
            for name in ("orders", "lines", "parcels", "parcel_lines", "shorts")}  # fmt: skip
    # An order may be settled days after a later one; positions are found by id, so ids must rise.
    orders, parcels = in_order(both["orders"], "id"), in_order(both["parcels"], "id")
    lines, parcel_lines = in_order(both["lines"], "order"), in_order(both["parcel_lines"], "parcel")
    aftermath = Aftermath(*(stack([getattr(day.aftermath, name) for day in days])
                            for name in ("returns", "reviews", "contacts")))  # fmt: skip
    return Settled(days[-1].last_day, orders, lines, parcels, parcel_lines, both["shorts"], aftermath,
                   joined([day.inbound for day in days]))  # fmt: skip


def in_order(columns: Columns, key: str) -> Columns:
    """Rows with rising `key`."""
    return take(columns, np.argsort(columns[key], kind="stable")) if columns else columns
