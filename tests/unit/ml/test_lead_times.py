"""Lead times: quantiles that hold in every region, censored orders counted, promises at a service level."""

import numpy as np
import pandas as pd
import pytest

from ml.core.features import UnusableTable, feature_set_of
from ml.core.lead_times import (
    LeadTimeModel,
    Rehearsal,
    TreeParameters,
    Watched,
    calibrated,
    censoring_weights,
    fit_trees,
)
from ml.core.quantile_metrics import inside

FEATURES = feature_set_of([("distance", "number"), ("speed", "category")])
PARAMETERS = TreeParameters(trees=40)


def orders(count: int, seed: int, spread: float = 6.0) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Rows whose hours follow distance and speed; in the north they scatter three times as much, islands are few."""
    rng = np.random.default_rng(seed)
    inputs = pd.DataFrame({"distance": rng.uniform(0, 100, count), "speed": rng.choice(["slow", "fast"], count)})
    regions = rng.choice(["north", "south", "islands"], count, p=[0.3, 0.69, 0.01])
    scatter = spread * np.where(regions == "north", 3.0, 1.0)
    hours = 30 + 0.4 * inputs["distance"] + 20 * (inputs["speed"] == "slow") + scatter * rng.gumbel(size=count)
    return inputs.assign(region=regions), np.maximum(hours.to_numpy(), 1.0), regions


def learned(inputs: pd.DataFrame, hours: np.ndarray, regions: np.ndarray, count: int,
            age: np.ndarray | None = None) -> LeadTimeModel:  # fmt: skip
    """A model whose trees saw the first `count` orders and whose margins come from the others."""
    watched = Watched(inputs, hours, np.full(len(hours), 1e3) if age is None else age, regions)
    learn = np.arange(len(hours)) < count
    trees = fit_trees(watched, learn, FEATURES, PARAMETERS, seed=0)
    return calibrated(watched, trees, [Rehearsal(trees, ~learn)], FEATURES, "region")


def covered(model: LeadTimeModel, inputs: pd.DataFrame, hours: np.ndarray) -> float:
    """Share of orders within the interval."""
    return float(inside(hours, model.predict(inputs).to_numpy()).mean())


@pytest.fixture(scope="module")
def model() -> LeadTimeModel:
    inputs, hours, regions = orders(8000, 1)
    return learned(inputs, hours, regions, 5000)


@pytest.mark.parametrize("region", ["north", "south"])
def test_nine_of_ten_orders_lie_within_the_interval_in_each_region(model: LeadTimeModel, region: str) -> None:
    inputs, hours, regions = orders(8000, 2)
    mine = regions == region
    assert covered(model, inputs[mine], hours[mine]) == pytest.approx(0.90, abs=0.025)


def test_without_regions_of_their_own_the_scattered_one_would_be_let_down(model: LeadTimeModel) -> None:
    inputs, hours, regions = orders(8000, 2)
    mine = regions == "north"
    assert covered(model, inputs[mine].assign(region=""), hours[mine]) < 0.84


def test_thin_and_unseen_regions_get_nearly_what_everybody_gets(model: LeadTimeModel) -> None:
    inputs, _, _ = orders(50, 3)
    everybody = model.predict(inputs.assign(region="")).to_numpy()
    assert (model.predict(inputs.assign(region="never seen")).to_numpy() == everybody).all()
    assert model.predict(inputs.assign(region="islands")).to_numpy() == pytest.approx(everybody, abs=6.0)


def test_quantiles_never_cross_and_are_never_negative(model: LeadTimeModel) -> None:
    inputs, _, _ = orders(2000, 4)
    found = model.predict(inputs).to_numpy()
    assert (np.diff(found, axis=1) >= 0).all()
    assert found.min() >= 0


@pytest.mark.parametrize("service", [0.6, 0.8, 0.9, 0.95, 0.99])
def test_a_promise_is_kept_as_often_as_it_says(model: LeadTimeModel, service: float) -> None:
    inputs, hours, regions = orders(8000, 5)
    for region in ("north", "south"):
        mine = regions == region
        kept = hours[mine] <= model.promise(inputs[mine], service)
        assert kept.mean() == pytest.approx(service, abs=0.025)


@pytest.mark.parametrize("service", [0.3, 1.0])
def test_a_service_level_that_makes_no_sense_is_refused(model: LeadTimeModel, service: float) -> None:
    inputs, _, _ = orders(5, 6)
    with pytest.raises(ValueError, match=r"within 0\.5 and 0\.99"):
        model.promise(inputs, service)


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
    with pytest.raises(UnusableTable, match="calibrate on; there are 100"):
        learned(inputs, hours, regions, 500)


def test_newer_rehearsals_decide_where_the_level_has_moved() -> None:
    inputs, hours, regions = orders(9000, 9)
    moved = np.arange(9000) >= 7000
    age = np.where(moved, 24.0 * 30, 24.0 * 400)  # the newest 2,000 orders are a month old, the others a year more
    model = learned(inputs, np.where(moved, hours + 40.0, hours), regions, 5000, age)
    later, taken, where = orders(4000, 10)
    mine = where == "south"
    assert covered(model, later[mine], taken[mine] + 40.0) == pytest.approx(0.90, abs=0.035)


def test_unseen_categories_and_missing_numbers_still_get_an_interval(model: LeadTimeModel) -> None:
    inputs, _, _ = orders(20, 11)
    found = model.predict(inputs.assign(speed="by drone", distance=np.nan)).to_numpy()
    assert np.isfinite(found).all()
    assert (np.diff(found, axis=1) >= 0).all()
