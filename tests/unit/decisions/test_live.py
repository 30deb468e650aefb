"""What is open, committed and free at a moment, by the published marts."""

from collections.abc import Callable

import numpy as np
import pytest

from decisions.routing.live import LiveModel, live_batch
from decisions.routing.problem import Batch
from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.solve import solve_batch
from ml.jobs.routing import paid_prices
from workspace.published import Snapshot

Make = Callable[..., Snapshot]
PRIORITIES = {"standard": 1.0, "critical": 4.0}


def batch_of(snapshot: Snapshot, window: float = 12.0) -> Batch:
    return live_batch(snapshot, LiveModel(paid_prices(snapshot), PRIORITIES, None), window)


def stock(batch: Batch) -> dict[str, tuple[int, int]]:
    """Node → on hand and free units of the one product."""
    problem = batch.problem
    return {
        str(batch.node_ids[node]): (int(problem.cell_on_hand[at]), int(problem.available()[at]))
        for at, node in enumerate(problem.cell_node)
    }


def test_every_open_order_is_there_once_with_its_reason(make_snapshot: Make) -> None:
    batch = batch_of(make_snapshot())
    held = dict(zip(batch.order_ids.tolist(), np.asarray(batch.problem.order_excluded).tolist(), strict=True))
    assert held == {
        "free": "", "moving": "", "old": "committed", "packed": "committed", "double": "several_parcels",
        "unpaid": "not_approved", "lost": "",
    }  # fmt: skip


def test_the_release_window_decides_what_may_still_move(make_snapshot: Make) -> None:
    snapshot = make_snapshot()
    for window, moving, old in ((48.0, "", ""), (1.0, "committed", "committed")):
        batch = batch_of(snapshot, window)
        held = dict(zip(batch.order_ids.tolist(), np.asarray(batch.problem.order_excluded).tolist(), strict=True))
        assert (held["moving"], held["old"]) == (moving, old)


def test_units_that_a_movable_order_holds_are_free(make_snapshot: Make) -> None:
    assert stock(batch_of(make_snapshot())) == {"near": (10, 5), "far": (4, 3), "shut": (50, 50)}


def test_committed_parcels_take_capacity_and_closed_nodes_are_fenced(make_snapshot: Make) -> None:
    batch = batch_of(make_snapshot())
    capacity = dict(zip(batch.node_ids.tolist(), batch.problem.node_capacity.tolist(), strict=True))
    # far: old, packed and the two of `double`, which are counted where the first of them lies.
    assert capacity["near"] + capacity["far"] == 20 - 4
    (fence,) = batch.problem.fences
    assert fence.blocked[batch.node_ids.tolist().index("shut")]


def test_priority_weight_and_distance_come_through(make_snapshot: Make) -> None:
    batch = batch_of(make_snapshot())
    assert batch.problem.order_priority[batch.order_ids.tolist().index("moving")] == 4.0
    km = batch.problem.distance_km
    assert km is not None
    near, r2 = batch.node_ids.tolist().index("near"), batch.region_ids.tolist().index("R2")
    assert km[near, r2] == pytest.approx(962.8, abs=2)


def test_a_snapshot_without_a_table_is_refused_by_name(make_snapshot: Make) -> None:
    with pytest.raises(ValueError, match="fct_inventory_daily are absent"):
        batch_of(make_snapshot(fct_inventory_daily=None))


#: `near` will run out with a chance of a half; `far` holds 90 days of demand, `shut` what nobody asks for.
RISKS = """
    select 'p1' as product_id, * from (values
    ('near', 48, 0.5, 5, 2.0), ('near', 72, 0.9, 5, 2.0), ('far', 48, 0.0, 4, 90.0), ('shut', 48, 0.0, 50, null))
    t(warehouse_id, horizon_hours, stockout_probability, available_units, cover_days)"""


def test_units_that_may_run_out_and_units_held_too_long_have_a_value(make_snapshot: Make) -> None:
    batch = batch_of(make_snapshot(stockout_predictions=RISKS))
    problem = batch.problem
    assert problem.cell_scarcity is not None
    assert problem.cell_relief is not None
    names = batch.node_ids[problem.cell_node].tolist()
    assert dict(zip(names, problem.cell_scarcity.tolist(), strict=True)) == {"near": 20.0, "far": 0.0, "shut": 0.0}
    assert dict(zip(names, problem.cell_relief.tolist(), strict=True)) == {"near": 0.0, "far": 20.0, "shut": 40.0}


def test_without_forecasts_no_unit_has_a_value(make_snapshot: Make) -> None:
    problem = batch_of(make_snapshot()).problem
    assert problem.cell_scarcity is not None
    assert not problem.cell_scarcity.any()


def test_a_risk_of_running_out_sends_an_order_to_the_node_that_can_spare(make_snapshot: Make) -> None:
    """`far` ships at about 3.9 more; a risk of 0.5 × 40 a unit outweighs that unless it hardly counts."""
    batch = batch_of(make_snapshot(stockout_predictions=RISKS))
    line = int(batch.problem.order_line_start[batch.order_ids.tolist().index("moving")])
    for weight, node in ((0.01, "near"), (0.5, "far")):
        result = solve_batch(batch.problem, RoutingParameters(scarcity_weight=weight, relief_weight=0.0))
        assert batch.node_ids[result.line_node[line]] == node
