"""The orders of a day: when, who, where to, what, how many, at what price and with which promise.

Belongs here: demand, which no policy can change, so it is drawn from one generator a day.
Does not belong here: which node fills an order (`twin.dispatch`).
"""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from twin.luck import generator, uniform
from twin.network import EXPRESS, GROUND, PLANNED_DAYS, SAME_DAY
from twin.parameters import TwinParameters
from twin.world import COMPANY_LINES, World, private_lines

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CHANNELS = ("web", "app", "social", "store", "b2b")
WEB, APP, SOCIAL, STORE, B2B = range(5)
_CHANNEL_SHARE = np.cumsum([0.38, 0.29, 0.19])
_PRIORITY_SHARE = np.cumsum([0.82, 0.15])
#: Orders by local hour, Monday to Sunday alike: a dip at night, peaks at lunch and in the evening.
_HOURS = np.array([2, 1, 1, 1, 1, 1, 2, 3, 4, 6, 7, 7, 7, 6, 6, 6, 6, 6, 7, 9, 11, 10, 7, 4], dtype=np.float64)
_WEEKDAYS = np.array([1.0, 0.97, 0.97, 1.0, 1.03, 1.04, 0.99])


@dataclass
class Orders:
    """Orders as columns of equal length; lines of order i are `line_start[i]:line_start[i + 1]`.

    Times are UTC seconds, money is in cents. `home_node` is the static rule's node.
    """

    id: Ints
    ordered_at: Ints
    promised_at: Ints
    fair_promised_at: Ints
    customer: Ints
    channel: npt.NDArray[np.int8]
    priority: npt.NDArray[np.int8]
    region: npt.NDArray[np.int16]
    area: npt.NDArray[np.int16]
    home_node: npt.NDArray[np.int16]
    line_start: Ints
    product: npt.NDArray[np.int32]
    quantity: npt.NDArray[np.int32]
    unit_price: Ints
    line_discount: Ints

    @property
    def count(self) -> int:
        """Number of orders."""
        return len(self.id)


def volume(parameters: TwinParameters) -> Floats:
    """Expected orders of each day of the horizon; their mean is `orders_per_day`."""
    p = parameters.demand
    days = [parameters.first_day + timedelta(days=d) for d in range(parameters.days)]
    season = np.array([1 + p.season_swing * np.sin(2 * np.pi * (day.timetuple().tm_yday - 80) / 365) for day in days])
    promotion = np.array([p.promotion_lift if day.day == day.month else 1.0 for day in days])
    shape = np.array([_WEEKDAYS[day.weekday()] for day in days]) * season * promotion
    return np.asarray(p.orders_per_day * shape / shape.mean())


def product_shares(world: World, day: int) -> Floats:
    """Share of lines that ask for each product on a day: popularity, weeks of the intermittent, market shocks."""
    p, catalogue = world.parameters.demand, world.catalogue
    luck = uniform(world.parameters.seed, "active", np.arange(catalogue.count), day // 7)
    rhythm = np.where(catalogue.is_intermittent, (luck < p.active_share) / p.active_share, 1.0)
    share = catalogue.share * rhythm * world.outside.line_lift[day][catalogue.line]
    return np.asarray(share / share.sum())


def orders_of_day(world: World, day: int, expected: float, first_id: int, seed: int) -> Orders:
    """Draw the orders of local day `day` (0 = first).

    Args:
        world: The world.
        day: Day of the horizon.
        expected: Mean number of orders.
        first_id: Id of the first order; ids rise with time.
        seed: Seed of this replication's luck.
    """
    p = world.parameters.demand
    luck = generator(seed, "time", day)
    count = int(luck.poisson(expected))
    hour = np.searchsorted(np.cumsum(_HOURS / _HOURS.sum())[:-1], luck.random(count))
    ordered_at = np.sort(world.start + day * 86_400 + hour * 3600 + luck.integers(0, 3600, count))
    is_company = luck.random(count) < p.b2b_share
    customer = _customers(world, luck, is_company)
    channel = np.where(is_company, B2B, _usual_channel(world, luck, customer)).astype(np.int8)
    priority = np.searchsorted(_PRIORITY_SHARE, luck.random(count)).astype(np.int8)
    region, area = _addresses(world, luck, customer)
    home = world.network.home_node[region].astype(np.int16)
    line_start, product, quantity = _lines(world, luck, day, is_company)
    price = world.catalogue.price_cents[product]
    cut = np.where(luck.random(len(product)) < 0.25, luck.integers(4, 21, len(product)), 0)
    fair = ordered_at + _promised_seconds(world, home, region, area, priority)
    effects = world.parameters.effects
    tight = (region == world.network.geography.region(effects.promise_region)) & effects.promise_on
    return Orders(
        first_id + np.arange(count), ordered_at, fair - tight * round(effects.promise_hours * 3600), fair, customer,
        channel, priority, region, area, home, line_start, product, quantity, price,
        price * quantity * cut // 100,
    )  # fmt: skip


def _customers(world: World, luck: np.random.Generator, is_company: npt.NDArray[np.bool_]) -> Ints:
    """Skewed towards the active: the density of rank x in (0, 1) is proportional to x ** (-0.45)."""
    rank = luck.random(len(is_company)) ** (1 / 0.55)
    companies, people = world.people.companies, world.people.count - world.people.companies
    return np.where(is_company, (rank * companies).astype(np.int64), companies + (rank * people).astype(np.int64))


def _usual_channel(world: World, luck: np.random.Generator, customer: Ints) -> Ints:
    """Each person has a usual channel and strays from it now and then."""
    usual = uniform(world.parameters.seed, "channel", customer)
    strays = luck.random(len(customer))
    choice = np.where(strays < 0.25, strays * 4, usual)
    return np.searchsorted(_CHANNEL_SHARE, choice)


def _addresses(
    world: World, luck: np.random.Generator, customer: Ints
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int16]]:
    geography = world.network.geography
    gift = luck.random(len(customer)) < world.parameters.demand.gift_share
    elsewhere = np.searchsorted(np.cumsum(geography.weight)[:-1], luck.random(len(customer)))
    region = np.where(gift, elsewhere, world.people.region[customer]).astype(np.int16)
    return region, world.people.area[customer]


def _lines(
    world: World, luck: np.random.Generator, day: int, is_company: npt.NDArray[np.bool_]
) -> tuple[Ints, npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    mean = private_lines(world.parameters) + np.where(is_company, COMPANY_LINES, 0.0)
    count = np.minimum(luck.geometric(1.0 / mean), 12)
    start = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    owner = np.repeat(np.arange(len(count)), count)
    total = int(start[-1])
    shares = np.cumsum(product_shares(world, day))
    product = np.minimum(np.searchsorted(shares, luck.random(total)), world.catalogue.count - 1)
    place = np.arange(total) - start[owner]
    same = (place > 0) & (product == np.roll(product, 1))
    product = np.where(same, (product + 1 + place) % world.catalogue.count, product)
    private = 1 + (luck.random(total) < 0.12).astype(np.int64) + (luck.random(total) < 0.03)
    quantity = np.where(is_company[owner], luck.geometric(0.25, total), private)
    return start, product.astype(np.int32), quantity.astype(np.int32)


def _promised_seconds(
    world: World, home: npt.NDArray[np.int16], region: npt.NDArray[np.int16], area: npt.NDArray[np.int16],
    priority: npt.NDArray[np.int8],
) -> Ints:  # fmt: skip
    """The promise that the static rule would make: handling, then planned days from the home node, up to a cap."""
    p, network = world.parameters.transit, world.network
    place = region.astype(np.int64) * network.geography.areas_per_region + area
    band = network.band[home, place]
    service = services_for(priority, network.node_region[home] == region)
    hours = p.promise_handling_hours * np.where(priority == 0, 1.0, 0.75)
    hours = hours + p.promise_slack * 24.0 * PLANNED_DAYS[service, band]
    return np.asarray((np.round(np.minimum(hours, p.promise_cap_hours)) * 3600).astype(np.int64))


def services_for(priority: npt.NDArray[np.int8], is_same_region: npt.NDArray[np.bool_]) -> npt.NDArray[np.int8]:
    """Service level that history buys for a priority: ground, express, and same-day where the node is in the region."""
    critical = np.where(is_same_region, SAME_DAY, EXPRESS)
    return np.where(priority == 0, GROUND, np.where(priority == 1, EXPRESS, critical)).astype(np.int8)
