"""The products: what is sold, how heavy, how dear, how popular.

Belongs here: one true record a product. Does not belong here: what a system makes of it (`twin.systems`).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twin.luck import normal, uniform
from twin.parameters import TwinParameters

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Line:
    """A product line: names, share of products, median weight and price, share of units sent back."""

    name: str
    local_name: str
    share: float
    weight_kg: float
    price: float
    returned: float


LINES = (
    Line("Refrigerator", "冰箱", 0.06, 62.0, 2900.0, 0.6),
    Line("Washing Machine", "洗衣机", 0.07, 55.0, 2200.0, 0.6),
    Line("Air Conditioner", "空调", 0.08, 38.0, 2600.0, 0.7),
    Line("Television", "电视", 0.05, 14.0, 2400.0, 0.9),
    Line("Water Heater", "热水器", 0.06, 18.0, 1300.0, 0.7),
    Line("Kitchen Hood", "油烟机", 0.05, 22.0, 1500.0, 0.7),
    Line("Rice Cooker", "电饭煲", 0.13, 3.6, 320.0, 1.1),
    Line("Kettle", "电水壶", 0.12, 1.2, 130.0, 1.2),
    Line("Vacuum Cleaner", "吸尘器", 0.10, 4.5, 750.0, 1.4),
    Line("Hair Dryer", "吹风机", 0.10, 0.7, 160.0, 1.5),
    Line("Filter Cartridge", "滤芯", 0.10, 0.5, 90.0, 0.8),
    Line("Spare Part", "配件", 0.08, 0.8, 60.0, 1.0),
)
BRANDS = ("Haiyun", "Lingmu", "Qingfeng", "Bolan", "Morningstar", "Tianhe", "Yinshan", "Nordlicht")
LOCAL_BRANDS = ("海云", "灵木", "清风", "博澜", "晨星", "天禾", "银杉", "北光")


@dataclass(frozen=True)
class Catalogue:
    """True products; index = popularity rank, 0 the most popular.

    Attributes:
        line: Index in `LINES`.
        brand: Index in `BRANDS`.
        weight_kg, length_cm, width_cm, height_cm: Of one piece.
        price_cents, cost_cents: List price and unit cost.
        share: Share of lines that ask for the product over the long run.
        is_intermittent: Sells only in some weeks.
        gtin: 13 digits with a valid check digit, as a number.
    """

    line: Ints
    brand: Ints
    weight_kg: Floats
    length_cm: Floats
    width_cm: Floats
    height_cm: Floats
    price_cents: Ints
    cost_cents: Ints
    share: Floats
    is_intermittent: npt.NDArray[np.bool_]
    gtin: Ints

    @property
    def count(self) -> int:
        """Number of products."""
        return len(self.line)


def build_catalogue(parameters: TwinParameters) -> Catalogue:
    """Draw the products of a world."""
    seed, p = parameters.seed, parameters.demand
    k = np.arange(p.products)
    line = np.searchsorted(np.cumsum([x.share for x in LINES])[:-1], uniform(seed, "catalogue", k, 0)).astype(np.int64)
    weight = np.array([x.weight_kg for x in LINES])[line] * np.exp(0.35 * normal(seed, "catalogue", k, 1))
    price = np.array([x.price for x in LINES])[line] * np.exp(0.4 * normal(seed, "catalogue", k, 2))
    # 150 kg a cubic metre, split over the sides of a box that is a little taller than wide.
    side = np.cbrt(weight / 150.0) * 100.0
    share = 1.0 / (k + 3.0) ** p.zipf_exponent
    return Catalogue(
        line, (uniform(seed, "catalogue", k, 3) * len(BRANDS)).astype(np.int64), np.round(weight, 2),
        np.round(side * 0.95, 1), np.round(side * 0.9, 1), np.round(side * 1.17, 1),
        np.maximum(900, (np.round(price) * 100).astype(np.int64)),
        np.maximum(500, (price * 100 * (0.55 + 0.2 * uniform(seed, "catalogue", k, 4))).astype(np.int64)),
        share / share.sum(), k >= round(p.products * (1 - p.intermittent_share)),
        with_check_digit(690_000_000_000 + k * 37),
    )  # fmt: skip


def with_check_digit(twelve: Ints) -> Ints:
    """Append the GTIN-13 check digit (GS1 General Specifications, 7.9) to 12-digit numbers."""
    digits = twelve[:, None] // 10 ** np.arange(11, -1, -1, dtype=np.int64) % 10
    weighted = digits @ np.array([1, 3] * 6)
    return np.asarray(twelve * 10 + (10 - weighted % 10) % 10)
