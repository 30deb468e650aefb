"""Product and node records: five catalogues and four lists of nodes that describe the same things differently.

Belongs here: what shop, social, tills, ERP and WMS say of products; shop, tills,
ERP and WMS of nodes; reference regions;
carrier rates of the TMS. Does not belong here: the true records (`twin.catalogue`, `twin.network`).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from twin.catalogue import BRANDS, LINES, LOCAL_BRANDS
from twin.network import (
    CARRIER_PRICE,
    CARRIERS,
    CURRENCY,
    FIXED_FEE,
    KINDS,
    PER_KG_FEE,
    PLANNED_DAYS,
    SERVICES,
    TIME_ZONE,
)  # fmt: skip
from twin.systems.codes import code, node_codes
from twin.systems.defects import DefectLog
from twin.systems.files import CSV, GBK, JSONL, PARQUET, SEMICOLON, Files
from twin.systems.frames import named, repeated
from twin.systems.times import iso
from twin.world import World

Ints = npt.NDArray[np.int64]
PRODUCT_SYSTEMS = ("shop", "social", "pos", "erp", "wms")


@dataclass
class Masters:
    """Writes the master files once and keeps the truth of their codes."""

    world: World
    log: DefectLog
    files: Files

    def write(self) -> dict[str, pl.DataFrame]:
        """Write all; returns the truth tables `products` and `warehouses`."""
        self._regions()
        self._rates()
        products = pl.concat([self._products(system) for system in PRODUCT_SYSTEMS])
        return {"products": products, "warehouses": pl.concat(self._nodes())}

    def _products(self, system: str) -> pl.DataFrame:
        frame, truth = product_records(self.world, self.log, system)
        _PRODUCT_WRITERS[system](self.files, frame)
        return truth

    def _nodes(self) -> list[pl.DataFrame]:
        world, network = self.world, self.world.network
        geography = network.geography
        region = network.node_region
        kind = named(KINDS, network.node_kind)
        local_city, city = named(geography.local_cities, region), named(geography.cities, region)
        k = np.arange(network.count)
        base = pl.DataFrame({
            "node": k, "kind": kind, "local_name": [f"{c}{'门店' if t == 'store' else '配送中心'}{n + 1}" for c, t,
            n in zip(local_city, kind, k, strict=True)],
            "latin_name": [f"{c} {'Store' if t == 'store' else 'DC'} {n + 1}" for c, t, n in zip(city, kind, k,
            strict=True)],
            "street": [f"工业大道{100 + 7 * n}号" for n in k], "local_city": local_city, "city": city,
            "postal_code": [f"{geography.prefixes[r]}{n % 90:02d}00" for r, n in zip(region, k, strict=True)],
            "region_code": named(geography.codes, region), "local_region": named(geography.local_names, region),
            "latitude": np.round(network.node_latitude, 5), "longitude": np.round(network.node_longitude, 5),
            "capacity": world.capacity, "cutoff": network.cutoff_hour, "at": np.full(len(k), world.start - 90 * 86_400),
        })  # fmt: skip
        truth = []
        for system in ("erp", "wms", "shop", "pos"):
            frame = self._node_fields(system, base)
            _NODE_WRITERS[system](self.files, frame)
            truth.append(
                pl.DataFrame(
                    {
                        "source_system": repeated(system, frame.height),
                        "warehouse_code": frame["code"],
                        "node": frame["node"],
                    }
                )
            )
        return truth

    def _node_fields(self, system: str, base: pl.DataFrame) -> pl.DataFrame:
        log = self.log
        frame = base.with_columns(code=pl.Series(node_codes(self.world.network, system)))
        k = frame["node"].to_numpy()
        place = (system, "warehouses", "code")
        renamed = log.chosen("renamed_node", system, k)
        frame = log.spoil(
            frame,
            renamed,
            "latin_name",
            "renamed_node",
            place,
            lambda name: name.str.replace(" DC ", " Logistics Park "),
        )
        frame = log.spoil(
            frame, renamed, "local_name", "renamed_node", place, lambda name: name.str.replace("配送中心", "物流园")
        )
        moved = log.chosen("moved_node", system, k)
        frame = log.spoil(frame, moved, "latitude", "moved_node", place, lambda x: (x + 0.03).round(2))
        twice = log.chosen("duplicate_node", system, k)
        if twice.any() and system in ("erp", "wms"):
            again = frame.filter(pl.Series(twice)).with_columns(
                code=pl.col("code") + "B", latin_name=pl.col("latin_name") + " (old)"
            )
            log.note(
                system,
                "warehouses",
                again["code"],
                "code",
                "duplicate_node",
                frame["code"].filter(pl.Series(twice)),
                again["code"],
            )
            frame = pl.concat([frame, again])
        return frame

    def _regions(self) -> None:
        g = self.world.network.geography
        self.files.write("reference/regions", pl.DataFrame({
            "region_code": g.codes, "name": g.names, "local_name": g.local_names, "parent_region_code": g.parents,
            "short_code": [c[3:] for c in g.codes], "latitude": g.latitude, "longitude": g.longitude,
        }), CSV)  # fmt: skip

    def _rates(self) -> None:
        """One price an origin, destination, carrier, service and weight band; bands by distance of region centres."""
        network = self.world.network
        g, count = network.geography, network.geography.areas_per_region
        origins = np.unique(network.node_region)
        nearest = np.array([np.flatnonzero(network.node_region == r)[0] for r in origins])
        band = network.band[nearest][:, ::count].astype(np.int64)
        o, d, c, s = (x.ravel() for x in np.meshgrid(
            np.arange(len(origins)), np.arange(len(g.codes)), np.arange(len(CARRIERS)), np.arange(len(SERVICES)),
            indexing="ij"))  # fmt: skip
        cell = band[o, d]
        slow = (c == len(CARRIERS) - 1) * self.world.parameters.effects.rule_hours / 24.0
        sold = (s != 2) | (cell <= 1)
        frame = pl.DataFrame({
            "carrier": named(CARRIERS, c), "service": named(SERVICES, s), "origin": named(g.codes, origins[o]),
            "destination": named(g.codes, d), "from_kg": np.zeros(len(o)), "fixed": np.round(FIXED_FEE[s,
            cell] * CARRIER_PRICE[c], 2),
            "per_kg": np.round(PER_KG_FEE[s, cell] * CARRIER_PRICE[c], 4), "currency": repeated(CURRENCY, len(o)),
            "planned_days": np.round(PLANNED_DAYS[s, cell] + slow, 2),
        }).filter(pl.Series(sold))  # fmt: skip
        self.files.write("tms/rates", frame, CSV)


def product_records(world: World, log: DefectLog, system: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What a system knows of the products, with its errors, and the truth of its codes.

    Second records of a product carry a code of their own.
    """
    catalogue = world.catalogue
    k = np.arange(catalogue.count)
    twice = log.chosen("duplicate_product", system, k)
    number = np.r_[k, k[twice]]
    first = np.r_[np.ones(len(k), dtype=bool), np.zeros(int(twice.sum()), dtype=bool)]
    line, brand = catalogue.line[number], catalogue.brand[number]
    model = named([x.name[:2].upper() for x in LINES], line) + pl.Series(100 + number * 3).cast(pl.String)
    latin = named(BRANDS, brand) + " " + named([x.name for x in LINES], line) + " " + model
    local = named(LOCAL_BRANDS, brand) + named([x.local_name for x in LINES], line) + model
    renamed = log.chosen("renamed_product", system, number)
    own = code(system, "product", reused_number(log, system, number, catalogue.count))
    frame = pl.DataFrame({
        "code": own.zip_with(pl.Series(first), own + "-2"), "latin_name": latin, "local_name": local,
        "brand": named(BRANDS, brand), "local_brand": named(LOCAL_BRANDS, brand),
        "category": named([x.name for x in LINES], line), "local_category": named([x.local_name for x in LINES],
        line),
        "model": model, "gtin": pl.Series(catalogue.gtin[number]).cast(pl.String),
        "weight_kg": catalogue.weight_kg[number],
        "length_cm": catalogue.length_cm[number], "width_cm": catalogue.width_cm[number],
        "height_cm": catalogue.height_cm[number], "price": catalogue.price_cents[number] / 100.0,
        "cost": catalogue.cost_cents[number] / 100.0, "at": np.full(len(number), world.start - 30 * 86_400),
    })  # fmt: skip
    place = (system, "products", "code")
    for column in ("latin_name", "local_name"):
        frame = log.spoil(
            frame, renamed, column, "renamed_product", place, lambda text: text.str.replace(" ", "-") + " NEW"
        )
    frame = log.spoil(frame, log.chosen("missing_gtin", system, number), "gtin", "missing_gtin", place,
                      lambda gtin: pl.Series([None] * len(gtin), dtype=pl.String))  # fmt: skip
    frame = log.spoil(frame, log.chosen("wrong_gtin", system, number), "gtin", "wrong_gtin", place,
                      lambda gtin: gtin.str.slice(0,
                      12) + ((gtin.str.slice(12).cast(pl.Int64) + 3) % 10).cast(pl.String))  # fmt: skip
    frame = log.spoil(frame, log.chosen("unit_mixup", system, number) & (catalogue.weight_kg[number] < 9.9),
    "weight_kg",
                      "unit_mixup", place, lambda kilos: kilos * 1000.0)  # fmt: skip
    reused = first & (reused_number(log, system, number, catalogue.count) != number)
    log.note(system, "products", frame["code"].filter(reused), "code", "reused_code",
             code(system, "product", number).filter(reused), frame["code"].filter(reused))  # fmt: skip
    second = ~first
    log.note(system, "products", frame["code"].filter(second), "code", "duplicate_product", own.filter(second),
             frame["code"].filter(second))  # fmt: skip
    truth = pl.DataFrame(
        {"source_system": repeated(system, len(number)), "product_code": frame["code"], "product": number}
    )
    return frame, truth


def reused_number(log: DefectLog, system: str, product: Ints, count: int) -> Ints:
    """Number behind a system's code: the till gave a few products the code of another one that it no longer lists."""
    if system != "pos":
        return product
    taken = log.chosen("reused_code", system, product)
    return np.where(taken, (product + count // 2) % count, product)


def _shop_products(files: Files, frame: pl.DataFrame) -> None:
    files.write("shop/catalogue", frame.select(
        sku="code", title="local_name", brand="local_brand", category="local_category", barcode="gtin",
        list_price="price",
        weight_g=(pl.col("weight_kg") * 1000).round(0).cast(pl.Int64), changed=iso("at"),
    ), CSV)  # fmt: skip


def _social_products(files: Files, frame: pl.DataFrame) -> None:
    files.write("social/items", frame.select(
        item_id="code", title="local_name", brand="brand", barcode="gtin", model="model",
        price_fen=(pl.col("price") * 100).round(0).cast(pl.Int64),
    ), JSONL)  # fmt: skip


def _pos_products(files: Files, frame: pl.DataFrame) -> None:
    files.write("pos/items", frame.select(
        货号="code", 品名="local_name", 品牌="local_brand", 条码="gtin", 型号="model", 售价="price",
    ), GBK)  # fmt: skip


def _erp_products(files: Files, frame: pl.DataFrame) -> None:
    comma = lambda column: pl.col(column).cast(pl.String).str.replace(r"\.", ",")  # noqa: E731
    files.write("erp/materials", frame.select(
        matnr="code", maktx=pl.col("latin_name").str.to_uppercase(), marke="brand", warengruppe="category",
        ean="gtin", modell="model",
        brgew=comma("weight_kg"), laenge=comma("length_cm"), breite=comma("width_cm"), hoehe=comma("height_cm"),
        preis=comma("price"), stprs=comma("cost"), waers=pl.lit(CURRENCY),
    ), SEMICOLON)  # fmt: skip


def _wms_products(files: Files, frame: pl.DataFrame) -> None:
    files.write("wms/items", frame.select(
        item="code", description="latin_name", gtin="gtin", model="model", gross_kg="weight_kg", l_cm="length_cm",
        w_cm="width_cm",
        h_cm="height_cm", units_per_pack=pl.lit(1, dtype=pl.Int32),
    ), PARQUET)  # fmt: skip


def _erp_nodes(files: Files, frame: pl.DataFrame) -> None:
    files.write("erp/plants", frame.select(
        werk="code", name1="local_name",
        typ=pl.when(pl.col("kind") == "store").then(pl.lit("F")).otherwise(pl.lit("L")),
        stras="street", ort="local_city", plz="postal_code", region=pl.col("region_code").str.slice(3),
        breite=pl.col("latitude").round(2).cast(pl.String).str.replace(r"\.", ","),
        laenge=pl.col("longitude").round(2).cast(pl.String).str.replace(r"\.", ","),
    ), SEMICOLON)  # fmt: skip


def _wms_nodes(files: Files, frame: pl.DataFrame) -> None:
    files.write("wms/locations", frame.select(
        location="code", name="latin_name", kind="kind", address="street", city="city", post_code="postal_code",
        region="region_code", lat="latitude", lon="longitude", parcels_per_day="capacity", cutoff_hour="cutoff",
        tz=pl.lit(TIME_ZONE),
    ), PARQUET)  # fmt: skip


def _shop_nodes(files: Files, frame: pl.DataFrame) -> None:
    files.write("shop/fulfilment", frame.select(
        node="code", name="local_name", city="local_city", zip="postal_code", province="local_region", lat="latitude",
        lon="longitude",
    ), CSV)  # fmt: skip


def _pos_nodes(files: Files, frame: pl.DataFrame) -> None:
    files.write("pos/stores", frame.select(
        仓店号="code", 名称="local_name", 城市="local_city", 邮编="postal_code", 省份="local_region",
    ), GBK)  # fmt: skip


_PRODUCT_WRITERS = {"shop": _shop_products, "social": _social_products, "pos": _pos_products, "erp": _erp_products,
                    "wms": _wms_products}  # fmt: skip
_NODE_WRITERS = {"erp": _erp_nodes, "wms": _wms_nodes, "shop": _shop_nodes, "pos": _pos_nodes}
