"""The test-bed: the same orders, stock, receipts and luck under any policy, and paired differences between policies.

Belongs here: running a policy over a world, its figures by region and tier, comparison over replications with common
random numbers. Does not belong here: policies (`twin.dispatch`, or whoever hands one in).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from twin.dispatch import Policy
from twin.engine import Simulation
from twin.people import TIERS
from twin.results import DayResult
from twin.tables import length
from twin.world import World

#: Figure → (sum over, divided by sum, what it means).
FIGURES: dict[str, tuple[str, str, str]] = {
    "cost_per_order": ("cost", "delivered", "what carriers charge for an order, currency units"),
    "on_time_share": ("on_time", "delivered", "delivered orders that came by the promise"),
    "hours_to_door": ("door_hours", "delivered", "hours from order to last parcel at the door"),
    "handling_hours": ("handling_hours", "delivered", "hours from order to last pick-up"),
    "split_share": ("split", "delivered", "delivered orders in more than one parcel"),
    "cross_region_share": ("crossing", "parcels", "parcels from a node outside the region"),
    "touched_share": ("touched", "parcels", "parcels whose node a person chose"),
    "waited_share": ("waited", "kept", "orders that met a stock-out at every node they were offered"),
    "unfilled_share": ("unfilled", "kept", "orders with a line that was given up"),
}
_SUMS = ("delivered", "on_time", "door_hours", "handling_hours", "split", "waited", "kept", "unfilled", "parcels",
"cost",
         "crossing", "touched")  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What a policy came to.

    Attributes:
        policy, seed: Who and which luck.
        orders: Orders placed.
        figures: Figure → value over all; also `stock_out_share`, the share of node × product × days without free units.
        by_region, by_tier: Place → figure → value; None where nothing can be divided.
        support: Place → delivered orders, for both.
    """

    policy: str
    seed: int
    orders: int
    figures: dict[str, float | None]
    by_region: dict[str, dict[str, float | None]]
    by_tier: dict[str, dict[str, float | None]]
    support: dict[str, int]


@dataclass(frozen=True)
class Difference:
    """B minus A of one figure over paired replications.

    Attributes:
        figure: Name in `FIGURES`, or `stock_out_share`.
        first, second: Means of the two policies.
        mean: Mean of the paired differences.
        low, high: 95 % t-interval of it; None below two replications.
    """

    figure: str
    first: float
    second: float
    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Comparison:
    """Two policies on the same luck.

    Attributes:
        first, second: Names.
        replications: Number of pairs.
        overall: Differences of all figures.
        by_region, by_tier: Place → differences.
    """

    first: str
    second: str
    replications: int
    overall: list[Difference]
    by_region: dict[str, list[Difference]]
    by_tier: dict[str, list[Difference]]


@dataclass
class Tally:
    """Sums by region and tier, gathered day by day.

    Attributes:
        cells: Sum → (R, T) array.
        empty, pairs: Node × product × days without free units, and all.
    """

    world: World
    cells: dict[str, npt.NDArray[np.float64]] = field(init=False)
    orders: int = 0
    empty: float = 0.0
    pairs: float = 0.0

    def __post_init__(self) -> None:
        shape = (len(self.world.network.geography.codes), len(TIERS))
        self.cells = {name: np.zeros(shape) for name in _SUMS}

    def add(self, result: DayResult) -> None:
        """Count a day."""
        self.orders += result.ordered
        free = (result.on_hand - result.reserved)[self.world.stocked]
        self.empty += float((free <= 0).sum())
        self.pairs += float(free.size)
        if length(result.orders):
            self._add_orders(result)
        if length(result.parcels):
            self._add_parcels(result)

    def _add_orders(self, result: DayResult) -> None:
        orders = result.orders
        cell = orders["region"].astype(np.int64) * len(TIERS) + orders["tier"]
        done = orders["delivered_at"] > 0
        kept = orders["cancelled_at"] == 0
        hours = (orders["delivered_at"] - orders["ordered_at"]) / 3600.0
        handling = (orders["shipped_at"] - orders["ordered_at"]) / 3600.0
        for name, value in (
            ("delivered", done), ("kept", kept), ("on_time", done & (orders["delivered_at"] <= orders["promised_at"])),
            ("door_hours", np.where(done, hours, 0)), ("handling_hours", np.where(done, handling, 0)),
            ("split", done & (orders["parcels"] > 1)), ("waited", kept & (orders["waited_at"] > 0)),
            ("unfilled", kept & (orders["given_up_at"] > 0)),
        ):  # fmt: skip
            self._sum(name, cell, value)

    def _add_parcels(self, result: DayResult) -> None:
        parcels = result.parcels
        real = (parcels["is_empty"] == 0) & (parcels["shipped_at"] > 0)
        cell = parcels["region"] * len(TIERS) + self.world.people.tier[parcels["customer"]].astype(np.int64)
        crossing = self.world.network.node_region[parcels["node"]] != parcels["region"]
        for name, value in (("parcels", real), ("cost", parcels["cost"] * real), ("crossing", crossing & real),
                            ("touched", (parcels["touched"] == 1) & real)):  # fmt: skip
            self._sum(name, cell, value)

    def _sum(self, name: str, cell: npt.NDArray[np.int64], value: npt.NDArray[Any]) -> None:
        target = self.cells[name]
        target += np.bincount(cell, weights=value, minlength=target.size).reshape(target.shape)

    def outcome(self, policy: str, seed: int) -> Outcome:
        """The figures of what was counted."""
        regions = self.world.network.geography.codes
        figures = {
            name: _ratio(self.cells[over].sum(), self.cells[under].sum()) for name, (over, under, _) in FIGURES.items()
        }
        figures["stock_out_share"] = _ratio(self.empty, self.pairs)
        return Outcome(
            policy, seed, self.orders, figures, self._by(regions, 1), self._by(list(TIERS), 0),
            {name: int(count) for axis, names in ((1, regions), (0, TIERS))
             for name, count in zip(names, self.cells["delivered"].sum(axis=axis), strict=True)},
        )  # fmt: skip

    def _by(self, names: Sequence[str], axis: int) -> dict[str, dict[str, float | None]]:
        sums = {name: cells.sum(axis=axis) for name, cells in self.cells.items()}
        return {
            place: {name: _ratio(sums[over][k], sums[under][k]) for name, (over, under, _) in FIGURES.items()}
            for k, place in enumerate(names)
        }


def simulate(policy: Policy | None, world: World, seed: int) -> Outcome:
    """Replay the world under a policy.

    Args:
        policy: Who decides; None: history's rules.
        world: The company; demand, network and stock levels are its own.
        seed: Luck of the replication: orders, receipts, roads, people. Equal seeds give every policy equal luck.

    Raises:
        PolicyError: the policy's decision cannot be carried out.
    """
    simulation = Simulation(world, policy, seed)
    tally = Tally(world)
    for result in simulation.run():
        tally.add(result)
    return tally.outcome(simulation.policy.name, seed)


def compare(first: Policy, second: Policy, world: World, replications: int) -> Comparison:
    """Paired differences (second minus first) over replications with the seeds after the world's own.

    Raises:
        PolicyError: a policy's decision cannot be carried out.
    """
    pairs = []
    for turn in range(1, replications + 1):
        seed = world.parameters.seed + turn
        pairs.append((simulate(first, world, seed), simulate(second, world, seed)))
    return Comparison(
        first.name, second.name, replications, _differences([(a.figures, b.figures) for a, b in pairs]),
        {place: _differences([(a.by_region[place], b.by_region[place]) for a,
        b in pairs]) for place in pairs[0][0].by_region},
        {place: _differences([(a.by_tier[place], b.by_tier[place]) for a,
        b in pairs]) for place in pairs[0][0].by_tier},
    )  # fmt: skip


def _differences(pairs: list[tuple[dict[str, float | None], dict[str, float | None]]]) -> list[Difference]:
    """One row a figure that every replication could compute."""
    rows = []
    for figure in pairs[0][0]:
        values = [(a[figure], b[figure]) for a, b in pairs]
        known = np.array([(a, b) for a, b in values if a is not None and b is not None], dtype=np.float64)
        if len(known) < len(values):
            continue
        gap = known[:, 1] - known[:, 0]
        half = None
        if len(gap) > 1:
            half = float(stats.t.ppf(0.975, len(gap) - 1) * gap.std(ddof=1) / np.sqrt(len(gap)))
        mean = float(gap.mean())
        rows.append(Difference(
            figure, float(known[:, 0].mean()), float(known[:, 1].mean()), mean,
            None if half is None else mean - half, None if half is None else mean + half,
        ))  # fmt: skip
    return rows


def _ratio(over: float, under: float) -> float | None:
    return float(over / under) if under else None
