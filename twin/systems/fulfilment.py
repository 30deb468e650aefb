"""What happens to orders inside the company: the ERP's log, the WMS's parcels, stock and receipts, the TMS's scans.

Belongs here: those systems' files. Does not belong here: orders as customers placed them (`twin.systems.channels`).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from twin.luck import bits
from twin.network import CARRIERS, SERVICES
from twin.stock import Inbound
from twin.systems.codes import code, node_codes, order_code, order_system, parcel_code
from twin.systems.defects import DefectLog
from twin.systems.files import JSONL, PARQUET, Files
from twin.systems.frames import named, repeated
from twin.systems.times import offset, stamp
from twin.tables import Columns, length, take
from twin.world import World

Ints = npt.NDArray[np.int64]
STATUSES = ("created", "picked", "packed", "shipped", "delivered", "cancelled")


@dataclass
class Fulfilment:
    """Writes ERP log, WMS and TMS files."""

    world: World
    log: DefectLog
    files: Files
    horizon_end: int

    def order_log(self, orders: Columns, parcels: Columns, shorts: Columns) -> None:
        """The ERP's log: created, approved, held, released from hold, allocated, reallocated, cancelled."""
        steps = []
        if length(orders):
            kept = orders["cancelled_at"] == 0
            company = orders["is_company"]
            steps += [
                _steps(orders, orders["ordered_at"], "created"),
                _steps(take(orders, kept & company), orders["approved_at"][kept & company], "approved", person=True,
                reason="CREDIT"),
                _steps(take(orders, kept & ~company), orders["approved_at"][kept & ~company], "approved",
                reason="PAYMENT"),
                _steps(take(orders, orders["held_at"] > 0), orders["held_at"][orders["held_at"] > 0], "held",
                reason="CHECK"),
                _steps(take(orders, orders["held_at"] > 0), orders["freed_at"][orders["held_at"] > 0], "approved",
                person=True, reason="CHECKED"),
                _steps(take(orders, orders["waited_at"] > 0), orders["waited_at"][orders["waited_at"] > 0], "held",
                reason="NO_STOCK"),
                _steps(take(orders, orders["given_up_at"] > 0), orders["given_up_at"][orders["given_up_at"] > 0],
                "cancelled", reason="NO_STOCK"),
                _steps(take(orders, ~kept), orders["cancelled_at"][~kept], "cancelled", reason="CUSTOMER"),
            ]  # fmt: skip
        if length(parcels):
            owner = {"id": parcels["order"], "channel": parcels["channel"], "part": parcels["ordinal"] + 1}
            changed = parcels["touched"] == 1
            steps += [
                _steps(owner, parcels["allocated_at"], "allocated"),
                _steps(take(owner, changed), parcels["allocated_at"][changed] + 900, "reallocated", person=True,
                reason="BETTER_NODE"),
            ]  # fmt: skip
        if length(shorts):
            owner = {
                "id": shorts["order"],
                "channel": shorts["channel"],
                "part": 100 + shorts["number"] * 10 + shorts["attempt"],
            }
            steps += [
                _steps(owner, shorts["at"], "held", reason="SHORT_PICK"),
                _steps(owner, shorts["back_at"], "reallocated", person=True, reason="SHORT_PICK"),
            ]
        if not steps:
            return
        frame = pl.concat(steps).filter(pl.col("at") <= self.horizon_end)
        self.files.add("erp/order_log", self._coded(frame).select(
            entry=_entry("E", frame), system=order_system(frame["channel"].to_numpy()), reference="reference",
            step="step",
            at=stamp("at"), logged=stamp("logged"), actor=self._actors(frame), reason="reason",
        ), PARQUET)  # fmt: skip

    def work_log(self, parcels: Columns) -> None:
        """The WMS's log of released, picked and packed."""
        if not length(parcels):
            return
        owner = {"id": parcels["order"], "channel": parcels["channel"]}
        worked = parcels["picked_at"] > 0
        steps = [
            _steps(owner, parcels["released_at"], "released"),
            _steps(take(owner, worked), parcels["picked_at"][worked], "picked", person=True),
            _steps(take(owner, worked), parcels["packed_at"][worked], "packed", person=True),
        ]
        number = np.concatenate([parcels["id"], parcels["id"][worked], parcels["id"][worked]])
        frame = pl.concat(steps).with_columns(parcel=pl.Series(number)).filter(pl.col("at") <= self.horizon_end)
        self.files.add("wms/work_log", self._coded(frame).select(
            system=order_system(frame["channel"].to_numpy()), reference="reference",
            parcel=parcel_code(frame["parcel"].to_numpy()), step="step", at=stamp("at"), logged=stamp("logged"),
            actor=self._actors(frame),
        ), PARQUET)  # fmt: skip

    def parcels(self, parcels: Columns, lines: Columns) -> None:
        """WMS parcels and their lines; the TMS's tracking of them."""
        if not length(parcels):
            return
        end = self.horizon_end
        known = {
            name: np.where(parcels[name] <= end, parcels[name], 0)
            for name in ("picked_at", "packed_at", "shipped_at", "scanned_at")
        }
        delivered = np.where(known["scanned_at"] > 0, parcels["delivered_at"], 0)
        status = np.select(
            [parcels["is_empty"] == 1, known["scanned_at"] > 0, known["shipped_at"] > 0, known["packed_at"] > 0,
            known["picked_at"] > 0],
            [5, 4, 3, 2, 1], 0,
        )  # fmt: skip
        nodes = pl.Series(node_codes(self.world.network, "wms"))
        frame = pl.DataFrame({
            "parcel": parcel_code(parcels["id"]), "system": order_system(parcels["channel"]),
            "reference": order_code(parcels["channel"], parcels["order"]), "location": nodes.gather(parcels["node"]),
            "service": named(SERVICES, parcels["service"]), "status": named(STATUSES, status),
            "allocated_at": parcels["allocated_at"], **known,
            "promised_at": parcels["promised_at"], "weight": parcels["weight_kg"], "cost": np.round(parcels["cost"], 2),
            "carrier": named(CARRIERS, parcels["carrier"]), "delivered_at": delivered, "id": parcels["id"],
        })  # fmt: skip
        orphan = self.log.chosen("orphan_parcel", "wms", parcels["id"])
        frame = self.log.spoil(
            frame, orphan, "reference", "orphan_parcel", ("wms", "parcels", "parcel"), lambda text: text + "?"
        )
        changed = frame.select(changed=pl.max_horizontal("allocated_at", *known)).to_series()
        self.files.add("wms/parcels", frame.with_columns(changed=changed).select(
            parcel="parcel", order_system="system", order_ref="reference", location="location", service="service",
            status="status",
            planned=stamp("allocated_at"), picked=stamp("picked_at"), packed=stamp("packed_at"),
            handed_over=stamp("shipped_at"),
            due=stamp("promised_at"), weight_kg="weight", changed=stamp("changed"),
        ), PARQUET)  # fmt: skip
        taken = frame.filter(pl.col("shipped_at") > 0)
        self.files.add("tms/tracking", taken.select(
            tracking=_tracking(taken["id"].to_numpy()), shipper_ref="parcel", carrier="carrier", service="service",
            pickup=offset("shipped_at"), delivered=offset("delivered_at"), uploaded=offset("scanned_at"), fee="cost",
            chargeable_kg="weight",
        ), JSONL)  # fmt: skip
        self._parcel_lines(parcels, lines)

    def _parcel_lines(self, parcels: Columns, lines: Columns) -> None:
        owner = np.searchsorted(parcels["id"], lines["parcel"])
        start = np.r_[True, lines["parcel"][1:] != lines["parcel"][:-1]] if len(owner) else np.empty(0, dtype=bool)
        index = np.arange(len(owner))
        first = np.maximum.accumulate(np.where(start, index, 0)) if len(owner) else index
        frame = pl.DataFrame({
            "parcel": parcel_code(lines["parcel"]), "line": index - first + 1, "order_line": lines["number"],
            "item": code("wms", "product", lines["product"]), "quantity": lines["quantity"],
            "at": parcels["allocated_at"][owner],
        })  # fmt: skip
        self.files.add(
            "wms/parcel_lines",
            frame.select("parcel", "line", "order_line", "item", "quantity", planned=stamp("at")),
            PARQUET,
        )

    def inbound(self, inbound: Inbound) -> None:
        """Receipts and transfers that came (or were still on their way at the end)."""
        if not len(inbound):
            return
        nodes = pl.Series(node_codes(self.world.network, "wms"))
        came = inbound.received_at <= self.horizon_end
        frame = pl.DataFrame({
            "number": inbound.id, "kind": named(("PO", "TR"), inbound.kind), "location": nodes.gather(inbound.node),
            "origin": pl.select(pl.when(pl.Series(inbound.origin) >= 0).then(nodes.gather(np.maximum(inbound.origin,
            0)))).to_series(),
            "item": code("wms", "product", inbound.product), "expected": inbound.quantity,
            "created_at": inbound.created_at,
            "expected_at": inbound.expected_at, "received_at": np.where(came, inbound.received_at, 0),
            "received": pl.select(pl.when(pl.Series(came)).then(pl.Series(inbound.received_quantity))).to_series(),
        })  # fmt: skip
        self.files.add("wms/inbound", frame.select(
            doc=pl.col("kind") + pl.col("number").cast(pl.String).str.zfill(9), kind="kind", location="location",
            origin="origin", item="item",
            expected="expected", ordered=stamp("created_at"), due=stamp("expected_at"), booked=stamp("received_at"),
            received="received",
        ), PARQUET)  # fmt: skip

    def stock(self, day: int, on_hand: npt.NDArray[np.int32], reserved: npt.NDArray[np.int32]) -> None:
        """The nightly count of every product that a node holds."""
        node, product = np.nonzero(self.world.stocked)
        at = self.world.start + (day + 1) * 86_400 - 600
        nodes = pl.Series(node_codes(self.world.network, "wms"))
        frame = pl.DataFrame({
            "location": nodes.gather(node), "item": code("wms", "product", product), "on_hand": on_hand[node, product],
            "reserved": reserved[node, product], "at": np.full(len(node), at),
        })  # fmt: skip
        self.files.add(
            "wms/stock",
            frame.select("location", "item", counted=stamp("at"), on_hand="on_hand", reserved="reserved"),
            PARQUET,
        )

    def _coded(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(
            reference=order_code(frame["channel"].to_numpy(), frame["order"].to_numpy()),
            logged=pl.col("at") + 5 + pl.col("order") % 50,
        )

    def _actors(self, frame: pl.DataFrame) -> pl.Series:
        """Pseudonym of the person, `SYSTEM` for none; the same order mostly meets the same person."""
        clerks = self.world.parameters.dispatch.clerks
        number = (
            bits(self.world.parameters.seed, "actor", frame["order"].to_numpy(), frame["at"].to_numpy() // 43_200)
            % clerks
        ).astype(np.int64)
        person = "op-" + pl.Series(number + 100).cast(pl.String)
        return person.zip_with(frame["person"], repeated("SYSTEM", frame.height))


def _steps(owner: Columns, at: Ints, step: str, person: bool = False, reason: str | None = None) -> pl.DataFrame:
    """One row an owner: its step at a time, by a person or the system."""
    count = len(at)
    return pl.DataFrame({
        "order": owner["id"], "channel": owner["channel"].astype(np.int8),
        "part": owner.get("part", np.zeros(count, dtype=np.int64)), "at": at, "step": repeated(step, count),
        "person": np.full(count, person), "reason": repeated(reason, count),
    })  # fmt: skip


def _entry(letter: str, frame: pl.DataFrame) -> pl.Series:
    step = frame["step"].str.slice(0, 3).str.to_uppercase()
    reason = frame["reason"].fill_null("").str.slice(0, 2)
    return letter + frame["order"].cast(pl.String) + "-" + step + reason + frame["part"].cast(pl.String)


def _tracking(parcel: Ints) -> pl.Series:
    return "YT" + pl.Series(parcel * 7 + 4_000_000_000).cast(pl.String)
