"""Prices of lanes learned from paid parcels."""

import numpy as np
import pandas as pd
import pytest

from ml.core.routing.shipping import fit_shipping


def paid(rows: int = 600) -> pd.DataFrame:
    """Ground at 5 + 4 per 1,000 km + kg × (0.5 + 1 per 1,000 km); 20 % dearer to `far`; express at three times that."""
    rng = np.random.default_rng(1)
    distance, weight = rng.uniform(10, 2500, rows), rng.uniform(0.5, 20, rows)
    service = np.where(np.arange(rows) % 4 == 0, "express", "ground")
    region = np.where(np.arange(rows) % 3 == 0, "far", "near")
    cost = 5 + 0.004 * distance + weight * (0.5 + 0.001 * distance)
    cost *= np.where(service == "express", 3.0, 1.0) * np.where(region == "far", 1.2, 1.0)
    return pd.DataFrame(
        {"service_level": service, "distance_km": distance, "weight_kg": weight, "region_code": region,
         "cost_amount": cost}
    )  # fmt: skip


def test_prices_are_found_again_by_service_distance_weight_and_region() -> None:
    model = fit_shipping(paid())
    asked = pd.DataFrame(
        {"service_level": ["ground", "express", "ground"], "distance_km": [1000.0, 1000.0, 1000.0],
         "weight_kg": [10.0, 10.0, 10.0], "region_code": ["near", "near", "far"]}
    )  # fmt: skip
    assert model.predict(asked) == pytest.approx([24.0, 72.0, 28.8], rel=0.06)
    assert model.relative_error < 0.05


def test_a_price_never_falls_with_distance_and_a_lane_beyond_reach_is_not_offered() -> None:
    model = fit_shipping(paid())
    fixed, per_kg = model.lanes(np.array([[100.0], [900.0], [2400.0], [9000.0], [np.nan]]), ["near"])
    ground = model.services.index("ground")
    assert np.all(np.diff(fixed[:3, 0, ground]) >= 0)
    assert np.all(np.diff(per_kg[:3, 0, ground]) >= 0)
    assert np.isnan(fixed[3:, 0]).all()


def test_records_in_grams_do_not_move_the_prices() -> None:
    parcels = paid()
    spoiled = parcels.copy()
    spoiled.loc[::40, "weight_kg"] *= 1000
    asked = parcels.head(50)
    assert fit_shipping(spoiled).predict(asked) == pytest.approx(fit_shipping(parcels).predict(asked), rel=0.15)


def test_an_unknown_service_has_no_price_and_too_few_parcels_are_refused() -> None:
    model = fit_shipping(paid())
    assert np.isnan(model.predict(paid(1).assign(service_level="balloon"))).all()
    with pytest.raises(ValueError, match="at least 50 parcels"):
        fit_shipping(paid(20))
