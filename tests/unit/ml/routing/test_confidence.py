"""Confidence: how often the choice stays within its tolerance when lanes err."""

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from ml.core.routing.confidence import Uncertainty, confidence, lateness_error
from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.problem import LatenessTable, RoutingProblem
from ml.core.routing.solve import solve_batch

Build = Callable[..., RoutingProblem]


def test_certain_predictions_make_certain_choices(two_nodes: Build) -> None:
    problem = two_nodes([(0, [(0, 1)]), (1, [(1, 1)])])
    assert confidence(problem, solve_batch(problem), Uncertainty(0.0, 0.0)).tolist() == [1.0, 1.0]


def test_an_even_choice_is_a_toss_and_doubt_grows_with_the_error(two_nodes: Build) -> None:
    even = two_nodes([(0, [(0, 1)])], ship_fixed=np.full((2, 2, 1), 5.0), ship_per_kg=np.zeros((2, 2, 1)),
                     lateness=LatenessTable(np.full((1, 2, 1), 0.3)))  # fmt: skip
    result = solve_batch(even)
    sure = [confidence(even, result, Uncertainty(0.0, error), 0.0, 2000)[0] for error in (0.01, 0.2)]
    assert sure == pytest.approx([0.5, 0.5], abs=0.05)
    lenient = [confidence(even, result, Uncertainty(0.0, error), 0.05, 2000)[0] for error in (0.01, 0.05, 0.5)]
    assert lenient[0] > 0.95
    assert lenient[0] > lenient[1] > lenient[2]


def test_nothing_chosen_has_no_confidence(two_nodes: Build) -> None:
    problem = two_nodes([(0, [(0, 50)]), (-1, [(0, 1)])])
    assert np.isnan(confidence(problem, solve_batch(problem), Uncertainty(0.2, 0.1))).all()


def test_confidence_is_kept_when_lanes_err_as_stated(instances: ModuleType) -> None:
    """In worlds whose lanes err as stated, choices of 80 to 100 % confidence are right about as often as they say."""
    spec = instances.InstanceSpec(orders=1500, products=400, nodes=8, regions=6)
    believed = instances.generate(spec)
    uncertainty = Uncertainty(0.4, 0.08)
    result = solve_batch(believed, RoutingParameters(threads=1))
    said = confidence(believed, result, uncertainty, draws=100)
    rng = np.random.default_rng(5)
    right = []
    for _ in range(12):
        shape = believed.ship_fixed.shape
        factor = np.maximum(0, 1 + rng.normal(0, uncertainty.cost_relative, shape))
        true = replace(
            believed, ship_fixed=believed.ship_fixed * factor, ship_per_kg=believed.ship_per_kg * factor,
            lateness=replace(
                believed.lateness,
                lane_logit=believed.lateness.lane_logit + rng.normal(0, uncertainty.lateness_logit, shape),
            ),
        )  # fmt: skip
        right.append(confidence(true, result, Uncertainty(0.0, 0.0), draws=1))
    known = np.isfinite(said)
    held = np.mean(right, axis=0)[known]
    said = said[known]
    assert held.mean() == pytest.approx(said.mean(), abs=0.03)
    for low, high in ((0.0, 0.6), (0.6, 0.85), (0.85, 1.01)):
        band = (said >= low) & (said < high)
        assert held[band].mean() == pytest.approx(said[band].mean(), abs=0.06)


def test_the_error_of_groups_is_told_from_chance() -> None:
    rng = np.random.default_rng(2)
    group = np.repeat(np.arange(60), 400)
    predicted = np.full(len(group), 0.2)
    outcome = (rng.random(len(group)) < predicted).astype(float)
    assert lateness_error(outcome, predicted, pd.Series(group)) < 0.1
    off = expit(logit(0.2) + np.repeat(rng.normal(0, 0.5, 60), 400))
    outcome = (rng.random(len(group)) < off).astype(float)
    assert lateness_error(outcome, predicted, pd.Series(group)) == pytest.approx(0.5, abs=0.12)
    assert lateness_error(outcome[:20], predicted[:20], pd.Series(group[:20])) == 0.0
