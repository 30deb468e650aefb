"""The rehearsal: history's rules before the judged days, from which the policy in the twin learns when parcels arrive.

Belongs here: running it and noting what was known when each parcel was given out. Does not belong here: the model that
is learned (`arrival`), the policy (`twin_policy`).

The rehearsal is a stretch of days before the world's own, under luck and an outside world of its own, so that nothing
of the judged days is learned.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from decisions.routing.arrival import ArrivalModel, Sent, learn_arrivals
from decisions.routing.twin_policy import Optimised
from twin.dispatch import Batch, Decision, HistoricRules
from twin.engine import Simulation
from twin.results import DayResult
from twin.signals import build_outside
from twin.world import World, build_world

Floats = NDArray[np.float64]

#: Luck of the rehearsal, added to the world's seed; far from the seeds that comparisons use.
REHEARSAL = 1_000_003
#: Orders that a rehearsal should see; it lasts `FEWEST_DAYS` to `MOST_DAYS`.
ORDERS, FEWEST_DAYS, MOST_DAYS = 20_000, 4, 42


@dataclass
class _Watched:
    """History's rules, noting what each wave met."""

    rules: HistoricRules
    moments: list[int] = field(default_factory=list)
    backlogs: list[Floats] = field(default_factory=list)
    weathers: list[Floats] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.rules.name

    def decide(self, batch: Batch) -> Decision:
        self.moments.append(batch.decided_at)
        self.backlogs.append(batch.backlog_hours)
        self.weathers.append(batch.weather)
        return self.rules.decide(batch)


def rehearse(world: World) -> ArrivalModel:
    """Learn arrivals from parcels that history's rules sent on the days before the world's own.

    Raises:
        ValueError: the rehearsal sent too few parcels.
    """
    before = earlier(world)
    seed = world.parameters.seed + REHEARSAL
    rules = before.parameters.dispatch
    watched = _Watched(HistoricRules(rules.person_share, rules.max_candidates))
    sent = [_sent(day, before, watched) for day in Simulation(before, watched, seed).run()]
    columns = {name: np.concatenate([getattr(part, name) for part in sent]) for name in vars(sent[0])}
    return learn_arrivals(Sent(**columns), world.network, seed)


def rehearsed(world: World) -> Optimised:
    """The policy, ready for the judged days."""
    return Optimised(rehearse(world), world.capacity, wave_hours=24 / world.parameters.dispatch.waves_per_day)


def earlier(world: World) -> World:
    """The same company on the days before, in an outside world of its own."""
    p = world.parameters
    days = int(np.clip(np.ceil(ORDERS / p.demand.orders_per_day), FEWEST_DAYS, MOST_DAYS))
    before = p.model_copy(update={"last_day": p.first_day - timedelta(days=1), "days": days})
    outside = build_outside(
        before.model_copy(update={"seed": p.seed + REHEARSAL}), len(world.network.geography.codes), world.network.count
    )
    return replace(build_world(before), outside=outside)


def _sent(day: DayResult, world: World, watched: _Watched) -> Sent:
    """What a day sent off by the system's own choice."""
    parcels = day.parcels
    own = np.flatnonzero((parcels["is_empty"] == 0) & (parcels["delivered_at"] > 0) & (parcels["touched"] == 0))
    names = ("node", "place", "region", "service", "carrier")
    node, place, region, service, carrier = (parcels[name][own] for name in names)
    moments = np.array(watched.moments)
    wave = np.searchsorted(moments, parcels["allocated_at"][own], side="right") - 1
    return Sent(
        node, place, region, service, carrier, moments[wave], parcels["released_at"][own],
        parcels["packed_at"][own], parcels["shipped_at"][own], parcels["delivered_at"][own],
        np.array(watched.backlogs)[wave, node], np.array(watched.weathers)[wave, region],
    )  # fmt: skip
