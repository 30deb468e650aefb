"""Faulty input: a named reason per order, never a crash of the batch, never an order lost."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.problem import Fence, LatenessLanes, LatenessTable, RoutingProblem, stock_csr
from ml.core.routing.reasons import UNFILLED
from ml.core.routing.screen import EXCLUDED
from ml.core.routing.solve import solve_batch

Build = Callable[..., RoutingProblem]
GOOD = (0, [(0, 1)])


@pytest.mark.parametrize(
    ("bad", "changes", "reason"),
    [
        ((-1, [(0, 1)]), {}, "unknown_region"),
        ((7, [(0, 1)]), {}, "unknown_region"),
        ((0, [(-1, 1)]), {}, "unknown_product"),
        ((0, [(0, 1), (9, 1)]), {}, "unknown_product"),
        ((0, [(0, 0)]), {}, "bad_quantity"),
        ((0, [(0, -3)]), {}, "bad_quantity"),
        ((0, []), {}, "no_lines"),
        (GOOD, {"order_priority": np.array([1.0, np.nan])}, "bad_priority"),
        (GOOD, {"order_priority": np.array([1.0, -1.0])}, "bad_priority"),
        (GOOD, {"order_priority": np.array([1.0, np.inf])}, "bad_priority"),
        ((0, [(1, 1)]), {"product_weight_kg": np.array([1.0, np.nan])}, "bad_weight"),
        (GOOD, {"line_unfilled_cost": np.array([9.0, np.nan])}, "bad_unfilled_cost"),
        (GOOD, {"order_excluded": np.array(["", "opted_out"])}, "opted_out"),
    ],
)
def test_a_faulty_order_is_excluded_by_name_and_the_rest_is_routed(
    two_nodes: Build, bad: tuple[int, list[tuple[int, int]]], changes: dict[str, object], reason: str
) -> None:
    result = solve_batch(two_nodes([GOOD, bad], **changes))
    assert result.order_status.tolist() == ["filled", "excluded"]
    assert result.order_reason.tolist() == ["", reason]


def test_an_order_without_any_probability_is_excluded_and_a_single_gap_only_closes_its_node(two_nodes: Build) -> None:
    late = np.full((3, 2, 2), 0.1)
    late[1] = np.nan
    late[2, 0] = [np.nan, 1.7]
    result = solve_batch(two_nodes([GOOD] * 3, lateness=LatenessTable(late)))
    assert result.order_reason.tolist() == ["", "bad_probability", ""]
    assert result.line_node.tolist() == [0, -1, 1]
    lanes = LatenessLanes(np.zeros((2, 2, 2)), np.array([0.0, np.nan, 0.0]))
    assert solve_batch(two_nodes([GOOD] * 3, lateness=lanes)).order_reason.tolist() == ["", "bad_probability", ""]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"cell_on_hand": np.array([0, 0, 5, 5])}, "out_of_stock"),
        ({"cell_on_hand": np.array([-4, -1, 5, 5])}, "out_of_stock"),
        ({"cell_reserved": np.array([5, 9, 0, 0])}, "out_of_stock"),
        ({"line_quantity": np.array([900])}, "quantity_exceeds_stock"),
        ({"fences": (Fence("carrier", np.array([True, True])),)}, "fenced"),
        ({"ship_fixed": np.full((2, 2, 2), np.nan)}, "no_rate"),
        ({"ship_fixed": np.full((2, 2, 2), -1.0)}, "no_rate"),
        ({"ship_per_kg": np.full((2, 2, 2), np.inf)}, "no_rate"),
        ({"node_capacity": np.array([0, 0])}, "no_capacity"),
        ({"node_capacity": np.array([-5, 0])}, "no_capacity"),
        ({"ship_fixed": np.full((2, 2, 2), 99.0)}, "dearer_than_unfilled"),
    ],
)
def test_a_line_that_ships_from_nowhere_says_why(two_nodes: Build, changes: dict[str, object], reason: str) -> None:
    result = solve_batch(two_nodes([GOOD], **changes))
    assert result.order_status.tolist() == ["unfilled"]
    assert result.line_reason.tolist() == [reason]
    assert result.objective == pytest.approx(50.0)


def test_what_others_took_is_told_apart(two_nodes: Build) -> None:
    taken = solve_batch(two_nodes([GOOD] * 3, cell_on_hand=np.array([1, 1, 0, 0])))
    assert sorted(taken.line_reason.tolist()) == ["", "", "stock_taken"]
    full = solve_batch(two_nodes([GOOD] * 3, node_capacity=np.array([1, 1])))
    assert sorted(full.line_reason.tolist()) == ["", "", "capacity_taken"]


def test_nothing_at_all_is_an_answer(two_nodes: Build) -> None:
    result = solve_batch(two_nodes([]))
    assert (result.objective, result.lower_bound, result.gap, result.on_time) == (0.0, 0.0, 0.0, 0.0)
    start, node, _ = stock_csr([], [], 2, 2, [])
    bare = two_nodes([GOOD], product_cell_start=start, cell_node=node, cell_on_hand=np.zeros(0, np.int64))
    assert solve_batch(bare).line_reason.tolist() == ["out_of_stock"]


def test_faulty_input_is_counted(two_nodes: Build) -> None:
    fixed = np.full((2, 2, 2), 5.0)
    fixed[0, 0, 0] = np.nan
    result = solve_batch(two_nodes([GOOD], ship_fixed=fixed, cell_on_hand=np.array([-1, 5, 5, 5])))
    assert result.notes["closed_lanes"] == 1
    assert result.notes["cells_below_zero"] == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"order_priority": np.ones(3)}, "order_priority must have shape"),
        ({"order_line_start": np.array([0, 2])}, "order_line_start must rise from 0 to 1"),
        ({"cell_node": np.array([1, 0, 0, 1], np.int32)}, "ascend without repeats"),
        ({"cell_node": np.array([0, 5, 0, 1], np.int32)}, "cell_node must lie in 0"),
        ({"line_quantity": np.array([1.5])}, "line_quantity must hold whole numbers"),
        ({"fences": (Fence("x", np.array([True]), "planets"),)}, "over must be one of"),
        ({"fences": (Fence("x", np.array([True])),)}, "fence 'x' must have shape"),
        ({"lateness": LatenessTable(np.zeros((1, 9, 2)))}, "lateness.probability must have shape"),
        ({"ship_fixed": np.zeros((2, 2))}, "ship_fixed must have shape"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(two_nodes: Build, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        two_nodes([GOOD], **changes)


@pytest.mark.parametrize(
    ("name", "value"),
    [("lateness_cost", -1.0), ("split_cost", float("nan")), ("balance_target", 1.5), ("threads", 2.5), ("seed", True),
     ("exact_lines", 9), ("regional_floor", 2.0), ("time_limit", -1.0), ("dual_rounds", "many")],
)  # fmt: skip
def test_parameters_state_the_rule_they_break(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=rf"RoutingParameters.{name} .* must be a .*number from .* got") as caught:
        RoutingParameters(**{name: value})  # type: ignore[arg-type]
    assert repr(value) in str(caught.value)


FAULTS: dict[str, Callable[[RoutingProblem, int], dict[str, object]]] = {
    "unknown_region": lambda p, at: {"order_region": _with(p.order_region, at, -1)},
    "unknown_product": lambda p, at: {"line_product": _with(p.line_product, at, 99)},
    "negative_stock": lambda p, at: {"cell_on_hand": _with(p.cell_on_hand, at, -7)},
    "missing_rate": lambda p, at: {"ship_fixed": _with(p.ship_fixed, at, np.nan)},
    "no_capacity_anywhere": lambda p, _: {"node_capacity": np.zeros_like(p.node_capacity)},
    "larger_than_all_stock": lambda p, at: {"line_quantity": _with(p.line_quantity, at, 10**9)},
    "no_probability": lambda p, at: {
        "lateness": LatenessTable(_with(np.full((p.orders, *p.ship_fixed.shape[::2]), 0.2), at, np.nan))
    },
}


def _with(values: np.ndarray, at: int, value: float) -> np.ndarray:
    changed = values.copy()
    changed.flat[at % changed.size] = value
    return changed


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(faults=st.lists(st.tuples(st.sampled_from(sorted(FAULTS)), st.integers(0, 50)), max_size=5))
def test_orders_in_are_routed_unfilled_or_excluded_whatever_is_wrong(
    two_nodes: Build, faults: list[tuple[str, int]]
) -> None:
    problem = two_nodes([(region, [(product, 1)]) for region in (0, 1) for product in (0, 1)] * 2)
    for name, at in faults:
        problem = replace(problem, **FAULTS[name](problem, at))  # type: ignore[arg-type]
    result = solve_batch(problem, RoutingParameters(threads=1))
    routed = result.count("filled") + result.count("partial")
    assert problem.orders == routed + result.count("unfilled") + result.count("excluded")
    short = result.order_status != "filled"
    assert (result.order_reason[short] != "").all()
    assert (result.order_reason[~short] == "").all()
    assert (result.stock_left >= 0).all()
    assert (result.capacity_left >= 0).all()


def test_a_cycle_of_ties_ends_and_comes_out_the_same_on_any_number_of_threads(two_nodes: Build) -> None:
    """Every lane costs the same and each node has exactly half: any order may change places with any other."""
    tied = two_nodes(
        [(at % 2, [(0, 1), (1, 1)]) for at in range(20)], cell_on_hand=np.full(4, 10),
        ship_fixed=np.full((2, 2, 2), 6.0), ship_per_kg=np.zeros((2, 2, 2)),
        lateness=LatenessTable(np.full((20, 2, 2), 0.25)),
    )  # fmt: skip
    one, two = (solve_batch(tied, RoutingParameters(threads=threads)) for threads in (1, 2))
    assert one.count("filled") == 20
    assert (one.order_parcels == 1).all()
    assert one.line_node.tolist() == two.line_node.tolist()


def test_every_reason_has_a_text() -> None:
    assert all(len(text) > 20 for text in {**EXCLUDED, **UNFILLED}.values())
    assert not set(EXCLUDED) & (set(UNFILLED) - {"bad_probability"})
