"""What is lost when demand reaches the stock: sums worked out term by term, and corners."""

import numpy as np
import pytest
from scipy.stats import nbinom, poisson

from ml.core.demand import lost_if_out


@pytest.mark.parametrize(("mean", "stock"), [(0.3, 1), (2.0, 2), (5.0, 0), (0.5, 4)])
def test_single_units_lose_the_poissons_mean_beyond_the_stock(mean: float, stock: int) -> None:
    units = np.arange(200)
    chance = poisson.pmf(units, mean)
    reached = units >= stock
    by_hand = (chance * np.maximum(units - stock, 0)).sum() / chance[reached].sum()
    assert lost_if_out(np.array([mean]), np.array([1.0]), np.array([stock]))[0] == pytest.approx(by_hand, rel=1e-6)


@pytest.mark.parametrize(("mean", "lump", "stock"), [(0.3, 4.0, 2), (3.0, 1.8, 5)])
def test_lumps_lose_the_mean_of_a_law_with_their_variance(mean: float, lump: float, stock: int) -> None:
    units = np.arange(2000)
    chance = nbinom.pmf(units, mean / (lump - 1), 1 / lump)
    assert (chance * units).sum() == pytest.approx(mean)
    assert (chance * (units - mean) ** 2).sum() == pytest.approx(mean * lump)
    by_hand = (chance * np.maximum(units - stock, 0)).sum() / chance[units >= stock].sum()
    assert lost_if_out(np.array([mean]), np.array([lump]), np.array([stock]))[0] == pytest.approx(by_hand, rel=1e-6)


def test_no_demand_loses_nothing_and_unknown_sizes_are_one() -> None:
    lost = lost_if_out(np.array([0.0, 1.0, 1.0, 0.001]), np.array([np.nan, np.nan, 1.0, 2.0]), np.array([1, 2, 2, 900]))
    assert np.isfinite(lost).all()
    assert lost[0] == 0
    assert lost[1] == lost[2]
    assert lost[3] >= 0


def test_lumpier_demand_loses_more() -> None:
    lumps = np.array([1.0, 1.5, 3.0, 6.0])
    lost = lost_if_out(np.full(4, 0.5), lumps, np.full(4, 2))
    assert (np.diff(lost) > 0).all()
