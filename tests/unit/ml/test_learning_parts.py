"""Baselines, clocks, calibration and the fitted risk, each on data whose truth is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from ml.core.baselines import group_rate, overall_rate
from ml.core.calibration import calibrate, choose_method
from ml.core.features import Feature, FeatureSet, Roles, UnusableTable
from ml.core.risk_model import BoostingParameters, Plan, build, learn, one_thread
from ml.core.splits import latest_cut, timeline
from ml.core.stationarity import leave_out_clocks, separation

SMALL = Plan(candidates=(BoostingParameters(trees=40, leaves=5, leaf_rows=30),), rehearsals=2)


def test_a_group_without_history_gets_the_overall_rate_and_a_thin_one_is_drawn_to_it():
    past = pd.DataFrame({"lane": ["a"] * 900 + ["b"] * 99 + ["c"]})
    outcome = np.r_[np.zeros(900), np.ones(99), 1.0]
    found = group_rate(past, outcome, pd.DataFrame({"lane": ["a", "b", "c", "new", None]}))
    assert found[0] < 0.01
    assert found[1] > 0.6
    assert found[2] < 0.15
    assert found[3] == found[4] == pytest.approx(overall_rate(outcome, 1)[0])


def test_a_running_count_is_a_clock_and_a_relative_level_is_not():
    rng = np.random.default_rng(0)
    inputs = pd.DataFrame({"orders_so_far": np.arange(2000.0), "load_share": rng.random(2000)})
    made_at = pd.date_range("2026-01-01", periods=2000, freq="h", tz="UTC")
    features = FeatureSet((Feature("orders_so_far", "number"), Feature("load_share", "number")), {})
    kept = leave_out_clocks(inputs, made_at, features, 0.85)
    assert kept.names == ["load_share"]
    assert "AUC 1.00" in kept.left_out["orders_so_far"]


def test_only_clocks_are_refused():
    inputs = pd.DataFrame({"orders_so_far": np.arange(2000.0)})
    with pytest.raises(UnusableTable, match="relative to their recent level"):
        leave_out_clocks(
            inputs, pd.date_range("2026-01-01", periods=2000, freq="h", tz="UTC"),
            FeatureSet((Feature("orders_so_far", "number"),), {}), 0.85,
        )  # fmt: skip


def test_separation_ignores_nulls_and_direction():
    values = np.r_[np.full(100, 5.0), np.full(100, 1.0), np.full(50, np.nan)]
    newest = np.r_[np.zeros(100, bool), np.ones(150, bool)]
    assert separation(values, newest) == 1.0
    assert separation(values[:120], newest[:120]) == 0.5


def stretches(slope: float, shifts: list[float], count: int = 3000) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Scores and outcomes whose true log-odds are slope × score + shift of the stretch."""
    rng = np.random.default_rng(0)
    scores = [rng.normal(-1, 1.5, count) for _ in shifts]
    return scores, [
        (rng.random(count) < expit(slope * s + b)).astype(float) for s, b in zip(scores, shifts, strict=True)
    ]


def test_steady_overconfidence_is_calibrated_away():
    scores, outcomes = stretches(0.5, [0.3] * 4, count=1000)
    assert choose_method(scores, outcomes) == "sigmoid"


def test_a_level_that_jumps_back_and_forth_is_left_alone():
    scores, outcomes = stretches(1.0, [1.0, -1.0, 1.0, -1.0])
    assert choose_method(scores, outcomes) == "none"


def test_large_samples_get_isotonic_steps():
    scores, outcomes = stretches(0.5, [0.3] * 3, count=8000)
    assert choose_method(scores, outcomes) == "isotonic"


def test_too_few_outcomes_to_calibrate_are_refused():
    with pytest.raises(UnusableTable, match="at least 20 out-of-time rows of each class"):
        choose_method([np.zeros(100)], [np.r_[np.ones(3), np.zeros(97)]])


def table(count: int = 3000, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray, FeatureSet]:
    rng = np.random.default_rng(seed)
    inputs = pd.DataFrame({"backlog": rng.normal(size=count), "channel": rng.choice(["web", "shop"], count)})
    risk = expit(-1.5 + 1.2 * inputs["backlog"] + 0.8 * (inputs["channel"] == "shop"))
    outcome = (rng.random(count) < risk).astype(float)
    frame = pd.DataFrame(
        {"id": np.arange(count), "at": pd.date_range("2026-01-01", periods=count, freq="h"), "y": outcome}
    )
    features = FeatureSet((Feature("backlog", "number"), Feature("channel", "category")), {})
    return frame, inputs, outcome, features


def test_learning_recovers_a_known_risk_and_keeps_the_ranking_when_calibrated():
    frame, inputs, outcome, features = table()
    times = timeline(frame, Roles("id", "at", "y"))
    cut = latest_cut(times, 0.3)
    fitted = learn(inputs, outcome, times, cut.learn, features, SMALL, 0)
    truth = expit(-1.5 + 1.2 * inputs["backlog"] + 0.8 * (inputs["channel"] == "shop")).to_numpy()
    assert np.abs(fitted.predict(inputs[cut.judge]) - truth[cut.judge]).mean() < 0.06


def test_learning_twice_gives_the_same_probabilities_whatever_the_threads():
    frame, inputs, outcome, features = table(1200)
    times = timeline(frame, Roles("id", "at", "y"))
    rows = latest_cut(times, 0.3).learn
    one, two = (learn(inputs, outcome, times, rows, features, SMALL, 0, threads).predict(inputs) for threads in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_unseen_categories_and_nulls_get_a_probability():
    frame, inputs, outcome, features = table(1200)
    times = timeline(frame, Roles("id", "at", "y"))
    fitted = learn(inputs, outcome, times, times.labelled, features, SMALL, 0)
    odd = pd.DataFrame({"backlog": [np.nan, 0.0], "channel": pd.Series(["fax", np.nan], dtype="str")})
    assert np.isfinite(fitted.predict(odd)).all()


def test_one_class_only_is_refused():
    frame, inputs, _, features = table(1200)
    times = timeline(frame, Roles("id", "at", "y"))
    with pytest.raises(UnusableTable, match="must hold both classes; all 1200 labels are 0"):
        learn(inputs, np.zeros(1200), times, times.labelled, features, SMALL, 0)


def test_calibration_changes_probabilities_and_not_the_fitted_trees():
    _, inputs, outcome, features = table(1200)
    with one_thread():
        model = build(features, SMALL.candidates[0], SMALL, 0).fit(inputs, outcome)
    scores = model.decision_function(inputs)
    calibrated = calibrate(model, scores * 2, outcome, "sigmoid")
    order = np.argsort(scores, kind="stable")
    assert (np.diff(calibrated.predict_proba(inputs)[order, 1]) >= 0).all()
    np.testing.assert_array_equal(model.decision_function(inputs), scores)


@pytest.mark.parametrize(
    ("plan", "sign"), [(replace(SMALL, rising=("back*",)), 1), (replace(SMALL, falling=("backlog",)), -1)]
)
def test_a_known_direction_holds_even_where_the_rows_say_otherwise(plan, sign):
    _, inputs, _, features = table(1200)
    outcome = np.random.default_rng(5).integers(0, 2, 1200).astype(float)
    with one_thread():
        model = build(features, plan.candidates[0], plan, 0).fit(inputs, outcome)
        steps = [model.decision_function(inputs.assign(backlog=level)) for level in np.linspace(-3, 3, 25)]
    assert (sign * np.diff(steps, axis=0) >= 0).all()
    assert (sign * (steps[-1] - steps[0]) > 0).any()


@pytest.mark.parametrize(
    "wrong", [{"learning_rate": 0}, {"trees": 0}, {"leaves": 1}, {"l2": -1}, {"feature_share": 0}, {"leaf_rows": 0}]
)
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="got BoostingParameters"):
        BoostingParameters(**wrong)
