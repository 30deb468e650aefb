"""A plan judged by what lanes did after it: right choices hold, a node that turned bad undoes them."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from decisions.routing import outcomes as judging
from decisions.routing.kept import OUTCOMES, Plan, newest_outcomes, newest_plan
from decisions.routing.live import LiveModel
from decisions.routing.outcomes import judge_plan, judge_plans
from decisions.routing.plan import PlanJob
from ml.core.routing.ranker import NEWS
from workspace.published import Snapshot
from workspace.settings import Settings

Publish = Callable[..., Snapshot]


def parcels_since(late_near: float, price: float = 5.0) -> dict[str, str]:
    """Queries of 400 parcels that left after the plan, by turns from `near` and `far`, and one of the order `free`."""
    news = ", ".join(f"0.1 as {name}" for name in NEWS)
    parcels = f"""
        select 'n' || i as shipment_id, case when i = 0 then 'free' else 'later' || i end as order_id,
            'R1' as region_code,
            case when i % 2 = 0 then 'near' else 'far' end as warehouse_id, 'ground' as service_level,
            case when i % 2 = 0 then 0.0 else 960.0 end as distance_km, 40.0 as slack_hours, 9 as allocated_hour,
            1 as allocated_weekday, {news}, timestamp '2026-10-31 13:00:00' + to_minutes(i) as allocated_at,
            i // 2 % 100 < 100 * case when i % 2 = 0 then {late_near} else 0.6 end as is_late from range(400) r(i)"""
    shipments = f"select shipment_id, 1.0 as weight_kg, {price} as cost_amount from ({parcels})"
    return {"feat_parcel_delivery": parcels, "fct_shipments": shipments}


@pytest.fixture
def plan(settings: Settings, champion: Snapshot) -> Plan:
    PlanJob().run(settings, champion)
    found = newest_plan(settings.paths.plans)
    assert found is not None
    return found


@pytest.fixture
def model(settings: Settings, champion: Snapshot) -> LiveModel:
    return PlanJob().ready(settings, champion).live


def test_choices_hold_where_lanes_did_as_foreseen(plan: Plan, model: LiveModel, make_snapshot: Publish) -> None:
    found = judge_plan(plan, make_snapshot(**parcels_since(0.05)), model)
    assert found is not None
    assert (found.parcels, found.lanes) == (400, 2)
    assert found.held.certain_right > 0.95
    assert {group.name for group in found.held.regions} <= {"R1", "R2"}
    whole, region = found.followed
    assert (whole.name, whole.orders, whole.on_time, region.name) == ("", 1, 0.0, "R1")
    assert whole.on_time_said == pytest.approx(0.95)
    assert whole.price == pytest.approx(5.0)


def test_a_node_that_turned_bad_undoes_the_choice_of_it(plan: Plan, model: LiveModel, make_snapshot: Publish) -> None:
    """`near` was foreseen late in one parcel of twenty and was late in all; `far` did as foreseen."""
    good = judge_plan(plan, make_snapshot(**parcels_since(0.05)), model)
    bad = judge_plan(plan, make_snapshot(**parcels_since(0.99)), model)
    assert good is not None
    assert bad is not None
    rows = duckdb.execute(
        f"select right_share, is_followed from '{plan.folder / OUTCOMES}' where order_id = 'free'"
    ).fetchall()
    assert rows[0][0] < 0.2
    assert rows[0][1] is True
    assert bad.held.ece > good.held.ece


def test_few_parcels_judge_nothing(plan: Plan, champion: Snapshot, model: LiveModel, make_snapshot: Publish) -> None:
    queries = parcels_since(0.05)
    few = {name: f"from ({query}) limit 199" for name, query in queries.items()}
    assert judge_plan(plan, make_snapshot(**few), model) is None
    nobody = dataclasses.replace(model, lateness=None)
    assert judge_plan(plan, make_snapshot(**queries), nobody) is None
    assert not Path(plan.folder / OUTCOMES).exists()


def test_every_newer_snapshot_judges_a_plan_anew_until_its_days_are_over(
    settings: Settings, plan: Plan, champion: Snapshot, make_snapshot: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The snapshot that the plan was made from judges nothing: it holds no parcels since."""
    ready = PlanJob().ready(settings, champion)
    monkeypatch.setattr(judging, "ready_as_kept", lambda *_: (ready, ""))
    assert judge_plans(settings, champion) == {}
    snapshot = dataclasses.replace(make_snapshot(**parcels_since(0.05)), notes={"as_of": "2026-11-02T00:00:00"})
    assert list(judge_plans(settings, snapshot)) == [plan.folder.name]
    assert judge_plans(settings, snapshot) == {}
    newest = newest_outcomes(settings.paths.plans)
    assert newest is not None
    assert newest[0] == plan.folder.name
    assert newest[1]["parcels"] == 400
    for as_of, judged in (("2026-11-13", True), ("2026-11-20", True), ("2026-11-21", False)):
        later = dataclasses.replace(snapshot, notes={"as_of": f"{as_of}T00:00:00"})
        assert bool(judge_plans(settings, later)) is judged


def test_a_plan_that_nothing_judged_in_time_and_one_of_a_rule_are_left_alone(
    settings: Settings, plan: Plan, champion: Snapshot, make_snapshot: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "ready_as_kept", lambda *_: (PlanJob().ready(settings, champion), ""))
    snapshot = make_snapshot(**parcels_since(0.05))
    late = dataclasses.replace(snapshot, notes={"as_of": "2026-12-15T00:00:00"})
    assert judge_plans(settings, late) == {}
    summary = plan.folder / "summary.json"
    summary.write_text(json.dumps({**plan.summary, "reason": "the solver failed"}), encoding="utf-8")
    soon = dataclasses.replace(snapshot, notes={"as_of": "2026-11-02T00:00:00"})
    assert judge_plans(settings, soon) == {}
    summary.write_text(json.dumps(plan.summary), encoding="utf-8")
    assert list(judge_plans(settings, soon)) == [plan.folder.name]
