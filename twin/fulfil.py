"""From a chosen node to the door: release, the node's queue, pick-up, the road, the scan.

Belongs here: the physics of a parcel and the planted effects on it. Does not belong here: which node (`twin.dispatch`).
"""

import numba
import numpy as np
import numpy.typing as npt

from twin.luck import normal, uniform
from twin.network import CARRIER_SPEED, PLANNED_DAYS, SLOW_CARRIER, UTC_OFFSET_SECONDS
from twin.world import World

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

OPEN_HOUR = np.array([8.0, 10.0])
CLOSE_HOUR = np.array([20.0, 21.0])


def release_times(world: World, seed: int, order: Ints, allocated_at: Ints, region: Ints, touched: Ints) -> Ints:
    """When the work is released to the node: minutes by the system, hours through a person, later still in region A."""
    p, effects = world.parameters.dispatch, world.parameters.effects
    minutes = p.release_minutes * (0.4 + 1.2 * uniform(seed, "release", order))
    person = touched * 3600.0 * (0.5 - 2.0 * np.log(uniform(seed, "person", order)))
    planted = (region == world.network.geography.region(effects.release_region)) & effects.release_on
    return np.asarray(
        (allocated_at + 60.0 * minutes + person + planted * 3600.0 * effects.release_hours).astype(np.int64)
    )


def carriers_for(world: World, place: Ints, at: Ints) -> npt.NDArray[np.int8]:
    """Carrier of a destination at a time: the usual one, from the rule's day on the slow one in the areas it names."""
    carrier = world.network.area_carrier[place]
    return np.where(rule_applies(world, place, at), SLOW_CARRIER, carrier).astype(np.int8)


def rule_day(world: World) -> int:
    """Day of the horizon from which the planted rule holds."""
    return round(world.parameters.effects.rule_day_share * world.parameters.days)


def rule_applies(world: World, place: Ints, at: Ints) -> npt.NDArray[np.bool_]:
    """Whether the planted rule moves a parcel of this place and time to the slow carrier."""
    effects, geography = world.parameters.effects, world.network.geography
    region, area = np.divmod(place, geography.areas_per_region)
    # The areas of the region that order most, so that the change touches enough parcels to be found.
    named = (region == geography.region(effects.rule_region)) & (area < effects.rule_areas)
    return np.asarray(effects.rule_on & named & (at >= world.start + rule_day(world) * 86_400))


def road_seconds(
    world: World, seed: int, order: Ints, node: Ints, place: Ints, service: Ints, carrier: Ints, shipped_at: Ints,
    load: Floats,
) -> Floats:  # fmt: skip
    """Seconds from pick-up to the door: plan × carrier × luck × weather × load, with a tail; the slow one adds hours.

    The luck belongs to the order, not to the node, so that policies are compared under the same luck.
    """
    p = world.parameters.transit
    band = world.network.band[node, place]
    region = place // world.network.geography.areas_per_region
    day = np.clip((shipped_at - world.start) // 86_400, 0, world.parameters.days - 1)
    days = PLANNED_DAYS[service, band] * CARRIER_SPEED[carrier] * np.exp(p.noise * normal(seed, "transit", order))
    days = days * world.outside.road_factor[day, region] * (1.0 + p.peak_drag * np.maximum(0.0, load[day] - 1.0))
    astray = uniform(seed, "tail", order) < p.tail_share
    days = days - astray * p.tail_days * np.log(uniform(seed, "tail", order, 1))
    slow = (carrier == SLOW_CARRIER) * world.parameters.effects.rule_hours / 24.0
    return np.asarray((days + slow) * 86_400.0)


def at_the_door(seed: int, order: Ints, arrived_at: Ints) -> Ints:
    """Doors open from 8 to 21 local time; what comes outside of it waits for the next morning's round."""
    local = arrived_at + UTC_OFFSET_SECONDS
    hour = local % 86_400 / 3600.0
    morning = local - local % 86_400 + 8 * 3600 + (2.5 * 3600 * uniform(seed, "door", order)).astype(np.int64)
    early, late = hour < 8, hour >= 21
    return np.asarray(np.where(early, morning, np.where(late, morning + 86_400, local)) - UTC_OFFSET_SECONDS)


def scan_times(world: World, seed: int, order: Ints, region: Ints, delivered_at: Ints) -> Ints:
    """When the carrier's system learns of the delivery: minutes later, in region B hours later."""
    effects = world.parameters.effects
    usual = 120 + 600 * uniform(seed, "scan", order)
    planted = (region == world.network.geography.region(effects.scan_region)) & effects.scan_on
    late = planted * 3600.0 * effects.scan_hours * (0.5 - 0.5 * np.log(uniform(seed, "scan", order, 1)))
    return np.asarray((delivered_at + usual + late).astype(np.int64))


@numba.njit(cache=True)  # type: ignore[misc, untyped-decorator, unused-ignore]
def run_queues(node, released_at, luck, clock, capacity, factor, start, opens, closes, rests, cutoff, first_weekday):  # type: ignore[no-untyped-def] # pragma: no cover
    """Serve parcels in the order given: picked, packed and picked-up times (UTC seconds); moves each node's clock on.

    A node serves one parcel after another in its opening hours, as fast as its capacity of the day allows (a
    deterministic server, Lindley's recursion), and hands over at its cut-off hour on working days.
    """
    count = len(node)
    picked = np.empty(count, np.int64)
    packed = np.empty(count, np.int64)
    shipped = np.empty(count, np.int64)
    days = factor.shape[0]
    for i in range(count):
        n = node[i]
        t = max(float(released_at[i]), clock[n]) - start
        day = int(t // 86_400)
        second = t - day * 86_400
        opening, closing = opens[n] * 3600.0, closes[n] * 3600.0
        if second >= closing:
            day += 1
            second = opening
        if second < opening:
            second = opening
        if rests[n] and (first_weekday + day) % 7 == 6:
            day += 1
            second = opening
        left = factor[min(max(day, 0), days - 1), n]
        step = (closing - opening) / (capacity[n] * max(left, 0.05))
        began = start + day * 86_400 + second
        clock[n] = began + step
        picked[i] = int(began + 600.0 + 2400.0 * luck[i])
        packed[i] = picked[i] + int(300.0 + 1500.0 * (1.0 - luck[i]))
        out = packed[i] - start
        handover_day = int(out // 86_400)
        if out - handover_day * 86_400 > cutoff[n] * 3600:
            handover_day += 1
        if rests[n] and (first_weekday + handover_day) % 7 == 6:
            handover_day += 1
        shipped[i] = max(
            packed[i] + 300, start + handover_day * 86_400 + cutoff[n] * 3600 + 600 + int(1200.0 * luck[i])
        )
    return picked, packed, shipped


def queue_inputs(world: World) -> dict[str, object]:
    """The arguments of `run_queues` that do not change."""
    kind = world.network.node_kind
    return {
        "capacity": world.capacity.astype(np.float64), "factor": world.outside.node_factor, "start": world.start,
        "opens": OPEN_HOUR[kind], "closes": CLOSE_HOUR[kind], "rests": world.network.closed_sunday,
        "cutoff": world.network.cutoff_hour, "first_weekday": world.parameters.first_day.weekday(),
    }  # fmt: skip
