"""The outside world: weather, outages of nodes, shocks of the market, with start and end, and what they cause.

Belongs here: drawing the events of the horizon and turning them into daily multipliers.
Does not belong here: how a system reports them (`twin.systems.outside`).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twin.catalogue import LINES
from twin.luck import generator
from twin.parameters import Signals, TwinParameters

Floats = npt.NDArray[np.float64]
WEATHER, OUTAGE, MARKET = range(3)
SIGNAL_KINDS = ("weather", "outage", "market")
DAY = 86_400


@dataclass(frozen=True)
class Outside:
    """Events of the horizon and their effect by day (D days).

    Attributes:
        kind: Index in `SIGNAL_KINDS`, one an event.
        place: Region, node or product line of the event.
        severity: 0 harmless to 1 worst.
        started, ended: Seconds from the horizon's first local midnight.
        road_factor: (D, R) how much longer the road is.
        node_factor: (D, N) share of the node's capacity that is left.
        line_lift: (D, L) demand of a product line over normal demand.
    """

    kind: npt.NDArray[np.int64]
    place: npt.NDArray[np.int64]
    severity: Floats
    started: npt.NDArray[np.int64]
    ended: npt.NDArray[np.int64]
    road_factor: Floats
    node_factor: Floats
    line_lift: Floats

    def weather_at(self, moment: int) -> Floats:
        """(R,) severity of the weather under way at a moment, in seconds from the horizon's first local midnight."""
        now = (self.kind == WEATHER) & (self.started <= moment) & (moment < self.ended)
        total = np.bincount(self.place[now], weights=self.severity[now], minlength=self.road_factor.shape[1])
        return np.minimum(1.0, total)


def build_outside(parameters: TwinParameters, regions: int, nodes: int) -> Outside:
    """Draw the events and spread them over the days that they touch."""
    p, days = parameters.signals, parameters.days
    parts = []
    plan = ((WEATHER, regions, p.weather_rate, 1.5), (OUTAGE, nodes, p.outage_rate, 0.6),
            (MARKET, len(LINES), p.market_rate, 5.0))  # fmt: skip
    for kind, places, rate, mean_days in plan:
        luck = generator(parameters.seed, SIGNAL_KINDS[kind])
        count = int(luck.poisson(rate * places * days / 30.0))
        place = luck.integers(0, places, count)
        started = np.sort(luck.integers(0, days * DAY, count))
        lasts = np.maximum(3600, luck.exponential(mean_days * DAY, count)).astype(np.int64)
        severity = np.round(luck.beta(1.6, 2.4, count), 3)
        parts.append((np.full(count, kind), place, severity, started, started + lasts))
    kinds, place, severity, started, ended = (np.concatenate(column) for column in zip(*parts, strict=True))
    road, left, lift = np.ones((days, regions)), np.ones((days, nodes)), np.ones((days, len(LINES)))
    return _spread(p, Outside(kinds, place, severity, started, ended, road, left, lift))


def changed_after(outside: Outside, other: Outside, moment: int, p: Signals) -> Outside:
    """The events of `outside` that began before a moment, and those of `other` that began from then on.

    Args:
        outside: Events and effects of a horizon.
        other: The same of another draw of that horizon.
        moment: Seconds from the horizon's first local midnight.
        p: What events cause.
    """
    sides = ((outside, outside.started < moment), (other, other.started >= moment))
    kinds, place, severity, started, ended = (
        np.concatenate([getattr(side, name)[rows] for side, rows in sides])
        for name in ("kind", "place", "severity", "started", "ended")
    )
    road, left, lift = (
        np.ones_like(effect) for effect in (outside.road_factor, outside.node_factor, outside.line_lift)
    )
    return _spread(p, Outside(kinds, place, severity, started, ended, road, left, lift))


def _spread(p: Signals, outside: Outside) -> Outside:
    """Fill the effects, all ones so far, from the events."""
    targets = ((WEATHER, outside.road_factor), (OUTAGE, outside.node_factor), (MARKET, outside.line_lift))
    for day in range(len(outside.road_factor)):
        overlap = np.minimum(outside.ended, (day + 1) * DAY) - np.maximum(outside.started, day * DAY)
        force = np.clip(overlap, 0, DAY) / DAY * outside.severity
        for kind, target in targets:
            mine = outside.kind == kind
            total = np.bincount(outside.place[mine], weights=force[mine], minlength=target.shape[1])
            strongest = np.minimum(1.0, total)
            if kind == WEATHER:
                target[day] = 1.0 + p.weather_drag * strongest
            elif kind == OUTAGE:
                target[day] = 1.0 - 0.95 * strongest
            else:
                target[day] = 1.0 + (p.market_lift - 1.0) * strongest
    return outside
