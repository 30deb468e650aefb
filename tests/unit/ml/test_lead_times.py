"""Lead times: quantiles that hold in every region, censored orders counted, promises at a service level."""

import numpy as np
import pandas as pd
import pytest

from ml.core.features import UnusableTable, feature_set_of
from ml.core.lead_times import LeadTimeModel, TreeParameters, censoring_weights, coverage, learn_lead_times

FEATURES = feature_set_of([("distance", "number"), ("speed", "category")])
PARAMETERS = TreeParameters(trees=40)


def orders(count: int, seed: int, spread: float = 6.0) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Rows whose hours follow distance and speed; in the north they scatter three times as much, islands are few."""
    rng = np.random.default_rng(seed)
    inputs = pd.DataFrame({"distance": rng.uniform(0, 100, count), "speed": rng.choice(["slow", "fast"], count)})
    regions = rng.choice(["north", "south", "islands"], count, p=[0.3, 0.69, 0.01])
    scatter = spread * np.where(regions == "north", 3.0, 1.0)
    hours = 30 + 0.4 * inputs["distance"] + 20 * (inputs["speed"] == "slow") + scatter * rng.gumbel(size=count)
    return inputs, np.maximum(hours.to_numpy(), 1.0), regions


@pytest.fixture(scope="module")
def model() -> LeadTimeModel:
    inputs, hours, regions = orders(8000, 1)
    learn = np.arange(8000) < 5000
    return learn_lead_times(
        inputs, hours, np.full(8000, 1e4), regions, learn, ~learn, FEATURES, PARAMETERS, seed=0
    )  # fmt: skip


@pytest.mark.parametrize("region", ["north", "south"])
def test_nine_of_ten_orders_lie_within_the_interval_in_each_region(model: LeadTimeModel, region: str) -> None:
    inputs, hours, regions = orders(8000, 2)
    mine = regions == region
    inside = coverage(hours[mine], model.quantiles(inputs[mine], regions[mine]))
    assert inside.mean() == pytest.approx(0.90, abs=0.025)


def test_without_regions_of_their_own_the_scattered_one_would_be_let_down(model: LeadTimeModel) -> None:
    inputs, hours, regions = orders(8000, 2)
    mine = regions == "north"
    nameless = coverage(hours[mine], model.quantiles(inputs[mine], [""] * int(mine.sum())))
    assert nameless.mean() < 0.84


def test_thin_and_unseen_regions_get_nearly_what_everybody_gets(model: LeadTimeModel) -> None:
    inputs, _, _ = orders(50, 3)
    everybody = model.quantiles(inputs, [""] * 50)
    assert (model.quantiles(inputs, ["never seen"] * 50) == everybody).all()
    assert model.quantiles(inputs, ["islands"] * 50) == pytest.approx(everybody, abs=6.0)


def test_quantiles_never_cross_and_are_never_negative(model: LeadTimeModel) -> None:
    inputs, _, regions = orders(2000, 4)
    found = model.quantiles(inputs, regions)
    assert (np.diff(found, axis=1) >= 0).all()
    assert found.min() >= 0


@pytest.mark.parametrize("service", [0.8, 0.9, 0.95])
def test_a_promise_is_kept_as_often_as_it_says(model: LeadTimeModel, service: float) -> None:
    inputs, hours, regions = orders(8000, 5)
    for region in ("north", "south"):
        mine = regions == region
        kept = hours[mine] <= model.promise(inputs[mine], regions[mine], service)
        assert kept.mean() == pytest.approx(service, abs=0.025)


@pytest.mark.parametrize("service", [0.3, 1.0])
def test_a_service_level_that_makes_no_sense_is_refused(model: LeadTimeModel, service: float) -> None:
    inputs, _, regions = orders(5, 6)
    with pytest.raises(ValueError, match=r"within 0\.5 and 1"):
        model.promise(inputs, regions, service)


def test_open_orders_weigh_the_slow_ones_that_were_seen() -> None:
    # Watched for 1, 2, 3 h; the second is open: of the two watched longer than it, one speaks for both: S(3) = 1/2.
    weights = censoring_weights(np.array([1.0, np.nan, 3.0]), np.array([9.0, 2.0, 9.0]), np.ones(3, dtype=bool))
    assert weights.tolist() == [1.0, 0.0, 2.0]


def test_without_open_orders_all_weigh_the_same() -> None:
    weights = censoring_weights(np.array([5.0, 1.0, 3.0]), np.full(3, 9.0), np.array([True, True, False]))
    assert weights.tolist() == [1.0, 1.0, 0.0]


def test_censored_orders_keep_the_median_where_dropping_them_would_shorten_it() -> None:
    rng = np.random.default_rng(7)
    hours, age = rng.exponential(50, 20_000), rng.uniform(0, 150, 20_000)
    seen = np.where(hours <= age, hours, np.nan)
    weights = censoring_weights(seen, age, np.ones(20_000, dtype=bool))
    order = np.argsort(np.nan_to_num(seen, nan=np.inf))
    reached = np.cumsum(weights[order]) / weights.sum()
    median = seen[order][np.searchsorted(reached, 0.5)]
    dropped = np.nanmedian(seen)
    assert abs(median - np.median(hours)) < abs(dropped - np.median(hours)) / 3


def test_too_few_delivered_orders_are_refused() -> None:
    inputs, hours, regions = orders(600, 8)
    learn = np.arange(600) < 500
    with pytest.raises(UnusableTable, match="calibrate on; there are 100"):
        learn_lead_times(inputs, hours, np.full(600, 1e4), regions, learn, ~learn, FEATURES, PARAMETERS, 0)
