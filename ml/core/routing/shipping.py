"""What a parcel costs on a lane, learned from parcels that were paid: fixed and per kilogram, by service and distance.

Belongs here: `ShippingCost`, its fit and its error. Does not belong here: the price of stock and capacity (`ascent`),
reading parcels (ml/jobs).

A price rises with distance in straight pieces that never bend down (non-negative least squares on hinges), so that a
lane that nobody has used yet gets a price between those of its neighbours. Each region has a factor for its carrier.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import nnls

Floats = NDArray[np.float64]

#: Fewest paid parcels from which a service's price is learned.
FEWEST_PARCELS = 50
#: Paid ÷ fitted beyond this, either way, is an error of the record (grams for kilograms, another currency).
OUTLIER = 3.0
#: Parcels of a region at which half of its own factor is believed.
HALF_BELIEVED = 50.0
#: Parcels beyond this multiple of the middle weight have no say until the light ones have set a price to test them by.
LIGHT = 20.0
_PER = 1000.0
_HINGES_KM = (0.0, 100.0, 400.0, 900.0, 1800.0)


@dataclass(frozen=True)
class ShippingCost:
    """Prices by service; S services, H hinges.

    Attributes:
        services: Names, ascending.
        fixed, per_kg: (S, 1 + H) money at distance 0, then money per 1,000 km beyond each hinge.
        reach_km: (S,) farthest distance at which the service was bought; no lane is offered beyond it.
        region_factor: Region → factor on every price to it.
        relative_error: Robust standard deviation of paid ÷ predicted on the newest fifth, which was not learned from.
    """

    services: tuple[str, ...]
    fixed: Floats
    per_kg: Floats
    reach_km: Floats
    region_factor: dict[str, float]
    relative_error: float

    def lanes(self, distance_km: Floats, regions: Sequence[str]) -> tuple[Floats, Floats]:
        """Fixed price and price of a kilogram, (N, R, S) each; NaN where a service does not reach or nothing is known.

        Args:
            distance_km: (N, R) from node to region.
            regions: (R,) codes.
        """
        basis = _basis(distance_km)
        factor = np.array([self.region_factor.get(region, 1.0) for region in regions])[None, :, None]
        within = distance_km[:, :, None] <= self.reach_km
        fixed = np.where(within, basis @ self.fixed.T * factor, np.nan)
        return fixed, np.where(within, basis @ self.per_kg.T * factor, np.nan)

    def predict(self, parcels: pd.DataFrame) -> Floats:
        """Money of parcels, from `service_level`, `distance_km`, `weight_kg`, `region_code`; NaN where not offered."""
        basis = _basis(parcels["distance_km"].to_numpy(np.float64))
        service = pd.Index(self.services).get_indexer(parcels["service_level"])
        price = (basis * (self.fixed[service] + self.per_kg[service] * _kilograms(parcels)[:, None])).sum(axis=1)
        factor = parcels["region_code"].map(self.region_factor).fillna(1.0).to_numpy(np.float64)
        offered = (service >= 0) & (parcels["distance_km"].to_numpy(np.float64) <= self.reach_km[service])
        return np.where(offered, price * factor, np.nan)

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "services": list(self.services), "fixed": self.fixed.tolist(), "per_kg": self.per_kg.tolist(),
            "reach_km": self.reach_km.tolist(), "region_factor": self.region_factor,
            "relative_error": self.relative_error,
        }  # fmt: skip


def fit_shipping(parcels: pd.DataFrame) -> ShippingCost:
    """Learn prices from paid parcels, oldest first.

    Args:
        parcels: `service_level`, `distance_km`, `weight_kg`, `region_code`, `cost_amount`; rows that lack one are left
            out.

    Raises:
        ValueError: too few parcels of every service carry a price.
    """
    known = parcels[["distance_km", "weight_kg", "cost_amount"]].notna().all(axis=1) & (parcels["cost_amount"] > 0)
    paid = parcels[known].reset_index(drop=True)
    counts = paid["service_level"].value_counts()
    services = tuple(sorted(counts.index[counts >= FEWEST_PARCELS]))
    if not services:
        raise ValueError(
            f"Prices are learned from at least {FEWEST_PARCELS} parcels of a service with cost_amount, distance and "
            f"weight; got {int(counts.max()) if len(counts) else 0}. Land parcels with their prices."
        )
    paid = paid[paid["service_level"].isin(services)].reset_index(drop=True)
    newest = np.arange(len(paid)) >= len(paid) * 4 // 5
    error = _error(_fit(paid[~newest], services, 0.0), paid[newest])
    return _fit(paid, services, error)


def _fit(paid: pd.DataFrame, services: tuple[str, ...], error: float) -> ShippingCost:
    width = len(_HINGES_KM) + 1
    fixed, per_kg, reach = np.zeros((len(services), width)), np.zeros((len(services), width)), np.zeros(len(services))
    for at, name in enumerate(services):
        own = paid[paid["service_level"] == name]
        if own.empty:
            continue
        basis = _basis(own["distance_km"].to_numpy(np.float64))
        design = np.hstack((basis, basis * _kilograms(own)[:, None]))
        cost = own["cost_amount"].to_numpy(np.float64)
        kilograms = _kilograms(own)
        plausible = kilograms <= LIGHT * np.median(kilograms)
        coefficients = nnls(design[plausible], cost[plausible])[0]
        for _ in range(2):
            ratio = cost / np.maximum(design @ coefficients, 1e-9)
            sound = (ratio > 1 / OUTLIER) & (ratio < OUTLIER)
            # Weighted by 1 ÷ price, so that many small parcels count beside a few heavy ones.
            scale = 1.0 / np.sqrt(np.maximum(design @ coefficients, 1.0))
            coefficients = nnls((design * scale[:, None])[sound], (cost * scale)[sound])[0]
        fixed[at], per_kg[at] = coefficients[:width], coefficients[width:]
        reach[at] = np.quantile(own["distance_km"], 0.999)
    plain = ShippingCost(services, fixed, per_kg, reach, {}, error)
    ratio = paid["cost_amount"].to_numpy(np.float64) / np.maximum(plain.predict(paid), 1e-9)
    factors = {}
    for region, rows in pd.Series(ratio).groupby(paid["region_code"].astype(str).to_numpy()):
        own = rows[rows.between(1 / OUTLIER, OUTLIER)]
        if len(own):
            factors[str(region)] = float(1.0 + (own.median() - 1.0) * len(own) / (len(own) + HALF_BELIEVED))
    return ShippingCost(services, fixed, per_kg, reach, factors, error)


def _error(model: ShippingCost, paid: pd.DataFrame) -> float:
    ratio = paid["cost_amount"].to_numpy(np.float64) / np.maximum(model.predict(paid), 1e-9)
    ratio = ratio[np.isfinite(ratio)]
    low, high = np.quantile(ratio, [0.16, 0.84]) if len(ratio) else (1.0, 1.0)
    return float((high - low) / 2)


def _basis(distance_km: Floats) -> Floats:
    """1, then the distance beyond each hinge in 1,000 km, along a new last axis."""
    beyond = np.maximum(distance_km[..., None] - np.array(_HINGES_KM), 0.0) / _PER
    return np.concatenate((np.ones((*distance_km.shape, 1)), beyond), axis=-1)


def _kilograms(parcels: pd.DataFrame) -> Floats:
    return np.asarray(parcels["weight_kg"], np.float64)
