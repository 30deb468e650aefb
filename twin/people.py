"""The customers: who they truly are. Index = rank of activity inside their segment.

Belongs here: one true record a person or company. Does not belong here: their records in systems (`twin.systems`).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twin.luck import uniform
from twin.network import Geography
from twin.parameters import TwinParameters

TIERS = ("standard", "silver", "gold", "platinum")
SEGMENTS = ("b2c", "b2b")
_GOLDEN_RATIO = 0.6180339887498949


@dataclass(frozen=True)
class People:
    """True customers; the first `companies` of them are companies.

    Attributes:
        region, area: Where they live (region number; area number inside the region).
        tier: Index in `TIERS`.
        companies: Number of companies.
    """

    region: npt.NDArray[np.int16]
    area: npt.NDArray[np.int16]
    tier: npt.NDArray[np.int8]
    companies: int

    @property
    def count(self) -> int:
        """Number of customers."""
        return len(self.region)


def build_people(parameters: TwinParameters, geography: Geography) -> People:
    """Spread customers over the regions in proportion to their weight, at every level of activity."""
    count = parameters.demand.customers
    k = np.arange(count)
    companies = max(1, round(count * 0.03))
    # A low-discrepancy sequence instead of dice: a region's share of *active* customers is then its weight, too.
    shift = uniform(parameters.seed, "region", 0)[0]
    region = np.searchsorted(np.cumsum(geography.weight)[:-1], (k * _GOLDEN_RATIO + shift) % 1.0)
    shares = np.cumsum(geography.area_weight[: geography.areas_per_region])[:-1]
    area = np.searchsorted(shares, uniform(parameters.seed, "area", k))
    activity = np.where(k < companies, k / companies, (k - companies) / max(1, count - companies))
    tier = 3 - np.searchsorted(
        np.array([0.02, 0.10, 0.30]), activity + 0.04 * (uniform(parameters.seed, "tier", k) - 0.5)
    )
    return People(region.astype(np.int16), area.astype(np.int16), np.clip(tier, 0, 3).astype(np.int8), companies)
