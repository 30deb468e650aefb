"""Customer care: returns, ratings and calls; and the outside world's observations as they are reported.

Belongs here: those files. Does not belong here: why a customer calls (`twin.aftermath`).
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from twin.aftermath import REASONS, Aftermath
from twin.catalogue import LINES
from twin.luck import bits
from twin.signals import MARKET, OUTAGE, WEATHER
from twin.systems.codes import node_codes, order_code, order_system
from twin.systems.defects import DefectLog
from twin.systems.files import CSV, JSONL, Files
from twin.systems.frames import named
from twin.systems.times import iso, offset
from twin.tables import Columns, length, take
from twin.world import World

_KINDS = ("weather_alert", "node_outage", "market_shock")


@dataclass
class Care:
    """Writes returns, ratings and contacts."""

    world: World
    log: DefectLog
    files: Files
    horizon_end: int

    def write(self, aftermath: Aftermath, prices: np.ndarray) -> None:
        """Write what was known by the end of the horizon."""
        for table, column, writer in (
            (aftermath.returns, "requested_at", self._returns), (aftermath.reviews, "created_at", self._ratings),
            (aftermath.contacts, "at", self._tickets),
        ):  # fmt: skip
            if length(table):
                known = take(table, table[column] <= self.horizon_end)
                if length(known):
                    writer(known, prices)

    def _returns(self, returns: Columns, prices: np.ndarray) -> None:
        received = np.where(returns["received_at"] <= self.horizon_end, returns["received_at"], 0)
        refund = np.where(received > 0, prices[returns["product"]] * returns["quantity"] / 100.0, 0.0)
        frame = pl.DataFrame({
            "order": returns["order"], "line": returns["number"], "pieces": returns["quantity"],
            "asked": returns["requested_at"],
            "received": received, "reason": named(REASONS, returns["reason"]), "refund": refund,
        })  # fmt: skip
        channel = returns["channel"]
        self.files.add("care/returns", frame.select(
            return_no="R" + pl.col("order").cast(pl.String) + "-" + pl.col("line").cast(pl.String),
            system=order_system(channel),
            order_ref=order_code(channel, returns["order"]), order_line="line", pieces="pieces", asked=iso("asked"),
            received=iso("received"), reason="reason", refund=pl.when(pl.col("received") > 0).then("refund"),
        ), CSV)  # fmt: skip

    def _ratings(self, reviews: Columns, prices: np.ndarray) -> None:
        frame = pl.DataFrame({
            "order": reviews["order"], "stars": reviews["score"], "created": reviews["created_at"],
            "answered": np.where(reviews["answered_at"] <= self.horizon_end, reviews["answered_at"], 0),
        })  # fmt: skip
        self.files.add("care/ratings", frame.select(
            rating_no="V" + pl.col("order").cast(pl.String), system=order_system(reviews["channel"]),
            order_ref=order_code(reviews["channel"], reviews["order"]), stars="stars", given=iso("created"),
            answered=iso("answered"),
        ), CSV)  # fmt: skip

    def _tickets(self, contacts: Columns, prices: np.ndarray) -> None:
        clerks = self.world.parameters.dispatch.clerks
        clerk = (bits(self.world.parameters.seed, "actor", contacts["order"]) % clerks).astype(np.int64)
        frame = pl.DataFrame({"order": contacts["order"], "at": contacts["at"], "late": contacts["is_late"]})
        self.files.add("care/tickets", frame.select(
            ticket="T" + pl.col("order").cast(pl.String) + "-" + pl.col("at").cast(pl.String),
            order=pl.struct(system=order_system(contacts["channel"]), ref=order_code(contacts["channel"],
            contacts["order"])),
            opened=offset("at"),
            topic=pl.when(pl.col("late") == 1).then(pl.lit("where_is_my_order")).otherwise(pl.lit("question")),
            agent="op-" + pl.Series(clerk + 100).cast(pl.String),
        ), JSONL)  # fmt: skip


def write_outside(world: World, files: Files) -> None:
    """The feed of weather, equipment and market observations, known an hour after they begin."""
    outside = world.outside
    if not len(outside.kind):
        return
    regions = pl.Series(world.network.geography.codes)
    nodes, lines = pl.Series(node_codes(world.network, "wms")), pl.Series([line.name for line in LINES])
    end = world.parameters.days * 86_400
    kind = pl.Series(outside.kind)
    choose = lambda wanted, pool: pl.select(  # noqa: E731
        pl.when(kind == wanted).then(pool.gather(np.where(outside.kind == wanted, outside.place, 0)))
    ).to_series()
    frame = pl.DataFrame({
        "kind": named(_KINDS, outside.kind), "region": choose(WEATHER, regions), "node": choose(OUTAGE, nodes),
        "category": choose(MARKET, lines), "severity": outside.severity, "started": world.start + outside.started,
        "ended": np.where(outside.ended < end, world.start + outside.ended, 0),
        "observed": np.minimum(world.start + outside.started + 3600, world.start + end - 1),
        "number": np.arange(len(outside.kind)),
    })  # fmt: skip
    files.write("outside/signals", frame.select(
        id="SIG" + pl.col("number").cast(pl.String).str.zfill(6), kind="kind", region="region", node="node",
        category="category",
        severity="severity", observed=offset("observed"), started=offset("started"), ended=offset("ended"),
    ), JSONL)  # fmt: skip
