"""Why this node? Each answer is worked out by hand on two nodes."""

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ml.core.routing.explain import explain
from ml.core.routing.problem import Fence, LatenessTable, RoutingProblem
from ml.core.routing.solve import solve_batch

Build = Callable[..., RoutingProblem]
KM = np.array([[10.0, 900.0], [900.0, 10.0]])


def test_the_nearest_node_needs_no_excuse_and_the_flip_is_the_smallest_change(two_nodes: Build) -> None:
    problem = two_nodes([(0, [(0, 1)])], distance_km=KM, node_names=("north", "south"))
    answer = explain(problem, solve_batch(problem), 0)
    assert answer.why_farther == ""
    assert answer.why_split == ""
    chosen, other = answer.nodes
    assert (chosen.name, chosen.verdict, chosen.rank) == ("north", "chosen", 1)
    assert (other.name, other.verdict, other.rank) == ("south", "possible", 2)
    # 4 + 10 × 0.1 = 5 against 11 + 10 × 0.05 = 11.5 by express: 6.5 must go.
    assert chosen.total == pytest.approx(5.0)
    assert other.total == pytest.approx(11.5)
    assert {part.name: part.weighted for part in chosen.components}["lateness"] == pytest.approx(1.0)
    smallest = answer.flips[0]
    assert smallest.name == "south"
    assert smallest.what == "shipping price from south"
    assert smallest.then == pytest.approx(11.0 - 6.5)
    assert smallest.relative == pytest.approx(6.5 / 11)
    cheaper = problem.ship_fixed.copy()
    cheaper[1, 0, 1] = smallest.then - 0.01
    assert solve_batch(replace(problem, ship_fixed=cheaper)).line_node.tolist() == [1], "the flip really flips"


def test_why_farther_tells_stock_fence_and_price_apart(two_nodes: Build) -> None:
    order = [(0, [(0, 1)])]
    empty = two_nodes(order, distance_km=KM, cell_on_hand=np.array([0, 5, 5, 5]))
    assert explain(empty, solve_batch(empty), 0).why_farther == "nearest_out_of_stock"
    fenced = two_nodes(order, distance_km=KM, fences=(Fence("carrier", np.array([True, False])),))
    answer = explain(fenced, solve_batch(fenced), 0)
    assert answer.why_farther == "nearest_fenced"
    assert answer.nodes[-1].fences == (("carrier", "hard", False),)
    assert answer.nodes[0].fences[0][2]
    # One unit near, wanted by an urgent order as well: the ordinary one goes far because the unit is worth more there.
    late = np.tile(np.array([[0.1], [0.5]]), (2, 1, 1))
    lanes = np.array([[[4.0], [8.0]], [[8.0], [4.0]]])
    shared = two_nodes(
        order * 2, distance_km=KM, cell_on_hand=np.array([1, 5, 0, 0]), order_priority=np.array([1.0, 5.0]),
        ship_fixed=lanes, ship_per_kg=np.zeros((2, 2, 1)), lateness=LatenessTable(late),
    )  # fmt: skip
    answer = explain(shared, solve_batch(shared), 0)
    assert answer.parcels[0]["node"] == 1
    assert answer.why_farther == "nearest_stock_taken"
    seen = answer.nodes[-1].stock[0]
    assert (seen.requested, seen.on_hand, seen.available, seen.left_after_batch) == (1, 1, 1, 0)


def test_why_split(two_nodes: Build) -> None:
    problem = two_nodes([(0, [(0, 1), (1, 1)])], cell_on_hand=np.array([5, 0, 0, 5]))
    answer = explain(problem, solve_batch(problem), 0)
    assert answer.why_split == "no_node_has_all_lines"
    assert [parcel["lines"] for parcel in answer.parcels] == [[0], [1]]


def test_the_units_that_would_flip_an_empty_node(two_nodes: Build) -> None:
    problem = two_nodes([(0, [(0, 2), (1, 1)])], cell_on_hand=np.array([1, 5, 5, 5]))
    answer = explain(problem, solve_batch(problem), 0)
    assert answer.parcels[0]["node"] == 1
    assert any("units of line 0" in flip.what and flip.then == 2 for flip in answer.flips)


def test_excluded_and_unfilled_orders_are_explained_too(two_nodes: Build) -> None:
    problem = two_nodes([(-1, [(0, 1)]), (0, [(0, 99)])])
    result = solve_batch(problem)
    excluded, unfilled = explain(problem, result, 0), explain(problem, result, 1)
    assert (excluded.status, excluded.reason, excluded.nodes) == ("excluded", "unknown_region", ())
    assert unfilled.status == "unfilled"
    assert {view.verdict for view in unfilled.nodes} == {"rejected"}
    assert all(view.reasons == ("quantity_exceeds_stock",) for view in unfilled.nodes)
    assert "no single node" in unfilled.reason_text
    json.dumps(unfilled.as_dict())
    with pytest.raises(ValueError, match="position from 0 to 1"):
        explain(problem, result, 2)


def test_costs_of_the_chosen_node_add_up_to_what_the_order_pays(two_nodes: Build) -> None:
    problem = two_nodes([(0, [(0, 1)]), (1, [(1, 2)])], cell_scarcity=np.array([1.0, 2.0, 3.0, 4.0]))
    result = solve_batch(problem)
    for order in range(2):
        answer = explain(problem, result, order)
        assert answer.nodes[0].verdict == "chosen"
        assert answer.nodes[0].total == pytest.approx(answer.cost)
