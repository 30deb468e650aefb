"""What follows a delivery: returns, ratings, calls to customer care.

Belongs here: how customers answer to what they got and when. Does not belong here: the systems that record it.
"""

from dataclasses import dataclass

import numpy as np

from twin.catalogue import LINES
from twin.luck import uniform
from twin.tables import Columns, length, take
from twin.world import World

REASONS = ("unwanted", "damaged", "wrong_item", "late", "defective")
_REASON_SHARE = np.cumsum([0.45, 0.2, 0.1, 0.05])
#: Chance of at most 1, 2, 3, 4 stars, in time and late.
_STARS = np.array([[0.03, 0.06, 0.14, 0.38], [0.22, 0.40, 0.62, 0.84]])


@dataclass
class Aftermath:
    """Tables of the returns, ratings and contacts that parcels lead to."""

    returns: Columns
    reviews: Columns
    contacts: Columns


def follow(world: World, seed: int, parcels: Columns, lines: Columns) -> Aftermath:
    """Draw what customers do about delivered parcels; customers feel the true delivery, not its scan."""
    if not length(parcels):
        return Aftermath({}, {}, {})
    sent = parcels["delivered_at"] > 0
    return Aftermath(
        _returns(world, seed, parcels, lines), _reviews(world, seed, take(parcels, sent & (parcels["ordinal"] == 0))),
        _contacts(seed, take(parcels, sent & (parcels["is_empty"] == 0))),
    )  # fmt: skip


def _returns(world: World, seed: int, parcels: Columns, lines: Columns) -> Columns:
    owner = np.searchsorted(parcels["id"], lines["parcel"])
    late = parcels["delivered_at"][owner] > parcels["promised_at"][owner]
    factor = np.array([line.returned for line in LINES])[world.catalogue.line[lines["product"]]]
    chance = world.parameters.demand.return_share * factor * np.where(late, 1.4, 1.0)
    chosen = (uniform(seed, "return", lines["order"], lines["number"]) < chance) & (parcels["delivered_at"][owner] > 0)
    kept = take(lines, chosen)
    order, number = kept["order"], kept["number"]
    delivered = parcels["delivered_at"][owner[chosen]]
    requested = delivered + (86_400 * (0.3 + 8 * uniform(seed, "return_days", order, number))).astype(np.int64)
    received = requested + (86_400 * (1.5 + 5 * uniform(seed, "return_days", order, number, 1))).astype(np.int64)
    reason = np.searchsorted(_REASON_SHARE, uniform(seed, "return_reason", order, number))
    reason = np.where(late[chosen] & (uniform(seed, "return_reason", order, number, 1) < 0.4), 3, reason)
    sellable = (uniform(seed, "restock", order, number) < 0.75) & (reason != 1) & (reason != 4)
    return {**kept, "requested_at": requested, "received_at": received, "reason": reason,
            "is_sellable": sellable.astype(np.int64), "channel": parcels["channel"][owner[chosen]]}  # fmt: skip


def _reviews(world: World, seed: int, parcels: Columns) -> Columns:
    order = parcels["order"]
    rated = take(parcels, uniform(seed, "review", order) < world.parameters.demand.review_share)
    order = rated["order"]
    late = (rated["delivered_at"] > rated["promised_at"]).astype(np.int64)
    score = 1 + (uniform(seed, "score", order)[:, None] > _STARS[late]).sum(axis=1)
    wait = 86_400 * (0.2 + 4 * uniform(seed, "review", order, 1))
    created = rated["delivered_at"] + wait.astype(np.int64)
    answered = np.where(score <= 2, created + (3600 * (2 + 40 * uniform(seed, "score", order, 1))).astype(np.int64), 0)
    return {"order": order, "score": score, "created_at": created, "answered_at": answered, "channel": rated["channel"]}


def _contacts(seed: int, parcels: Columns) -> Columns:
    order, ordinal = parcels["order"], parcels["ordinal"]
    late = parcels["delivered_at"] > parcels["promised_at"]
    calls = take(parcels, uniform(seed, "contact", order, ordinal) < np.where(late, 0.3, 0.03))
    order, ordinal = calls["order"], calls["ordinal"]
    late = calls["delivered_at"] > calls["promised_at"]
    since = np.where(late, calls["promised_at"], calls["delivered_at"])
    wait = -5 * 3600 * np.log(uniform(seed, "contact", order, ordinal, 1))
    at = np.maximum(since, calls["allocated_at"]) + wait.astype(np.int64)
    return {"order": order, "at": at, "is_late": late.astype(np.int64), "channel": calls["channel"]}
