"""Watching: no alarm by chance, an alarm for each kind of change, and a sentence that says what moved."""

import numpy as np
import pandas as pd
import pytest

from ml.core.features import feature_set_of
from ml.core.intervals import ClusterBootstrap, Estimate
from ml.core.metrics import evaluate, segments
from ml.core.watching import (
    WatchLimits,
    excess_surprise,
    expected_area,
    stability,
    watch_inputs,
    watch_performance,
    watch_predictions,
)

LIMITS = WatchLimits()
STRICT = WatchLimits(stability=0.0)


def world(count, seed, harshness=0.0, tilt=0.0):
    """Orders whose probabilities are true if `harshness` and `tilt` are 0."""
    rng = np.random.default_rng(seed)
    region = rng.choice(["north", "south", "east"], count)
    predicted = 1 / (1 + np.exp(-rng.normal(-2, 1.2, count)))
    truth = 1 / (1 + np.exp(-(np.log(predicted / (1 - predicted)) + harshness + tilt * (region == "south"))))
    late = (rng.random(count) < truth).astype(float)
    return pd.DataFrame(
        {"region": region, "predicted": predicted, "late": late, "day": rng.integers(0, 30, count).astype(str)}
    )


def performance(rows):
    late, predicted, days = rows["late"].to_numpy(), rows["predicted"].to_numpy(), rows["day"].to_numpy()
    bootstrap = ClusterBootstrap(days, 200, 1)
    by_region = segments(rows, ["region"], late, predicted, days, 200, 200, 1)
    overall = evaluate(late, predicted, bootstrap)
    return watch_performance(overall, excess_surprise(late, predicted, bootstrap), by_region, {"roc_auc": 0.77}, LIMITS)


def ringing(findings):
    return {(finding.name, finding.region) for finding in findings if finding.is_alarm}


def test_equal_worlds_ring_as_rarely_as_stated():
    rng = np.random.default_rng(3)
    features = feature_set_of([(f"f{i}", "number") for i in range(9)] + [("channel", "category")])
    looks_with_alarm = 0
    for _ in range(100):
        sides = [
            pd.DataFrame({f"f{i}": rng.gamma(2, 1, rows) for i in range(9)}).assign(
                channel=rng.choice(["web", "shop", None], rows)
            )
            for rows in (1500, 400)
        ]
        looks_with_alarm += bool(ringing(watch_inputs(*sides, features, {}, STRICT)))
    assert looks_with_alarm <= 12  # 5 expected; more than 12 of 100 has a chance of 0.1 %


def test_the_index_is_the_textbook_sum():
    before = pd.Series(["a"] * 60 + ["b"] * 40)
    now = pd.Series(["a"] * 30 + ["b"] * 70)
    index, bins = stability(before, now)
    assert index == pytest.approx((0.3 - 0.6) * np.log(0.3 / 0.6) + (0.7 - 0.4) * np.log(0.7 / 0.4))
    assert bins == 2


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda column: column * 3, "median"),
        (lambda column: column.where(np.arange(len(column)) % 2 == 0), "null 0.0% → 50.0%"),
    ],
)
def test_a_column_that_moved_rings_and_says_how(change, told):
    rng = np.random.default_rng(0)
    before, now = (pd.DataFrame({"km": rng.gamma(2, 100, 2000), "kg": rng.gamma(2, 5, 2000)}) for _ in range(2))
    features = feature_set_of([("kg", "number"), ("km", "number")])
    found = watch_inputs(before, now.assign(km=change(now["km"])), features, {"km": 0.2, "kg": 0.1}, LIMITS)
    assert [finding.name for finding in found] == ["km", "kg"]
    assert ringing(found) == {("km", "")}
    assert told in found[0].sentence


def test_a_new_category_and_an_all_null_column_ring():
    before = pd.DataFrame({"carrier": ["x", "y"] * 200, "load": np.linspace(0, 1, 400)})
    now = pd.DataFrame({"carrier": ["x", "new"] * 200, "load": np.full(400, np.nan)})
    features = feature_set_of([("carrier", "category"), ("load", "number")])
    found = watch_inputs(before, now, features, {}, LIMITS)
    assert ringing(found) == {("carrier", ""), ("load", "")}
    assert "most changed" in next(f.sentence for f in found if f.name == "carrier")


def test_a_handful_of_orders_is_no_evidence():
    rows = pd.DataFrame({"km": np.ones(50)})
    assert watch_inputs(rows, rows * 100, feature_set_of([("km", "number")]), {}, LIMITS) == []


def test_expected_area_is_what_labels_will_show():
    rows = world(60_000, 5)
    late = rows["late"].to_numpy()
    realised = evaluate(late, rows["predicted"].to_numpy(), ClusterBootstrap(rows["day"], 20, 1))["roc_auc"].value
    assert expected_area(rows["predicted"].to_numpy()) == pytest.approx(realised, abs=0.01)


def test_a_shift_of_probabilities_in_one_region_is_named():
    before, now = world(6000, 1), world(6000, 2)
    now["predicted"] = now["predicted"].where(now["region"] != "east", np.minimum(0.99, now["predicted"] * 3))
    assert ringing(watch_predictions(before, now, LIMITS, 0.77)) == {("late_probability", "east")}
    assert ringing(watch_predictions(before, world(6000, 2), LIMITS, 0.77)) == set()


def test_orders_that_all_look_alike_lower_the_expected_area():
    before, now = world(6000, 1), world(6000, 2)
    now["predicted"] = 0.1 + now["predicted"] * 1e-3
    assert ("expected_roc_auc", "") in ringing(watch_predictions(before, now, LIMITS, 0.77))


def test_true_probabilities_do_not_ring():
    assert ringing(performance(world(12_000, 8))) == set()


def test_a_harsher_world_rings_overall():
    found = ringing(performance(world(12_000, 8, harshness=0.8)))
    assert {("bias", ""), ("surprise", "")} <= found


def test_one_region_that_got_worse_is_named_and_the_others_are_not():
    regions = {region for name, region in ringing(performance(world(12_000, 8, tilt=1.5))) if region}
    assert regions == {"south"}


def test_a_version_that_ranks_at_random_rings():
    rows = world(12_000, 8)
    rows["late"] = np.random.default_rng(0).permutation(rows["late"])
    assert ("roc_auc", "") in ringing(performance(rows))


def test_regional_intervals_are_wider_than_single_ones():
    rows = world(12_000, 8)
    region = next(f for f in performance(rows) if f.region == "south").estimate
    alone = segments(rows, ["region"], rows["late"].to_numpy(), rows["predicted"].to_numpy(), rows["day"].to_numpy(),
                     200, 200, 1)  # fmt: skip
    single: Estimate = next(s.metrics["bias"] for s in alone if s.names["region"] == "south")
    assert region.high - region.low > single.high - single.low
