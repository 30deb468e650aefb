"""Orders as the channels write them.

The shop writes CSV with heads and lines apart, social selling nested JSON lines, tills one GBK row a line with Chinese
headers.

Belongs here: the three shapes and the errors of order records.
Does not belong here: parcels (`twin.systems.fulfilment`).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from twin.demand import CHANNELS
from twin.network import PRIORITIES
from twin.systems.codes import ORDER_SYSTEMS, SYSTEM_NUMBER, code, node_codes, order_code, order_system
from twin.systems.defects import DefectLog
from twin.systems.files import CSV, GBK, JSONL, Files
from twin.systems.frames import named, repeated
from twin.systems.masters import reused_number
from twin.systems.names import postal_codes
from twin.systems.times import iso, millis, slashed
from twin.tables import Columns, length
from twin.world import World

Ints = npt.NDArray[np.int64]

STATES = ("created", "approved", "processing", "shipped", "delivered", "cancelled", "unavailable")
_SHOP_STATES = ("PLACED", "PAID", "IN_PROGRESS", "SENT", "DONE", "VOID", "SOLD_OUT")
_SOCIAL_STATES = (10, 20, 30, 40, 50, 90, 91)
_POS_STATES = ("已下单", "已付款", "处理中", "配送中", "已完成", "已取消", "缺货")


@dataclass
class Channels:
    """Writes orders and lines of all channels."""

    world: World
    log: DefectLog
    files: Files
    horizon_end: int

    def write(self, day: int, orders: Columns, lines: Columns) -> pl.DataFrame:
        """Write the orders settled on a day; returns their truth."""
        if not length(orders):
            return pl.DataFrame()
        heads = self._heads(orders, lines)
        frame = self._line_frame(heads, orders, lines)
        system = SYSTEM_NUMBER[orders["channel"]]
        for number, writer in enumerate((self._shop, self._social, self._pos)):
            writer(heads.filter(system == number), frame.filter(pl.col("system") == number), day)
        return heads.select("order", "source_system", "order_code", "written_status")

    def _heads(self, orders: Columns, lines: Columns) -> pl.DataFrame:
        g = self.world.network.geography
        state = self._state(orders, lines)
        region = orders["region"].astype(np.int64)
        shipping = np.where(orders["goods"] >= 9_900, 0, 1_000)
        tax = np.where(orders["is_company"], (orders["goods"] - orders["discount"]) * 13 // 100, 0)
        jitter = ((orders["customer"] * 37 % 101) - 50) / 1000.0
        codes = order_code(orders["channel"], orders["id"])
        changed = np.max([np.where(t <= self.horizon_end, t, 0) for t in (
            orders["ordered_at"], orders["approved_at"], orders["cancelled_at"], orders["shipped_at"],
            orders["scanned_at"],
        )], axis=0)  # fmt: skip
        frame = pl.DataFrame({
            "order": orders["id"], "source_system": order_system(orders["channel"]), "order_code": codes,
            "channel": named(CHANNELS, orders["channel"]), "customer": orders["customer"], "region": region,
            "region_code": named(g.codes, region), "local_region": named(g.local_names, region),
            "region_name": named(g.names, region), "local_city": named(g.local_cities, region),
            "city": named(g.cities, region),
            "postal_code": postal_codes(g, orders["place"], orders["customer"]),
            "latitude": np.round(g.area_latitude[orders["place"]] + jitter, 5),
            "longitude": np.round(g.area_longitude[orders["place"]] + jitter, 5),
            "priority": named(PRIORITIES, orders["priority"]), "state": state, "written_status": named(STATES, state),
            "ordered_at": orders["ordered_at"], "promised_at": orders["promised_at"],
            "approved_at": np.where((orders["approved_at"] <= self.horizon_end) & (orders["cancelled_at"] == 0),
            orders["approved_at"], 0),
            "cancelled_at": np.where(orders["cancelled_at"] > 0, orders["cancelled_at"], np.where(state == 6,
            orders["given_up_at"], 0)),
            "changed_at": np.maximum(changed, orders["ordered_at"]), "home": orders["home_node"].astype(np.int64),
            "goods": orders["goods"] / 100.0, "discount": orders["discount"] / 100.0, "shipping": shipping / 100.0,
            "tax": tax / 100.0,
            "total": (orders["goods"] + shipping + tax - orders["discount"]) / 100.0,
        })  # fmt: skip
        place = ("channels", "orders", "order_code")
        missing = self.log.chosen("missing_region", "channels", orders["id"])
        for column in ("region_code", "local_region", "region_name"):
            frame = self.log.spoil(frame, missing, column, "missing_region", place,
                                   lambda text: pl.Series([None] * len(text), dtype=pl.String))  # fmt: skip
        zone = self.log.chosen("wrong_zone", "channels", orders["id"])
        frame = self.log.spoil(frame, zone, "promised_at", "wrong_zone", place, lambda t: t - 5 * 86_400)
        return frame

    def _state(self, orders: Columns, lines: Columns) -> npt.NDArray[np.int64]:
        """Last known state at the end of the horizon, index in `STATES`."""
        end = self.horizon_end
        owner = np.searchsorted(orders["id"], lines["order"])
        sent = np.bincount(owner, weights=lines["state"] == 2, minlength=length(orders)) > 0
        lost = np.bincount(owner, weights=lines["state"] == 3, minlength=length(orders)) > 0
        state = np.where(orders["approved_at"] <= end, 1, 0)
        state = np.where(orders["parcels"] > 0, 2, state)
        state = np.where(sent & (orders["shipped_at"] > 0) & (orders["shipped_at"] <= end), 3, state)
        state = np.where((state == 3) & (orders["scanned_at"] <= end), 4, state)
        state = np.where(~sent & lost, 6, state)
        return np.asarray(np.where(orders["cancelled_at"] > 0, 5, state))

    def _line_frame(self, heads: pl.DataFrame, orders: Columns, lines: Columns) -> pl.DataFrame:
        owner = np.searchsorted(orders["id"], lines["order"])
        channel = orders["channel"][owner]
        system = SYSTEM_NUMBER[channel]
        frame = pl.DataFrame({
            "order": lines["order"], "system": system, "order_code": heads["order_code"].gather(owner),
            "number": lines["number"],
            "product": lines["product"].astype(np.int64), "quantity": lines["quantity"].astype(np.int64),
            "price": lines["unit_price"] / 100.0, "discount": lines["discount"] / 100.0,
            "amount": (lines["unit_price"] * lines["quantity"] - lines["discount"]) / 100.0,
            "ordered_at": orders["ordered_at"][owner],
        })  # fmt: skip
        key = lines["order"] * 16 + lines["number"]
        place = ("channels", "order_lines", "order_code")
        frame = self.log.spoil(frame, self.log.chosen("zero_quantity", "channels", key), "quantity", "zero_quantity",
        place,
                               lambda quantity: quantity * 0)  # fmt: skip
        codes = repeated("", frame.height)
        for number, name in enumerate(ORDER_SYSTEMS):
            product = reused_number(self.log, name, frame["product"].to_numpy(), self.world.catalogue.count)
            codes = code(name, "product", product).zip_with(pl.Series(system == number), codes)
        frame = frame.with_columns(product_code=codes)
        unknown = self.log.chosen("unknown_product", "channels", key)
        return self.log.spoil(frame, unknown, "product_code", "unknown_product", place, lambda text: "X" + text)

    def _shop(self, heads: pl.DataFrame, lines: pl.DataFrame, day: int) -> None:
        nodes = pl.Series(node_codes(self.world.network, "shop"))
        states = pl.Series(_SHOP_STATES)
        frame = heads.select(
            order_no="order_code", sales_channel="channel", account_no=code("shop", "customer",
            heads["customer"].to_numpy()),
            placed=iso("ordered_at"), promised=iso("promised_at"), province="local_region", city="local_city",
            zip="postal_code",
            lat="latitude", lon="longitude", priority="priority", state=states.gather(heads["state"]),
            paid=iso("approved_at"),
            voided=iso("cancelled_at"), home_node=nodes.gather(heads["home"]), goods="goods", freight="shipping",
            vat="tax",
            rebate="discount", total="total", changed=iso("changed_at"),
        )  # fmt: skip
        broken = self.log.chosen("broken_time", "shop", heads["order"].to_numpy())
        frame = self.log.spoil(frame, broken, "placed", "broken_time", ("shop", "orders", "order_no"),
                               lambda text: text.str.replace(r"-(\d\d) ", "-3${1} "))  # fmt: skip
        if self._is_late_chunk(day):
            frame = frame.with_columns(coupon=pl.when(pl.col("rebate") > 0).then(pl.lit("AUTUMN26")))
        late = self.log.chosen("late_row", "shop", heads["order"].to_numpy())
        self.log.note("shop", "orders", frame["order_no"].filter(late), "", "late_row", frame["order_no"].filter(late),
                      frame["order_no"].filter(late))  # fmt: skip
        self.files.postpone("shop/orders", frame.filter(late), CSV)
        self.files.add("shop/orders", self._again(frame.filter(~late), heads.filter(~late), "shop"), CSV)
        self.files.add("shop/lines", lines.select(
            order_no="order_code", position="number", sku="product_code", pieces="quantity", price="price",
            rebate="discount",
            amount="amount", placed=iso("ordered_at"),
        ), CSV)  # fmt: skip

    def _is_late_chunk(self, day: int) -> bool:
        """Whether the day's file begins in the second half of the horizon, when the shop writes one more column."""
        p = self.world.parameters
        return 2 * (day // p.chunk_days * p.chunk_days) >= p.days > p.chunk_days

    def _again(self, frame: pl.DataFrame, heads: pl.DataFrame, system: str) -> pl.DataFrame:
        """Rows written twice, and rows whose first, poorer version came before the corrected one."""
        order = heads["order"].to_numpy()
        twice = self.log.chosen("duplicate_row", system, order)
        corrected = self.log.chosen("corrected_row", system, order) & ~twice
        self.log.note(system, "orders", frame["order_no"].filter(twice), "", "duplicate_row",
        frame["order_no"].filter(twice),
                      frame["order_no"].filter(twice))  # fmt: skip
        early = frame.filter(pl.Series(corrected)).with_columns(
            state=pl.lit(_SHOP_STATES[0]), zip=pl.lit(None, dtype=pl.String), changed=pl.col("placed")
        )
        self.log.note(system, "orders", early["order_no"], "state", "corrected_row",
                      frame["state"].filter(corrected), early["state"])  # fmt: skip
        return pl.concat([early, frame, frame.filter(pl.Series(twice))])

    def _social(self, heads: pl.DataFrame, lines: pl.DataFrame, day: int) -> None:
        items = lines.group_by("order", maintain_order=True).agg(
            pl.struct(no="number", item="product_code", qty="quantity",
            fen=(pl.col("price") * 100).round(0).cast(pl.Int64),
                      off_fen=(pl.col("discount") * 100).round(0).cast(pl.Int64)).alias("items")
        )  # fmt: skip
        frame = heads.join(items, on="order", how="left", maintain_order="left")
        self.files.add("social/orders", frame.select(
            id="order_code", buyer=code("social", "customer", heads["customer"].to_numpy()), ts=millis("ordered_at"),
            promise_ts=millis("promised_at"), paid_ts=millis("approved_at"), cancel_ts=millis("cancelled_at"),
            status=pl.Series(_SOCIAL_STATES).gather(heads["state"]), speed=pl.col("priority").str.to_uppercase(),
            ship=pl.struct(province="region_name", city="city", post="postal_code", lat="latitude", lng="longitude"),
            money=pl.struct(goods="goods", off="discount", freight="shipping", tax="tax", total="total"), items="items",
            upd_ts=millis("changed_at"),
        ), JSONL)  # fmt: skip

    def _pos(self, heads: pl.DataFrame, lines: pl.DataFrame, day: int) -> None:
        nodes = pl.Series(node_codes(self.world.network, "pos"))
        frame = lines.join(
            heads.drop("order_code", "ordered_at", "discount"), on="order", how="left", maintain_order="left"
        )
        customer = frame["customer"].to_numpy()
        self.files.add("pos/sales", frame.select(
            小票号="order_code", 行号="number", 会员号=code("pos", "customer", customer), 时间=slashed("ordered_at"),
            承诺送达=slashed("promised_at"), 付款=slashed("approved_at"), 取消=slashed("cancelled_at"),
            状态=pl.Series(_POS_STATES).gather(frame["state"]), 优先级="priority",
            省份="local_region", 城市="local_city",
            邮编="postal_code",
            默认仓=nodes.gather(frame["home"]), 货号="product_code", 数量="quantity", 单价="price", 折扣="discount",
            金额="amount", 运费="shipping", 更新=slashed("changed_at"),
        ), GBK)  # fmt: skip
