"""The network: regions, post-code areas, nodes, carriers, distances, rates and promises' planned days.

Belongs here: what stands still for the whole horizon and has a place. Does not belong here: stock (`twin.supply`), and
what happens on a day (`twin.fulfil`).
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from twin.luck import uniform
from twin.parameters import GEOGRAPHY, BadParameters, TwinParameters

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

UTC_OFFSET_SECONDS = 8 * 3600
TIME_ZONE = "Asia/Shanghai"
CURRENCY = "CNY"

SERVICES = ("ground", "express", "same_day")
GROUND, EXPRESS, SAME_DAY = range(3)
PRIORITIES = ("standard", "express", "critical")
CARRIERS = ("SwiftHaul", "NorthStar", "Yunda Line", "EconoFreight")
SLOW_CARRIER = 3
KINDS = ("dc", "store")

#: Upper ends of the distance bands, km; the last band has none.
BAND_EDGES_KM = np.array([100.0, 400.0, 900.0, 1500.0, 2300.0])
#: Planned days on the road by service and band (same-day is only sold inside the first two bands).
PLANNED_DAYS = np.array([
    [0.7, 1.1, 1.8, 2.6, 3.5, 4.7],
    [0.45, 0.7, 1.05, 1.5, 2.0, 2.7],
    [0.2, 0.3, 1.05, 1.5, 2.0, 2.7],
])  # fmt: skip
FIXED_FEE = np.array([[6.0, 7.0, 8.5, 10.0, 12.0, 16.0], [11.0, 13.0, 16.0, 19.0, 23.0, 29.0],
                      [18.0, 24.0, 30.0, 36.0, 42.0, 50.0]])  # fmt: skip
PER_KG_FEE = np.array([[0.5, 0.7, 1.0, 1.4, 1.9, 2.6], [1.2, 1.8, 2.6, 3.6, 4.8, 6.2], [2.0, 2.6, 3.4, 4.4, 5.6, 7.0]])
CARRIER_PRICE = np.array([1.06, 1.0, 0.97, 0.85])
CARRIER_SPEED = np.array([0.95, 1.0, 1.04, 1.0])
DETOUR = 1.25


@dataclass(frozen=True)
class Geography:
    """Regions (R of them) and their post-code areas (A each, numbered region * A + area)."""

    codes: list[str]
    names: list[str]
    local_names: list[str]
    parents: list[str]
    cities: list[str]
    local_cities: list[str]
    prefixes: list[str]
    latitude: Floats
    longitude: Floats
    weight: Floats
    areas_per_region: int
    area_latitude: Floats
    area_longitude: Floats
    area_weight: Floats

    def region(self, code: str) -> int:
        """Number of the region with this code, or -1."""
        return self.codes.index(code) if code in self.codes else -1


@dataclass(frozen=True)
class Network:
    """Nodes (N of them) and what lies between them and the areas.

    Attributes:
        node_region, node_kind, node_latitude, node_longitude: Place and kind (index in `KINDS`).
        cutoff_hour: Local hour of the last pick-up.
        closed_sunday: Nodes that rest on Sundays.
        hub: Node that an outer node is replenished from; itself for hubs.
        home_node: Static home node of each region.
        distance_km: (N, R * A) road distance.
        band: (N, R * A) distance band.
        preference: (R, N) nodes by distance from the region, nearest first.
        area_carrier: (R * A,) carrier that serves the area.
    """

    geography: Geography
    node_region: Ints
    node_kind: Ints
    node_latitude: Floats
    node_longitude: Floats
    cutoff_hour: Ints
    closed_sunday: npt.NDArray[np.bool_]
    hub: Ints
    home_node: Ints
    distance_km: Floats
    band: npt.NDArray[np.int8]
    preference: npt.NDArray[np.int16]
    area_carrier: npt.NDArray[np.int8]

    @property
    def count(self) -> int:
        """Number of nodes."""
        return len(self.node_region)


def load_geography(name: str, areas_per_region: int) -> Geography:
    """Read a table of regions.

    Raises:
        BadParameters: there is no such table, or it lacks a column.
    """
    path = GEOGRAPHY / f"{name}.csv"
    path = path if path.exists() else Path(name)
    if not path.is_file():
        raise BadParameters(f"network.geography names a table in {GEOGRAPHY} or a CSV file; got {name!r}. Correct it.")
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    try:
        latitude = np.array([float(row["latitude"]) for row in rows])
        longitude = np.array([float(row["longitude"]) for row in rows])
        weight = np.array([float(row["demand_weight"]) for row in rows])
        text = {
            column: [row[column] for row in rows]
            for column in (
                "region_code",
                "name",
                "local_name",
                "parent_region_code",
                "city",
                "local_city",
                "post_prefix",
            )
        }
    except (KeyError, ValueError) as error:
        raise BadParameters(
            f"A geography has the columns of {GEOGRAPHY / 'china.csv'}; {path} breaks this at {error}. Mend the table."
        ) from error
    if not rows or weight.min() < 0 or weight.sum() <= 0:
        raise BadParameters(f"A geography has regions with demand_weight >= 0, not all zero; {path} has not. Mend it.")
    region = np.repeat(np.arange(len(rows)), areas_per_region)
    area = np.tile(np.arange(areas_per_region), len(rows))
    # The places of areas belong to the geography, so they do not follow the seed.
    angle = 2 * np.pi * uniform(0, "area", region, area, 0)
    radius = np.where(area == 0, 0.05, 0.25 + 1.1 * uniform(0, "area", region, area, 1)) * (0.6 + 0.1 * (region % 5))
    share = 1.0 / (area + 2.0)
    return Geography(
        text["region_code"], text["name"], text["local_name"], text["parent_region_code"], text["city"],
        text["local_city"], text["post_prefix"], latitude, longitude, weight / weight.sum(), areas_per_region,
        latitude[region] + radius * np.sin(angle), longitude[region] + radius * np.cos(angle),
        share / share[:areas_per_region].sum(),
    )  # fmt: skip


def build_network(parameters: TwinParameters) -> Network:
    """Place the nodes where demand is and measure every distance."""
    p = parameters.network
    geography = load_geography(p.geography, p.areas_per_region)
    region, kind = _places(geography, p.nodes, p.store_share)
    spread = uniform(parameters.seed, "node", np.arange(p.nodes), 1) - 0.5
    latitude = geography.latitude[region] + 0.3 * spread
    longitude = geography.longitude[region] + 0.3 * (uniform(parameters.seed, "node", np.arange(p.nodes), 2) - 0.5)
    distance = DETOUR * great_circle_km(
        latitude[:, None], longitude[:, None], geography.area_latitude[None, :], geography.area_longitude[None, :]
    )
    count = geography.areas_per_region
    centre = (distance.reshape(p.nodes, -1, count) * geography.area_weight.reshape(1, -1, count)).sum(axis=2)
    preference = np.argsort(centre, axis=0, kind="stable").T.astype(np.int16)
    hub = _hubs(geography, region, kind, centre)
    home = _homes(parameters, geography, region, kind, hub, preference)
    sundays = uniform(parameters.seed, "node", np.arange(p.nodes), 3) < p.closed_sunday_share
    cutoff = 16 + (uniform(parameters.seed, "node", np.arange(p.nodes), 4) * 4).astype(np.int64)
    return Network(
        geography, region, kind, latitude, longitude, cutoff, sundays & (kind == 0), hub, home, distance,
        np.searchsorted(BAND_EDGES_KM, distance).astype(np.int8), preference, _carriers(parameters, geography),
    )  # fmt: skip


def great_circle_km(lat_a: Floats, lon_a: Floats, lat_b: Floats, lon_b: Floats) -> Floats:
    """Great-circle distance in km by the haversine formula on a sphere of 6371 km; broadcasts."""
    lat_a, lon_a, lat_b, lon_b = (np.radians(x) for x in (lat_a, lon_a, lat_b, lon_b))
    half = np.sin((lat_b - lat_a) / 2) ** 2 + np.cos(lat_a) * np.cos(lat_b) * np.sin((lon_b - lon_a) / 2) ** 2
    return np.asarray(2 * 6371.0 * np.arcsin(np.sqrt(half)))


def parcel_cost(service: Ints, band: Ints, carrier: Ints, weight_kg: Floats) -> Floats:
    """What a carrier charges for parcels, in currency units, to the cent."""
    fee = FIXED_FEE[service, band] + PER_KG_FEE[service, band] * weight_kg
    return np.asarray(np.round(fee * CARRIER_PRICE[carrier], 2))


def _places(geography: Geography, nodes: int, store_share: float) -> tuple[Ints, Ints]:
    """Regions of the nodes by D'Hondt's divisors, so that big regions get second nodes only after middling ones."""
    quotient = geography.weight[:, None] / (1.0 + 2.2 * np.arange(nodes)[None, :])
    chosen = np.argsort(-quotient, axis=None, kind="stable")[:nodes]
    region, turn = np.divmod(chosen, nodes)
    order = np.lexsort((region, turn))
    region = region[order].astype(np.int64)
    kind = np.zeros(nodes, dtype=np.int64)
    stores = min(round(store_share * nodes), nodes - 1)
    kind[nodes - stores :] = 1
    return region, kind


def _hubs(geography: Geography, region: Ints, kind: Ints, centre: Floats) -> Ints:
    """Largest distribution centre of each larger area; nodes without one there use the largest of all."""
    parent = np.array([geography.parents[r] for r in region])
    load = np.where(kind == 0, geography.weight[region], -1.0)
    hub = np.empty(len(region), dtype=np.int64)
    for node in range(len(region)):
        mine = np.where(parent == parent[node], load, -1.0)
        hub[node] = int(np.argmax(mine)) if mine.max() > 0 else int(np.argmax(load))
    return hub


def _homes(
    parameters: TwinParameters, geography: Geography, region: Ints, kind: Ints, hub: Ints,
    preference: npt.NDArray[np.int16],
) -> Ints:  # fmt: skip
    home = np.empty(len(geography.codes), dtype=np.int64)
    follows = uniform(parameters.seed, "node", np.arange(len(geography.codes)), 5) < parameters.network.hub_home_share
    for r in range(len(geography.codes)):
        ranked = preference[r]
        centres = ranked[kind[ranked] == 0]
        inside = centres[region[centres] == r]
        home[r] = inside[0] if len(inside) else centres[0]
        if follows[r]:
            home[r] = hub[home[r]]
    return home


def _carriers(parameters: TwinParameters, geography: Geography) -> npt.NDArray[np.int8]:
    """Carrier of each area: one of the three usual ones; the last area of every fourth region has the slow one."""
    count = geography.areas_per_region
    areas = np.arange(len(geography.area_latitude))
    carrier = (uniform(parameters.seed, "node", areas, 6) * 3).astype(np.int8)
    region = areas // count
    effects = parameters.effects
    planted = {geography.region(code) for code in (
        effects.release_region, effects.scan_region, effects.promise_region, effects.rule_region, effects.far_region,
    )}  # fmt: skip
    slow = (areas % count == count - 1) & (region % 4 == 0) & ~np.isin(region, sorted(planted))
    carrier[slow] = SLOW_CARRIER
    return carrier
