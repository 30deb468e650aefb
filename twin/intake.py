"""An order's start: approval, checks by people, cancellations; the columns that the simulation carries for it.

Belongs here: what is settled when an order is placed. Does not belong here: what demand is (`twin.demand`).
"""

import numpy as np

from twin.demand import Orders
from twin.luck import uniform
from twin.tables import Columns
from twin.world import World

#: A time that never comes.
NEVER = np.int64(2**62)


def order_columns(world: World, seed: int, new: Orders) -> Columns:
    """Columns of new orders; times are UTC seconds, 0 for what has not happened."""
    p, zeros = world.parameters, np.zeros(new.count, dtype=np.int64)
    is_company = new.customer < world.people.companies
    luck = uniform(seed, "approval", new.id)
    # Private orders wait for the payment, company orders for a person's credit check.
    wait = np.where(is_company, 3600 * (0.5 - 3.0 * np.log(luck)), 60 - 480 * np.log(luck))
    approved = (new.ordered_at + wait).astype(np.int64)
    cancels = uniform(seed, "cancel", new.id) < p.demand.cancel_share
    cancelled = (new.ordered_at + 600 + 20_000 * uniform(seed, "cancel", new.id, 1)).astype(np.int64)
    held = ~is_company & (uniform(seed, "hold", new.id) < p.dispatch.hold_share)
    hold = (3600 * (0.5 - 3.0 * np.log(uniform(seed, "hold_hours", new.id)))).astype(np.int64)
    held_at, freed_at = np.where(held, approved + 300, 0), np.where(held, approved + 300 + hold, 0)
    ready = np.where(cancels, NEVER, np.where(held, freed_at, approved))
    owner = np.repeat(np.arange(new.count), np.diff(new.line_start))
    return {
        "id": new.id, "ordered_at": new.ordered_at, "promised_at": new.promised_at,
        "fair_promised_at": new.fair_promised_at, "customer": new.customer, "channel": new.channel,
        "priority": new.priority, "region": new.region, "area": new.area,
        "place": new.region.astype(np.int64) * world.network.geography.areas_per_region + new.area,
        "tier": world.people.tier[new.customer], "is_company": is_company, "home_node": new.home_node,
        "approved_at": approved, "held_at": np.where(cancels, 0, held_at), "freed_at": np.where(cancels, 0, freed_at),
        "ready_at": ready, "cancelled_at": np.where(cancels, cancelled, 0), "given_up_at": zeros.copy(),
        "waited_at": zeros.copy(), "parcels": zeros.copy(), "shipped_at": zeros.copy(),
        "delivered_at": zeros.copy(), "scanned_at": zeros.copy(), "lines": np.diff(new.line_start),
        "goods": np.bincount(owner, weights=new.unit_price * new.quantity, minlength=new.count).astype(np.int64),
        "discount": np.bincount(owner, weights=new.line_discount, minlength=new.count).astype(np.int64),
    }  # fmt: skip


def line_columns(new: Orders) -> Columns:
    """Columns of new orders' lines, all open."""
    count = np.diff(new.line_start)
    owner = np.repeat(np.arange(new.count), count)
    zeros = np.zeros(len(owner), dtype=np.int64)
    return {
        "order": new.id[owner], "number": np.arange(len(owner)) - new.line_start[owner] + 1, "product": new.product,
        "quantity": new.quantity, "unit_price": new.unit_price, "discount": new.line_discount, "state": zeros.copy(),
        "attempt": zeros.copy(),
    }  # fmt: skip
