"""Product records of a twin company as matching meets them, and which of them are truly one.

Belongs here: what the benchmarks of matching products share. Does not belong here: matching.
"""

import numpy as np
import polars as pl

from twin.parameters import load_preset
from twin.systems.defects import DefectLog
from twin.systems.masters import PRODUCT_SYSTEMS, product_records
from twin.world import build_world

#: Fields that each system's file holds (`sources/adapters/demo/products.sql`), under the names of matching.
FIELDS = {
    "shop": {"title": "local_name", "brand": "local_brand", "price": "price", "weight": "weight_kg"},
    "social": {"title": "local_name", "brand": "brand", "model_code": "model", "price": "price"},
    "pos": {"title": "local_name", "brand": "local_brand", "model_code": "model", "price": "price"},
    "erp": {"title": "latin_name", "brand": "brand", "model_code": "model", "price": "price", "weight": "weight_kg"},
    "wms": {"title": "latin_name", "model_code": "model", "weight": "weight_kg"},
}


def twin_products(preset: str, products: int | None = None) -> tuple[pl.DataFrame, np.ndarray]:
    """Records of five systems with the twin's defects, and the number of each record's true product."""
    parameters = load_preset(preset)
    if products is not None:
        demand = parameters.demand.model_copy(update={"products": products})
        parameters = parameters.model_copy(update={"demand": demand})
    world, log = build_world(parameters), DefectLog(parameters.seed, parameters.defects)
    frames = []
    for system in PRODUCT_SYSTEMS:
        fields, truth = product_records(world, log, system)
        frames.append(fields.select(
            pl.lit(system).alias("source_system"), pl.format("{}|{}", pl.lit(system), "code").alias("record_id"),
            "gtin", pl.lit(1 if system == "wms" else None, pl.Int64).alias("pack_size"),
            *[pl.col(column).alias(name) for name, column in FIELDS[system].items()], product=truth["product"],
        ))  # fmt: skip
    # A code that was given to a second product names the record that landed last.
    records = pl.concat(frames, how="diagonal").unique("record_id", keep="last", maintain_order=True)
    return records.drop("product"), records["product"].to_numpy()
