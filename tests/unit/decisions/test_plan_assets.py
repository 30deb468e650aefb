"""The plan through Dagster: stock that moves during the day, release windows, fallback on time-out, blocking checks."""

from collections.abc import Callable
from typing import Any

import dagster as dg
import duckdb
import pytest

from decisions.routing import plan as planning
from ml.core.routing.result import RoutingResult
from orchestration.defs.routing import routing_outcomes, routing_plan
from orchestration.lib.workspace_resource import workspace_resource
from tests.unit.decisions.conftest import TABLES
from workspace.published import Snapshot
from workspace.settings import Settings

Publish = Callable[..., Snapshot]


def planned(settings: Settings, **config: float) -> tuple[dict[str, Any], dict[str, dg.AssetCheckEvaluation]]:
    """Materialize `routing_plan`; its metadata as plain values and its checks by name."""
    result = dg.materialize(
        [routing_plan], resources={"workspace": workspace_resource(settings)},
        run_config={"ops": {"routing_plan": {"config": config}}},
    )  # fmt: skip
    (event,) = result.get_asset_materialization_events()
    metadata = {name: item.value for name, item in event.materialization.metadata.items()}
    return metadata, {check.check_name: check for check in result.get_asset_check_evaluations()}


def decisions(metadata: dict[str, Any]) -> dict[str, tuple[str, list[str]]]:
    rows = duckdb.execute(
        f"select order_id, reason, warehouse_ids from '{metadata['folder']}/decisions.parquet'"
    ).fetchall()
    return {order: (reason, nodes) for order, reason, nodes in rows}


def test_an_order_moves_with_the_stock_until_it_is_committed(
    settings: Settings, champion: Snapshot, make_snapshot: Publish
) -> None:
    """`near` has units for `free` at first; an hour later they are gone. `old` left its window and stays."""
    metadata, checks = planned(settings)
    assert metadata["status"] == "planned"
    assert all(checks[name].passed for name in ("no_oversell", "no_order_lost"))
    first = decisions(metadata)
    assert first["free"] == ("", ["near"])
    assert first["old"][0] == "committed"
    sold = TABLES["fct_inventory_daily"].replace("('near', 10, 5)", "('near', 5, 5)").replace("('far', 4", "('far', 9")
    make_snapshot(fct_inventory_daily=sold)
    second = decisions(planned(settings)[0])
    assert second["free"] == ("", ["far"])
    assert second["old"][0] == "committed"


def test_the_release_window_says_what_may_still_move(settings: Settings, champion: Snapshot) -> None:
    """`moving` was given out 2 h ago and `old` 30 h ago."""
    held = {
        hours: {order for order, (reason, _) in decisions(planned(settings, window_hours=hours)[0]).items()
                if reason == "committed"}
        for hours in (1.0, 12.0, 48.0)
    }  # fmt: skip
    assert held[1.0] == {"moving", "old", "packed"}
    assert held[12.0] == {"old", "packed"}
    assert held[48.0] == {"packed"}


def test_time_that_runs_out_leaves_the_orders_to_the_rule_and_says_so(
    settings: Settings, champion: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any time the solver stops at its first answer; one far above its bound is not taken."""
    solve = planning.solve_batch

    def far_from_the_bound(problem: Any, parameters: Any) -> RoutingResult:
        result = solve(problem, parameters)
        assert result.status == "time_limit"
        return result.__class__(**{**result.__dict__, "lower_bound": result.objective / 2, "objective": 1e9})

    monkeypatch.setattr(planning, "solve_batch", far_from_the_bound)
    metadata, checks = planned(settings, time_limit=0.0)
    assert metadata["status"] == "fallback"
    assert "by the rule nearest: After 0 s the solver's answer was" in metadata["reason"]
    assert metadata["automatic"] == 0
    assert checks["no_oversell"].passed
    assert checks["no_order_lost"].passed
    assert not checks["gap_within_limit"].passed
    assert checks["gap_within_limit"].severity is dg.AssetCheckSeverity.WARN


def test_an_oversold_plan_fails_the_run(
    settings: Settings, champion: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "oversells", lambda *_: (1, 0))
    result = dg.materialize(
        [routing_plan], resources={"workspace": workspace_resource(settings)}, raise_on_error=False
    )  # fmt: skip
    (check,) = [item for item in result.get_asset_check_evaluations() if item.check_name == "no_oversell"]
    assert not check.passed
    assert check.severity is dg.AssetCheckSeverity.ERROR
    assert check.blocking


def test_a_plan_of_this_moment_is_not_judged_yet(settings: Settings, champion: Snapshot) -> None:
    planned(settings)
    result = dg.materialize([routing_outcomes], resources={"workspace": workspace_resource(settings)})
    (event,) = result.get_asset_materialization_events()
    assert event.materialization.metadata["judged"].value == 0
