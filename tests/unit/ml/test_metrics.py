"""Metrics agree with their definitions and their intervals with what resampling means."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from ml.core.intervals import ClusterBootstrap
from ml.core.metrics import Ranking, compare, evaluate, log_losses, reliability, segments


def sample(count: int = 2000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    probability = rng.beta(1, 6, count)
    return (rng.random(count) < probability).astype(float), probability


@given(st.integers(0, 10_000), st.integers(1, 8))
def test_areas_equal_scikit_learn_under_weights_and_ties(seed, levels):
    rng = np.random.default_rng(seed)
    outcome = np.r_[0.0, 1.0, rng.integers(0, 2, 60)]
    score = rng.integers(0, levels, 62) / levels
    weights = rng.integers(0, 4, 62).astype(float)
    weights[:2] = 1
    roc, precision = Ranking(outcome, score).areas(weights)
    assert roc == pytest.approx(roc_auc_score(outcome, score, sample_weight=weights))
    assert precision == pytest.approx(average_precision_score(outcome, score, sample_weight=weights))


def test_rows_of_equal_endless_scores_tie():
    outcome, endless = np.array([1.0, 0.0, 0.0, 1.0]), -np.inf
    scores = [np.array([2.0, 1.0, least, least]) for least in (endless, 0.0)]
    assert Ranking(outcome, scores[0]).areas(np.ones(4)) == Ranking(outcome, scores[1]).areas(np.ones(4))


def test_point_values_equal_their_definitions():
    outcome, predicted = sample()
    found = evaluate(outcome, predicted, ClusterBootstrap(np.arange(2000) // 40, 100, 0), {"half": np.full(2000, 0.5)})
    assert found["brier"].value == pytest.approx(np.mean((outcome - predicted) ** 2))
    assert found["log_loss"].value == pytest.approx(log_loss(outcome, predicted), rel=1e-4)
    assert found["skill_over_half"].value == pytest.approx(1 - np.mean((outcome - predicted) ** 2) / 0.25)


def test_a_calibrated_prediction_has_no_debiased_error_and_a_shifted_one_has_its_shift():
    outcome, predicted = sample(20_000)
    days = np.arange(20_000) // 200
    honest = evaluate(outcome, predicted, ClusterBootstrap(days, 200, 0))
    shifted = evaluate(outcome, np.clip(predicted + 0.1, 0, 1), ClusterBootstrap(days, 200, 0))
    assert honest["ece_debiased"].value < 0.005
    assert shifted["ece_debiased"].value == pytest.approx(0.1, abs=0.01)
    assert shifted["bias"].high < 0


def test_intervals_widen_when_days_differ():
    """Rows of a day that share a shock carry less evidence than their number says."""
    rng = np.random.default_rng(1)
    days = np.repeat(np.arange(40), 100)
    outcome = (rng.random(4000) < np.repeat(rng.beta(1, 4, 40), 100)).astype(float)
    by_day = ClusterBootstrap(days, 400, 0).mean(outcome)
    by_row = ClusterBootstrap(np.arange(4000), 400, 0).mean(outcome)
    assert by_day.high - by_day.low > 3 * (by_row.high - by_row.low)


def test_the_interval_of_a_mean_covers_the_truth_as_often_as_it_says():
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        shocks = rng.normal(0, 1, 50)
        values = np.repeat(shocks, 10) + rng.normal(0, 1, 500)
        found = ClusterBootstrap(np.repeat(np.arange(50), 10), 200, seed).mean(values)
        covered += found.low <= 0 <= found.high
    assert 0.89 <= covered / 200 <= 0.99


def test_too_few_clusters_give_a_value_without_an_interval():
    outcome, predicted = sample(100)
    found = evaluate(outcome, predicted, ClusterBootstrap(np.arange(100) // 30, 50, 0))
    assert found["brier"].low is None
    assert "ece_debiased" not in found


def test_the_same_seed_gives_the_same_interval():
    outcome, predicted = sample()
    clusters = np.arange(2000) // 40
    assert evaluate(outcome, predicted, ClusterBootstrap(clusters, 50, 7)) == evaluate(
        outcome, predicted, ClusterBootstrap(clusters, 50, 7)
    )


def test_one_class_has_no_discrimination_but_an_accuracy():
    found = evaluate(np.zeros(50), np.full(50, 0.1), ClusterBootstrap(np.arange(50), 20, 0))
    assert "roc_auc" not in found
    assert found["brier"].value == pytest.approx(0.01)


@pytest.mark.parametrize("bad", [np.array([0.5, np.nan]), np.array([0.5, 1.2])])
def test_what_is_no_probability_is_refused(bad):
    with pytest.raises(ValueError, match="probabilities within 0 and 1"):
        evaluate(np.zeros(len(bad)), bad, ClusterBootstrap(np.arange(len(bad)), 5, 0))


def test_a_certain_and_wrong_prediction_costs_much_but_not_infinity():
    assert log_losses(np.array([1.0]), np.array([0.0]))[0] == pytest.approx(-np.log(1e-6))


def test_paired_differences_see_what_separate_intervals_cannot():
    outcome, predicted = sample(4000)
    worse = np.clip(predicted + 0.02, 0, 1)
    days = np.arange(4000) // 100
    difference = compare(outcome, worse, predicted, ClusterBootstrap(days, 200, 0))["brier_difference"]
    alone = ClusterBootstrap(days, 200, 0).mean((outcome - predicted) ** 2)
    assert difference.low > 0
    assert alone.low < alone.value + difference.value < alone.high


def test_thin_segments_keep_their_counts_and_say_why_they_are_not_judged():
    outcome, predicted = sample(1000)
    regions = pd.DataFrame({"region_code": ["big"] * 980 + ["small"] * 15 + [None] * 5})
    found = {
        s.names["region_code"]: s
        for s in segments(regions, ["region_code"], outcome, predicted, np.arange(1000) // 20, 100, 50, 0)
    }
    assert found["big"].metrics
    assert not found["big"].note
    assert found["small"].count == 15
    assert not found["small"].metrics
    assert found["small"].note == "15 rows, fewer than 100"
    assert found["unknown"].count == 5


def test_reliability_bins_hold_all_rows_and_bracket_their_rate():
    outcome, predicted = sample()
    table = reliability(outcome, predicted)
    assert table["count"].sum() == 2000
    assert ((table["low"] <= table["realised"]) & (table["realised"] <= table["high"])).all()


def test_no_rows_are_refused():
    with pytest.raises(ValueError, match="no rows to resample"):
        ClusterBootstrap([], 10, 0)
