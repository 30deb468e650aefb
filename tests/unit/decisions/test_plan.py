"""The plan: made by the champion, by the rule where the champion cannot, kept whole, and asked by anybody."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from decisions.routing import plan as planning
from decisions.routing.kept import newest_plan
from decisions.routing.plan import PlanJob
from ml.core.routing.result import RoutingResult
from ml.io.champion import NoChampion
from ml.jobs.catalogue import ORDER_ROUTING
from ml.jobs.shadow_plans import plans_beside
from tests.unit.decisions.conftest import routing_version, stand_in
from workspace.published import Snapshot
from workspace.settings import Settings

Make = Callable[..., Snapshot]


def test_orders_in_are_routed_unfilled_and_excluded(settings: Settings, champion: Snapshot) -> None:
    report = PlanJob().run(settings, champion)
    figures = report.summary
    assert report.status == "planned"
    assert figures["orders"] == 7 == figures["routed"] + figures["unfilled"] + figures["excluded"]
    assert figures["reasons"] == {"committed": 2, "not_approved": 1, "several_parcels": 1, "unknown_region": 1}
    assert figures["automatic"] + figures["person"] == figures["routed"] == 2
    assert {name for name, (passed, _) in report.checks.items() if not passed} == set()


def test_every_decision_is_stored_with_what_explains_it(settings: Settings, champion: Snapshot) -> None:
    PlanJob().run(settings, champion)
    plan = newest_plan(settings.paths.plans)
    assert plan is not None
    decision = plan.decision("moving")
    assert decision is not None
    assert decision["warehouse_ids"] == ["near"]
    assert decision["handling"] == "automatic"
    assert decision["confidence"] >= 0.85
    nodes = plan.nodes("moving")
    assert [node["verdict"] for node in nodes] == ["chosen", "possible", "rejected"]
    near = nodes[0]
    assert near["stock"] == [{"product_id": "p1", "requested": 3, "on_hand": 10, "reserved": 5, "available": 5,
                              "left_after_batch": 0}]  # fmt: skip
    assert {part["name"] for part in near["components"]} >= {"shipping", "lateness"}
    assert nodes[2]["fences"] == [{"name": "disabled", "kind": "hard", "passed": False}]
    assert plan.decision("nobody") is None
    assert [row["order_id"] for row in plan.decisions("none")] == ["double", "lost", "old", "packed", "unpaid"]
    by_sql = duckdb.execute(f"select count(*) from '{plan.folder}/decisions.parquet' where reason = 'committed'")
    assert by_sql.fetchone() == (2,)


def test_the_same_state_is_planned_once(settings: Settings, champion: Snapshot) -> None:
    first, second = PlanJob().run(settings, champion), PlanJob().run(settings, champion)
    assert (first.plan, second.status) == (second.plan, "reused")
    assert PlanJob(window_hours=1.0).run(settings, champion).plan != first.plan


def test_a_challenger_plans_the_same_orders_in_shadow_and_what_it_would_change_is_told(
    settings: Settings, champion: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    challenger = routing_version(champion, "8", 40.0)
    monkeypatch.setattr(planning, "score_in_shadow", lambda _stores, _model, score: f"In shadow: {score(challenger)}")
    report = PlanJob().run(settings, champion)
    assert report.shadow == "In shadow: Version 8 planned the same orders."
    assert PlanJob().run(settings, champion).shadow.endswith("nothing was added.")
    plan = newest_plan(settings.paths.plans)
    assert plan is not None
    assert plan.summary["model_version"] == "7", "what was planned in shadow is no plan"
    stores: Any = SimpleNamespace(paths=settings.paths)
    agreement, benefits = plans_beside(stores, ORDER_ROUTING, "8", "7", 1)
    assert agreement is not None
    assert agreement["scored"] == agreement["both"] == 2
    told = {benefit.measure: benefit for benefit in benefits}
    paid = [row["shipping_amount"] for row in plan.decisions() if row["order_id"] in ("free", "moving")]
    assert told["cost"].before == pytest.approx(sum(paid) / 2)
    assert told["cost"].after == pytest.approx(told["cost"].before), "the same choice: lateness is no money paid"
    assert told["on_time"].before == told["on_time"].after
    assert told["error"].basis == "not recorded"
    assert plans_beside(stores, ORDER_ROUTING, "9", "7", 1) == (None, ())


def test_without_a_champion_the_rule_decides_and_says_so(
    settings: Settings, make_snapshot: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise NoChampion("no version was promoted yet")

    stand_in(monkeypatch, none)
    report = PlanJob().run(settings, make_snapshot())
    assert report.status == "fallback"
    assert "by the rule nearest: no version was promoted yet" in report.reason
    assert report.summary["gap"] is None
    assert report.summary["on_time"] is None
    assert report.summary["automatic"] == 0
    assert not report.checks["gap_within_limit"][0]
    assert report.checks["no_oversell"][0]
    assert report.checks["confidence_certified"] == (False, "nothing states a confidence")


def test_confidence_is_judged_by_draws_that_it_did_not_see(settings: Settings, champion: Snapshot) -> None:
    report = PlanJob().run(settings, champion)
    trusted = report.summary["reliability"]
    assert sum(band["choices"] for band in trusted["bands"]) == report.summary["routed"] == 2
    assert [(group["name"], group["choices"]) for group in trusted["regions"]] == [("R1", 2)]
    assert trusted["certain"] == report.summary["automatic"]
    assert trusted["is_certified"] == report.checks["confidence_certified"][0]
    assert "in draws that confidence did not see" in report.checks["confidence_certified"][1]


def test_a_failing_solver_falls_back_to_the_rule(
    settings: Settings, champion: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(planning, "solve_batch", fail)
    report = PlanJob().run(settings, champion)
    assert report.status == "fallback"
    assert "The solver failed with MemoryError: no room" in report.reason


def test_a_time_out_far_from_the_bound_falls_back_where_the_rule_is_no_worse(
    settings: Settings, champion: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    solve = planning.solve_batch

    def slow(*arguments: Any) -> RoutingResult:
        found = solve(*arguments)
        nowhere = {"objective": found.objective * 3, "status": "time_limit"}
        return RoutingResult(**{**vars(found), **nowhere})

    monkeypatch.setattr(planning, "solve_batch", slow)
    report = PlanJob().run(settings, champion)
    assert report.status == "fallback"
    assert "above its bound" in report.reason


def test_the_summary_is_plain_json(settings: Settings, champion: Snapshot) -> None:
    report = PlanJob().run(settings, champion)
    told = json.loads((report.folder / "summary.json").read_text(encoding="utf-8"))
    assert told["model_version"] == "7"
    assert told["rule"] is None
    assert told["confidence"]["R1"]["orders"] == 2
