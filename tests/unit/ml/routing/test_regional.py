"""The regional constraint: kept when it can be, proven impossible when not, its cost inside the stated interval."""

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest

from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.problem import LatenessTable, RoutingProblem
from ml.core.routing.solve import solve_batch
from ml.core.routing.tradeoff import fairness_curve

Build = Callable[..., RoutingProblem]


def far_region(two_nodes: Build, services: tuple[int, ...] = (0, 1)) -> RoutingProblem:
    """Ten orders a region, all stock at node 0: region 1 is far, late at 0.5 by ground and 0.05 by express."""
    orders = [(region, [(0, 1)]) for region in (0, 1) for _ in range(10)]
    problem = two_nodes(orders, cell_on_hand=np.array([100, 0, 0, 0]), order_priority=np.full(20, 0.2))
    assert isinstance(problem.lateness, LatenessTable)
    keep = list(services)
    return replace(
        problem,
        ship_fixed=problem.ship_fixed[:, :, keep],
        ship_per_kg=problem.ship_per_kg[:, :, keep],
        lateness=LatenessTable(problem.lateness.probability[:, :, keep]),
    )


def test_without_limit_the_far_region_waits(two_nodes: Build) -> None:
    result = solve_batch(far_region(two_nodes))
    assert result.regions.on_time == pytest.approx([0.9, 0.5])
    assert result.regions.gap == pytest.approx(0.4)
    assert (result.regions.low < result.regions.on_time).all()
    assert (result.regions.high > result.regions.on_time).all()


def test_a_floor_is_kept_at_a_cost_that_the_bound_knows(two_nodes: Build) -> None:
    problem = far_region(two_nodes)
    free = solve_batch(problem)
    held = solve_batch(problem, RoutingParameters(regional_floor=0.7))
    assert held.status == "finished"
    assert (held.regions.measure >= 0.7).all()
    # Each express parcel lifts region 1 by 0.045, so 5 of 10 are needed: 0.5 + 5 × 0.045 = 0.725. An express costs
    # 3 more and saves 10 × 0.2 × 0.45 = 0.9 of lateness.
    assert held.objective >= free.objective + 5 * 2.1 - 1e-6
    assert held.lower_bound <= free.objective + 5 * 2.1 + 1e-6
    assert held.lower_bound > free.lower_bound + 5.0, "the price of the region carries the floor into the bound"
    assert held.prices.region[1] > 0
    assert held.prices.region[0] == 0


def test_a_gap_raises_the_worst_and_leaves_the_best(two_nodes: Build) -> None:
    problem = far_region(two_nodes)
    free, held = solve_batch(problem), solve_batch(problem, RoutingParameters(regional_gap=0.1))
    assert held.regions.gap <= 0.1 + 1e-9
    assert held.regions.on_time[0] >= free.regions.on_time[0] - 1e-9


def test_an_impossible_floor_is_proven_and_said(two_nodes: Build) -> None:
    result = solve_batch(far_region(two_nodes, services=(0,)), RoutingParameters(regional_floor=0.8))
    assert result.status == "regional_infeasible"
    assert result.regions.ceiling[1] == pytest.approx(0.5, abs=1e-6)
    assert result.count("filled") == 20, "the answer is still there"
    assert result.lower_bound <= result.objective


def test_a_floor_cannot_be_bought_by_not_shipping(two_nodes: Build) -> None:
    problem = far_region(two_nodes, services=(0,))
    result = solve_batch(problem, RoutingParameters(regional_floor=0.6))
    assert result.status == "regional_infeasible"
    assert result.count("unfilled") == 0


def test_the_curve_costs_more_the_tighter_and_holds_its_intervals(instances: ModuleType) -> None:
    problem = instances.generate(instances.InstanceSpec(orders=800, products=150, nodes=8, regions=4))
    free, loose, tight = fairness_curve(problem, RoutingParameters(search_sweeps=3), [0.08, 0.04])
    assert free.limit is None
    assert free.extra == 0.0
    assert loose.limit == 0.08
    assert tight.limit == 0.04
    for point in (loose, tight):
        if point.status == "finished":
            assert point.extra_low <= point.extra + 1e-9 <= point.extra_high + 1e-9
            assert point.worst > free.worst
        assert point.gap_low <= point.gap_high
    assert tight.objective >= loose.objective - 0.002 * loose.objective
