"""The rule that takes over: nearest with stock, in the form of a result."""

from collections.abc import Callable

import numpy as np

from ml.core.routing.explain import explain
from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.problem import Fence, RoutingProblem
from ml.core.routing.rules import routed_by_rule

Build = Callable[..., RoutingProblem]


def test_nearest_with_everything_else_line_by_line_and_never_oversold(two_nodes: Build) -> None:
    problem = two_nodes([(0, [(0, 4)]), (0, [(0, 2), (1, 1)]), (0, [(0, 9)])])
    result = routed_by_rule(problem, RoutingParameters())
    assert result.line_node.tolist() == [0, 1, 1, -1]
    assert result.stock_left.min() >= 0
    assert result.order_status.tolist() == ["filled", "filled", "unfilled"]
    assert np.isnan(result.gap)
    assert result.status == "rule_nearest"
    assert explain(problem, result, 0).nodes[0].verdict == "chosen"


def test_the_same_product_twice_asks_for_both(two_nodes: Build) -> None:
    result = routed_by_rule(two_nodes([(0, [(0, 3), (0, 3)])]), RoutingParameters())
    assert result.line_node.tolist() == [0, 1]


def test_fences_and_faults_hold(two_nodes: Build) -> None:
    closed = Fence("closed", np.array([True, False]))
    result = routed_by_rule(two_nodes([(0, [(0, 1)]), (-1, [(0, 1)])], fences=(closed,)), RoutingParameters())
    assert result.line_node.tolist() == [1, -1]
    assert result.order_status.tolist() == ["filled", "excluded"]
