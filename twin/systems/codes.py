"""Codes: how each system names the same order, product, customer and node.

Belongs here: true number → a system's code, one-to-one, without a visible order. Does not belong here: re-used or
mistyped codes (`twin.systems.defects`).
"""

import numpy as np
import numpy.typing as npt
import polars as pl

from twin.network import Network
from twin.systems.frames import named
from twin.systems.names import LATIN_CITY_CODES

Ints = npt.NDArray[np.int64]

#: Systems that take orders, and which of them each channel of `twin.demand.CHANNELS` belongs to.
ORDER_SYSTEMS = ("shop", "social", "pos")
SYSTEM_NUMBER = np.array([0, 0, 1, 2, 0], dtype=np.int8)

#: Multiplier (coprime to ten) and offset that scatter running numbers over ten to the power of `digits`.
_SCATTER = {
    ("shop", "customer"): (7_368_787, 1_204_417, 8), ("social", "customer"): (61_803_399, 45_227_003, 9),
    ("pos", "customer"): (3_141_593, 2_718_281, 8), ("crm", "customer"): (14_142_137, 901_113, 8),
    ("erp", "customer"): (57_721_567, 33_119_027, 8), ("shop", "product"): (3_571, 40_127, 6),
    ("social", "product"): (15_485_863, 7_112_233, 9), ("pos", "product"): (92_821, 51_347, 6),
    ("erp", "product"): (1_299_709, 500_009, 8), ("wms", "product"): (7_919, 61_001, 6),
}  # fmt: skip
_FORM = {
    ("shop", "customer"): "C{}", ("social", "customer"): "u_{}", ("pos", "customer"): "M{}", ("crm", "customer"): "K{}",
    ("erp", "customer"): "BP{}", ("shop", "product"): "SP-{}", ("social", "product"): "{}", ("pos", "product"): "{}",
    ("erp", "product"): "0000000000{}", ("wms", "product"): "W{}",
}  # fmt: skip


def scattered(system: str, entity: str, number: Ints) -> Ints:
    """The number behind a system's code."""
    factor, offset, digits = _SCATTER[system, entity]
    return np.asarray((number * factor + offset) % 10**digits)


def code(system: str, entity: str, number: Ints) -> pl.Series:
    """A system's codes of true numbers; `entity` is `customer` or `product`."""
    digits = _SCATTER[system, entity][2]
    text = pl.Series(scattered(system, entity, number)).cast(pl.String).str.zfill(digits)
    before, after = _FORM[system, entity].split("{}")
    return before + text + after


def order_code(channel: npt.NDArray[np.int8], order: Ints) -> pl.Series:
    """The channel system's code of each order."""
    number = pl.Series("n", order)
    shop = "SO" + number.cast(pl.String).str.zfill(10)
    social = (number * 7_919 + 800_000_000_000_000).cast(pl.String)
    pos = "P" + (number * 37 + 1_000_003).cast(pl.String).str.zfill(10)
    system = pl.Series("s", SYSTEM_NUMBER[channel])
    frame = pl.DataFrame({"a": shop, "b": social, "c": pos, "s": system})
    return frame.select(
        pl.when(pl.col("s") == 0).then("a").when(pl.col("s") == 1).then("b").otherwise("c").alias("code")
    ).to_series()


def order_system(channel: npt.NDArray[np.int8]) -> pl.Series:
    """The system that took each order."""
    return named(ORDER_SYSTEMS, SYSTEM_NUMBER[channel])


def parcel_code(parcel: Ints) -> pl.Series:
    """The warehouse system's parcel codes."""
    return "PK" + pl.Series(parcel).cast(pl.String).str.zfill(10)


def node_codes(network: Network, system: str) -> list[str]:
    """A system's codes of all nodes."""
    city = [
        LATIN_CITY_CODES.get(network.geography.codes[r], network.geography.codes[r][-2:] + "X")
        for r in network.node_region
    ]
    if system == "wms":
        seen: dict[str, int] = {}
        result = []
        for name in city:
            seen[name] = seen.get(name, 0) + 1
            result.append(f"{name}{seen[name]:02d}")
        return result
    if system == "erp":
        return [f"{1000 + 10 * k}" for k in range(network.count)]
    if system == "shop":
        return [f"wh-{(k * 17 + 5) % 997:03d}" for k in range(network.count)]
    return [f"S{(k * 31 + 11) % 9973:04d}" for k in range(network.count)]
