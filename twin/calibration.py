"""What was asked of the world and what came out, gathered while it runs.

Belongs here: counts over the days and the table asked / got. Does not belong here: intervals over replications
(`twin.testbed`).
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twin.results import DayResult
from twin.tables import length
from twin.world import World


@dataclass
class Calibration:
    """Counts over the days."""

    world: World
    counts: dict[str, float] = field(default_factory=dict)
    units_by_product: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.units_by_product = np.zeros(self.world.catalogue.count, dtype=np.int64)

    def add_day(self, result: DayResult) -> None:
        """Count a day."""
        self._add("days", 1)
        self._add("orders", result.ordered)
        orders, parcels = result.orders, result.parcels
        if length(orders):
            sent = orders["delivered_at"] > 0
            self._add("delivered", sent.sum())
            self._add("on_time", (orders["delivered_at"] <= orders["promised_at"])[sent].sum())
            self._add("scanned_on_time", (orders["scanned_at"] <= orders["promised_at"])[sent].sum())
            self._add("split", (orders["parcels"] > 1)[sent].sum())
            self._add("cancelled", (orders["cancelled_at"] > 0).sum())
            self._add("given_up", (orders["given_up_at"] > 0).sum())
            self._add("settled", length(orders))
            self._add("companies", orders["is_company"].sum())
            self._add("lines", length(result.lines))
            self.units_by_product += np.bincount(result.lines["product"], minlength=len(self.units_by_product))
        if length(parcels):
            real = (parcels["is_empty"] == 0) & (parcels["shipped_at"] > 0)
            crossed = real & (self.world.network.node_region[parcels["node"]] != parcels["region"])
            self._add("crossing_orders", len(np.unique(parcels["order"][crossed])))
            self._add("parcels", real.sum())
            self._add("touched", parcels["touched"][real].sum())
        self._add("returned", length(result.aftermath.returns))
        self._add("rated", length(result.aftermath.reviews))
        self._add("shorts", length(result.shorts))
        self._add("shipped_lines", length(result.parcel_lines))
        free = result.on_hand - result.reserved
        self._add("pairs", self.world.stocked.sum())
        self._add("empty_pairs", ((free <= 0) & self.world.stocked).sum())

    def report(self) -> dict[str, Any]:
        """Asked beside got, by figure; None where nothing was asked or nothing came."""
        p = self.world.parameters
        return {
            "orders_per_day": self._row(p.demand.orders_per_day, "orders", "days"),
            "lines_per_order": self._row(p.demand.lines_per_order, "lines", "settled"),
            "cross_region_share": self._row(p.targets.cross_region_share, "crossing_orders", "delivered"),
            "on_time_share": self._row(p.targets.on_time_share, "on_time", "delivered"),
            "on_time_share_by_scan": self._row(None, "scanned_on_time", "delivered"),
            "split_share": self._row(None, "split", "delivered"),
            "b2b_share": self._row(p.demand.b2b_share, "companies", "settled"),
            "cancel_share": self._row(p.demand.cancel_share, "cancelled", "settled"),
            "given_up_share": self._row(None, "given_up", "settled"),
            "person_share": self._row(p.dispatch.person_share, "touched", "parcels"),
            "return_share": self._row(p.demand.return_share, "returned", "shipped_lines"),
            "review_share": self._row(p.demand.review_share, "rated", "delivered"),
            "race_share": self._row(p.supply.race_share, "shorts", "shipped_lines"),
            "stock_out_share": self._row(None, "empty_pairs", "pairs"),
            "zipf_exponent": {"asked": p.demand.zipf_exponent, "got": self._zipf()},
        }

    def _add(self, name: str, value: float) -> None:
        self.counts[name] = self.counts.get(name, 0) + float(value)

    def _row(self, asked: float | None, over: str, under: str) -> dict[str, Any]:
        base = self.counts.get(under, 0.0)
        return {"asked": asked, "got": round(self.counts.get(over, 0.0) / base, 4) if base else None}

    def _zipf(self) -> float | None:
        """Slope of log(lines) over log(rank + 3) for the products that sell every week and sold at all."""
        sold = (self.units_by_product > 0) & ~self.world.catalogue.is_intermittent
        if sold.sum() < 10:
            return None
        rank = np.flatnonzero(sold)
        weight = self.units_by_product[sold].astype(float)
        x, y = np.log(rank + 3.0), np.log(weight)
        centre = np.average(x, weights=weight)
        slope = np.average((x - centre) * (y - np.average(y, weights=weight)), weights=weight)
        return round(-float(slope / np.average((x - centre) ** 2, weights=weight)), 3)
