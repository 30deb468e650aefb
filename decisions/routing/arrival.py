"""When a parcel that is given out now would be at the door: its node's calendar, then the road with its scatter.

Belongs here: the model of arrivals in the twin and how it is learned from parcels that were sent. Does not belong here:
choosing nodes by it (`twin_policy`), the lateness model of real companies (ml.core.routing.ranker).

A parcel misses its promise for two kinds of reasons. The first can be worked out: the node is closed, has a backlog,
has handed over today's parcels already, rests on Sunday. The second scatters: handling and the road. The calendar is
therefore computed, and only what it leaves unexplained is learned, as quantiles of hours and of the road's length over
its plan.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.dispatch import Batch
from twin.fulfil import CLOSE_HOUR, OPEN_HOUR
from twin.network import CARRIERS, PLANNED_DAYS, UTC_OFFSET_SECONDS, Network

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DAY, HOUR = 86_400.0, 3_600.0
#: Days since 1970-01-01, a Thursday, modulo 7, of a Sunday.
SUNDAY = 3
#: Local hours at which the round of deliveries begins and ends; what arrives at night waits for the morning.
DOOR_OPENS, DOOR_CLOSES = 8.0, 21.0
#: Hours after the doors open at which what arrived at night has been delivered.
MORNING_ROUND = 1.25
#: Quantiles of the hours of work that a probability is the mean over.
WORK = (0.1, 0.3, 0.5, 0.7, 0.9)
#: Hours of the day that share a mean queue.
QUEUE_HOURS = 3
#: Parcels of a place at which its own mean counts as much as that of all.
SHRINK = 20.0
#: Grid of the road's length over its plan, logarithm: the scatter is looked up there.
GRID = np.linspace(np.log(0.3), np.log(6.0), 600)


def opening_after(network: Network, node: Ints, moment: Floats) -> Floats:
    """First moment from `moment` on at which the nodes work; UTC seconds, arrays of one shape."""
    local = moment + UTC_OFFSET_SECONDS
    day, second = np.divmod(local, DAY)
    opens, closes = OPEN_HOUR[network.node_kind[node]] * HOUR, CLOSE_HOUR[network.node_kind[node]] * HOUR
    over = second >= closes
    day, second = day + over, np.where(over, opens, np.maximum(second, opens))
    rests = network.closed_sunday[node] & (day % 7 == SUNDAY)
    return (day + rests) * DAY + np.where(rests, opens, second) - UTC_OFFSET_SECONDS


def worked_until(network: Network, node: Ints, begins: Floats, hours: Floats | float) -> Floats:
    """The moment at which so many working hours have passed since `begins`, which lies in opening hours; UTC seconds.

    What is not done when the node closes is done on its next working day.
    """
    day = np.floor_divide(begins + UTC_OFFSET_SECONDS, DAY)
    closes = day * DAY + CLOSE_HOUR[network.node_kind[node]] * HOUR - UTC_OFFSET_SECONDS
    done = begins + HOUR * hours
    return np.where(done <= closes, done, opening_after(network, node, closes) + (done - closes))


def worked_hours(network: Network, node: Ints, begins: Floats, packed: Floats) -> Floats:
    """Working hours from `begins`, which lies in opening hours, to `packed`; the inverse of `worked_until`."""
    first, last = (np.floor_divide(moment + UTC_OFFSET_SECONDS, DAY) for moment in (begins, packed))
    kind = network.node_kind[node]
    # Nights between the two; a Sunday of rest is one more closed day.
    weeks = np.floor_divide(last - SUNDAY - 1, 7) - np.floor_divide(first - SUNDAY - 1, 7)
    nights = (last - first) * (24.0 - CLOSE_HOUR[kind] + OPEN_HOUR[kind])
    rest = network.closed_sunday[node] * weeks * (CLOSE_HOUR[kind] - OPEN_HOUR[kind])
    return np.asarray((packed - begins) / HOUR - nights - rest)


def pickup_after(network: Network, node: Ints, packed: Floats) -> Floats:
    """When parcels packed at these moments leave: the node's next hand-over on a working day; UTC seconds."""
    day, second = np.divmod(packed + UTC_OFFSET_SECONDS, DAY)
    cutoff = network.cutoff_hour[node] * HOUR
    day = day + (second > cutoff)
    day = day + (network.closed_sunday[node] & (day % 7 == SUNDAY))
    return np.maximum(packed, day * DAY + cutoff - UTC_OFFSET_SECONDS)


def door_deadline(promised: Ints) -> Floats:
    """Latest arrival at which a parcel is at the door by its promise; UTC seconds."""
    day, second = np.divmod(promised + float(UTC_OFFSET_SECONDS), DAY)
    hour = second / HOUR
    by_night = hour < DOOR_OPENS + MORNING_ROUND
    hour = np.where(by_night, DOOR_CLOSES, np.minimum(hour, DOOR_CLOSES))
    return np.asarray((day - by_night) * DAY + hour * HOUR - UTC_OFFSET_SECONDS)


@dataclass(frozen=True)
class ArrivalModel:
    """What is learned from parcels that were sent.

    Attributes:
        release: (R,) mean hours from the decision to the release of the work, by region of the destination.
        queue: (N, 24 / QUEUE_HOURS) mean working hours from a node's beginning to the parcel packed, by the hour of
            the decision: a wave queues behind itself.
        work: (H,) quantiles of the working hours that come on top of the mean or fall short of it.
        pace, extra: (carriers,) length of the road over its plan, and hours that come on top of it.
        place: (A,) factor of the road to a post-code area.
        weather: Share by which the worst weather at the destination lengthens the road.
        over: Share of parcels whose road is longer than `GRID` times what all of this foresees.
    """

    release: Floats
    queue: Floats
    work: Floats
    pace: Floats
    extra: Floats
    place: Floats
    weather: float
    over: Floats

    def late(self, batch: Batch) -> Floats:
        """P(late) of each order's parcel, shape (orders, nodes, services)."""
        network = batch.network
        node, lane, begins = self._begins(batch, batch.decided_at)
        queue = self.queue[:, _part_of_day(np.array(batch.decided_at))]
        deadline = door_deadline(batch.promised_at) - HOUR * self.extra[batch.carrier]
        factor = self.pace[batch.carrier] * self.place[batch.place] * (1.0 + self.weather * batch.weather[batch.region])
        planned = np.log(DAY * PLANNED_DAYS)[:, network.band[:, batch.place].T]
        road = (planned + np.log(factor)[None, :, None]).astype(np.float32)
        late = np.zeros((batch.count, network.count, len(road)))
        for hours in self.work:
            packed = worked_until(network, node, begins, np.maximum(queue + hours, 0.0))
            left = deadline[:, None] - pickup_after(network, node, packed)[lane]
            left = np.log(np.maximum(left, 1.0)).astype(np.float32)
            for service in range(len(road)):
                late[:, :, service] += self._over(left - road[service])
        return late / len(self.work)

    def may_wait(self, batch: Batch, moment: int) -> NDArray[np.bool_]:
        """(orders, nodes) true where work would begin no later if the parcel were given out at `moment` instead."""
        _, lane, now = self._begins(batch, batch.decided_at)
        _, _, then = self._begins(batch, moment)
        return np.asarray((then <= now)[lane])

    def _begins(self, batch: Batch, moment: int) -> tuple[Ints, Ints, Floats]:
        """Nodes (places, N), the place of each order, and when work on a parcel given out at `moment` would begin."""
        network = batch.network
        places, lane = np.unique(batch.place, return_inverse=True)
        node = np.broadcast_to(np.arange(network.count), (len(places), network.count))
        released = moment + HOUR * self.release[places // network.geography.areas_per_region][:, None]
        free = batch.decided_at + HOUR * batch.backlog_hours
        return node, lane, opening_after(network, node, np.maximum(released, free))

    def _over(self, length: NDArray[np.float32]) -> Floats:
        """Share of parcels whose road is longer, in logarithms over what is foreseen, than this."""
        at = (length - np.float32(GRID[0])) * np.float32(1.0 / (GRID[1] - GRID[0]))
        return self.over[np.clip(at, 0, len(GRID) - 1).astype(np.int32)]


@dataclass(frozen=True)
class Sent:
    """Parcels that were sent, and what was known when they were given out; all (n,).

    `decided`, `promised`, `released`, `packed`, `shipped`, `delivered` are UTC seconds, `backlog` hours of the node,
    `weather` the severity at the destination.
    """

    node: Ints
    place: Ints
    region: Ints
    service: Ints
    carrier: Ints
    decided: Ints
    released: Ints
    packed: Ints
    shipped: Ints
    delivered: Ints
    backlog: Floats
    weather: Floats

    @property
    def count(self) -> int:
        """Number of parcels."""
        return len(self.node)


def learn_arrivals(sent: Sent, network: Network, seed: int) -> ArrivalModel:
    """Fit the model.

    Raises:
        ValueError: fewer than 100 parcels were sent.
    """
    if sent.count < 100:
        raise ValueError(
            f"Arrivals are learned from at least 100 parcels; got {sent.count}. Make the rehearsal longer."
        )
    release = _shrunk(sent.region, (sent.released - sent.decided) / HOUR, len(network.geography.codes))
    free = np.maximum(sent.decided + HOUR * release[sent.region], sent.decided + HOUR * sent.backlog)
    work = worked_hours(network, sent.node, opening_after(network, sent.node, free), sent.packed.astype(np.float64))
    part = _part_of_day(sent.decided)
    daily = _shrunk(part, work, 24 // QUEUE_HOURS)
    cell = sent.node * len(daily) + part
    queue = daily + _shrunk(cell, work - daily[part], network.count * len(daily)).reshape(network.count, -1)
    road = _arrived(sent.delivered, seed) - sent.shipped
    planned = DAY * PLANNED_DAYS[sent.service, network.band[sent.node, sent.place]]
    pace, extra = np.ones(len(CARRIERS)), np.zeros(len(CARRIERS))
    for carrier in range(len(CARRIERS)):
        own = sent.carrier == carrier
        if own.sum() >= 2 * SHRINK:
            hours, pace[carrier] = _line(planned[own], road[own])
            extra[carrier] = max(0.0, hours / HOUR)
    ratio = np.log(np.maximum(road - HOUR * extra[sent.carrier], HOUR) / (planned * pace[sent.carrier]))
    weather = _slope(sent.weather, ratio)
    ratio -= np.log1p(weather * sent.weather)
    place = _shrunk(sent.place, ratio, network.distance_km.shape[1])
    ratio = np.sort(ratio - place[sent.place])
    over = 1.0 - np.searchsorted(ratio, GRID, side="right") / sent.count
    left = np.quantile(work - queue[sent.node, part], WORK)
    return ArrivalModel(release, queue, left, pace, extra, np.exp(place), weather, over)


def _part_of_day(moment: Ints) -> Ints:
    """Which stretch of `QUEUE_HOURS` of the local day a moment lies in."""
    return np.asarray((moment + UTC_OFFSET_SECONDS) % 86_400 // (QUEUE_HOURS * 3_600), np.int64)


def _arrived(delivered: Ints, seed: int) -> Floats:
    """Moments of arrival: at the door by day; those of the morning's round came some time in the night."""
    day, second = np.divmod(delivered + float(UTC_OFFSET_SECONDS), DAY)
    morning = second < (DOOR_OPENS + 2 * MORNING_ROUND) * HOUR
    night = (24.0 - DOOR_CLOSES) * HOUR + second
    luck = np.random.default_rng(seed).random(len(delivered))
    return np.asarray(day * DAY + np.where(morning, second - luck * night, second) - UTC_OFFSET_SECONDS)


def _line(planned: Floats, road: Floats) -> tuple[float, float]:
    """Constant and slope of the road over its plan; long roads count no more than short ones, strays not at all."""
    kept = np.ones(len(planned), bool)
    constant, slope = 0.0, 1.0
    for _ in range(2):
        design = np.column_stack((1.0 / planned, np.ones_like(planned)))[kept]
        constant, slope = np.linalg.lstsq(design, (road / planned)[kept], rcond=None)[0]
        off = (road - constant) / planned - slope
        kept = off < np.quantile(off, 0.96)
    return float(constant), float(np.clip(slope, 0.5, 2.0))


def _slope(weather: Floats, ratio: Floats) -> float:
    """How much the worst weather lengthens the road, by the mean log-ratio under heavy against under no weather."""
    heavy = weather > 0.2
    if heavy.sum() < SHRINK or (~heavy).sum() < SHRINK:
        return 0.0
    gain = np.expm1(ratio[heavy].mean() - ratio[weather == 0].mean())
    return float(np.clip(gain / weather[heavy].mean(), 0.0, 2.0))


def _shrunk(group: Ints, value: Floats, groups: int) -> Floats:
    """Mean of each group, drawn to the mean of all where the group is small."""
    mean = float(value.mean())
    count = np.bincount(group, minlength=groups)
    return np.asarray((np.bincount(group, weights=value, minlength=groups) + SHRINK * mean) / (count + SHRINK))
