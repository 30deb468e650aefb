"""The truth: what really happened and who is who, in a folder that no pipeline code may read.

Belongs here: writing the truth's tables and the description of planted effects. Does not belong here: comparing
(`twin.score`).
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from twin.fulfil import rule_applies, rule_day
from twin.network import SERVICES
from twin.results import DayResult, Settled
from twin.stock import FLOWS
from twin.systems.codes import order_code, order_system, parcel_code
from twin.systems.frames import named
from twin.tables import length
from twin.world import World
from workspace.files import write_atomically


@dataclass
class Truth:
    """Truth tables, written as the days go by.

    Tables: `customers`, `products`, `warehouses` (record → true number), `orders`, `parcels`, `stock_ledger`,
    `defects`;
    `effects.json`, `parameters.json`, `calibration.json`.
    """

    root: Path
    world: World
    _writers: dict[str, pq.ParquetWriter] = field(default_factory=dict)

    def append(self, table: str, frame: pl.DataFrame) -> None:
        """Add rows to a table."""
        if not frame.width:
            return
        arrow = frame.to_arrow()
        if table not in self._writers:
            self.root.mkdir(parents=True, exist_ok=True)
            self._writers[table] = pq.ParquetWriter(self.root / f"{table}.parquet", arrow.schema, compression="zstd")
        self._writers[table].write_table(arrow)

    def add(self, result: Settled) -> None:
        """Add what was settled."""
        world = self.world
        geography = world.network.geography
        if length(result.orders):
            orders = result.orders
            self.append("orders", pl.DataFrame({
                "order": orders["id"], "source_system": order_system(orders["channel"]),
                "order_code": order_code(orders["channel"], orders["id"]), "customer": orders["customer"],
                "region_code": named(geography.codes, orders["region"]), "area": orders["area"].astype(np.int64),
                "ordered_at": orders["ordered_at"], "promised_at": orders["promised_at"],
                "fair_promised_at": orders["fair_promised_at"], "shipped_at": orders["shipped_at"],
                "delivered_at": orders["delivered_at"], "scanned_at": orders["scanned_at"],
                "cancelled_at": orders["cancelled_at"], "given_up_at": orders["given_up_at"],
                "parcels": orders["parcels"],
                "is_rule_change": rule_applies(world, orders["place"], orders["ordered_at"]),
            }))  # fmt: skip
        if length(result.parcels):
            parcels = result.parcels
            self.append("parcels", pl.DataFrame({
                "parcel": parcels["id"], "shipment_code": parcel_code(parcels["id"]), "order": parcels["order"],
                "node": parcels["node"], "region_code": named(geography.codes, parcels["region"]),
                "service": named(SERVICES, parcels["service"]), "carrier": parcels["carrier"],
                "distance_km": np.round(world.network.distance_km[parcels["node"], parcels["place"]], 1),
                "allocated_at": parcels["allocated_at"], "released_at": parcels["released_at"],
                "picked_at": parcels["picked_at"], "shipped_at": parcels["shipped_at"],
                "delivered_at": parcels["delivered_at"], "scanned_at": parcels["scanned_at"],
                "touched": parcels["touched"],
                "is_cross_region": world.network.node_region[parcels["node"]] != parcels["region"],
                "is_empty": parcels["is_empty"],
            }))  # fmt: skip

    def add_ledger(self, result: DayResult) -> None:
        """Add a day's ledger of every node."""
        ledger = {flow: result.flows[number] for number, flow in enumerate(FLOWS)}
        self.append("stock_ledger", pl.DataFrame({
            "day": np.full(self.world.network.count, result.day), "node": np.arange(self.world.network.count),
            "opening": result.opening, **ledger, "closing": result.on_hand.sum(axis=1, dtype=np.int64),
        }))  # fmt: skip

    def describe(self, calibration: dict[str, Any]) -> None:
        """Write what was planted, with which parameters, and what came out."""
        write_atomically(self.root / "effects.json", _pretty(describe_effects(self.world)))
        write_atomically(self.root / "parameters.json", _pretty(self.world.parameters.model_dump(mode="json")))
        write_atomically(self.root / "calibration.json", _pretty(calibration))

    def close(self) -> None:
        """Close the tables, so that nothing holds the folder."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()


def describe_effects(world: World) -> list[dict[str, Any]]:
    """Each planted effect with its kind, place, size, start and switch."""
    e, geography, start = world.parameters.effects, world.network.geography, world.start
    areas = [f"{geography.prefixes[geography.region(e.rule_region)]}{area:02d}" for area in range(e.rule_areas)]
    return [
        {"letter": "A", "kind": "release_delay", "region_code": e.release_region, "hours": e.release_hours,
         "on": e.release_on, "layer": "unexplained"},
        {"letter": "B", "kind": "late_scan", "region_code": e.scan_region, "hours": e.scan_hours, "on": e.scan_on,
         "layer": "measurement"},
        {"letter": "C", "kind": "tight_promise", "region_code": e.promise_region, "hours": e.promise_hours,
         "on": e.promise_on, "layer": "policy"},
        {"letter": "D", "kind": "far", "region_code": e.far_region, "hours": 0.0, "on": True, "layer": "distance"},
        {"letter": "E", "kind": "few_orders", "region_code": e.thin_region, "hours": 0.0, "on": True,
         "layer": "insufficient"},
        {"letter": "F", "kind": "rule_change", "region_code": e.rule_region, "hours": e.rule_hours, "on": e.rule_on,
         "layer": "rule", "postal_code_prefixes": areas, "starts_at": start + rule_day(world) * 86_400,
         "starts_on": str(world.parameters.first_day.fromordinal(
             world.parameters.first_day.toordinal() + rule_day(world)))},
    ]  # fmt: skip


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
