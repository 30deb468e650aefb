"""A proposed routing policy on past orders: who is decided otherwise, what it costs, which orders cannot be asked."""

from collections.abc import Callable
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.policy import BadPolicy, RoutingPolicy, policy_of
from ml.io.past_orders import NothingToReplay
from ml.jobs import policy_replay
from ml.jobs.policy_replay import PolicyReplay, replay_policy
from tests.support.past_company import DAYS, LACKING, ORDERS_A_DAY, REGIONS, known_router, publish_past
from workspace.published import Snapshot
from workspace.settings import Settings

Replay = Callable[..., PolicyReplay]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", company="demo")


@pytest.fixture
def replay(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Replay:
    """Replays changes of the policy in force on the small past; a keyword of `publish_past` changes the past."""

    def run(changes: dict[str, Any], since: date | None = None, **tables: str | None) -> PolicyReplay:
        snapshot = publish_past(settings, tmp_path, **tables)
        _stand_in(monkeypatch, snapshot)
        current = known_router(snapshot).policy
        return replay_policy(settings, None, policy_of(changes, current), since)

    return run


def _stand_in(monkeypatch: pytest.MonkeyPatch, snapshot: Snapshot) -> None:
    """Open no registry, which takes seconds."""
    monkeypatch.setattr(policy_replay, "open_stores", lambda _settings: nullcontext())
    monkeypatch.setattr(policy_replay, "load_router", lambda _stores: known_router(snapshot))


def test_a_region_that_loses_its_fast_service_is_the_one_that_is_affected(replay: Replay) -> None:
    found = replay({"closed_services": {"R3": ["express"]}})
    affected = found.affected
    assert set(affected["region_code"]) == {"R3"}
    assert len(affected) == DAYS * ORDERS_A_DAY
    assert affected["service_before"].unique().tolist() == ["express"]
    assert affected["service_after"].unique().tolist() == ["ground"]
    assert affected["on_time_before"].to_numpy() == pytest.approx(0.98)
    assert affected["on_time_after"].to_numpy() == pytest.approx(0.5)
    assert (affected["cost_after"] < affected["cost_before"]).all()
    assert set(affected["node_before"]) <= {"n3", "n4"}, "R3 lies between the two"


def test_the_policy_in_force_affects_nobody(replay: Replay) -> None:
    found = replay({})
    assert found.affected.empty
    assert len(found.orders) == len(REGIONS) * DAYS * ORDERS_A_DAY
    assert found.model_version == "7"


def test_both_answers_are_valued_at_the_same_prices(replay: Replay) -> None:
    # Weighing lateness with nothing makes ground the choice; the money is what carriers charge, in both columns.
    found = replay({"parameters": {"lateness_cost": 0.0}})
    assert found.orders["service_after"].unique().tolist() == ["ground"]
    assert (found.orders["cost_before"] - found.orders["cost_after"]).to_numpy() == pytest.approx(6.0, abs=1.5)


def test_orders_that_cannot_be_decided_anew_are_counted_by_reason(replay: Replay) -> None:
    found = replay({}, since=date(2026, 9, 1))
    assert found.left_out == dict.fromkeys(sorted(LACKING.values()), 1)
    uncounted = replay({}, fct_inventory_daily="""
        select 'n' || n as warehouse_id, 'p1' as product_id, date '2026-10-01' as stock_date, 1000 as on_hand_quantity,
            0 as reserved_quantity from range(1, 5) a(n)""")  # fmt: skip
    assert uncounted.left_out["no_stock_record"] == (DAYS - 1) * len(REGIONS) * ORDERS_A_DAY + 2
    assert set(uncounted.orders["day"].astype(str)) == {"2026-10-02"}


def test_reserved_units_are_not_given_away_and_receipts_of_the_day_are(replay: Replay) -> None:
    bare = """
        select 'n' || n as warehouse_id, 'p1' as product_id, date '2026-09-30' as stock_date, 10 as on_hand_quantity,
            10 as reserved_quantity from range(1, 5) a(n)"""
    assert set(replay({}, fct_inventory_daily=bare).orders["status_before"]) == {"unfilled"}
    received = """
        select 'n2' as warehouse_id, 'p1' as product_id, 7 as quantity, null::int as received_quantity,
            timestamp '2026-10-01 06:00:00' as received_at"""
    found = replay({}, fct_inventory_daily=bare, fct_inbound_deliveries=received).orders
    assert (found["status_before"] == "filled").sum() == 7
    assert set(found.loc[found["status_before"] == "filled", "node_before"]) == {"n2"}


def test_without_a_lateness_model_on_time_is_not_known(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = publish_past(settings, tmp_path)
    policy = RoutingPolicy(RoutingParameters())
    monkeypatch.setattr(policy_replay, "open_stores", lambda _settings: nullcontext())
    monkeypatch.setattr(policy_replay, "load_router", lambda _stores: policy_replay.Router(None, policy, {}))
    found = replay_policy(settings, None, policy, snapshot=snapshot)
    assert found.orders["on_time_after"].isna().all()
    assert found.orders["cost_after"].gt(0).all()
    assert found.model_version == ""


def test_what_is_missing_is_said(replay: Replay) -> None:
    with pytest.raises(NothingToReplay, match="fct_inventory_daily is absent"):
        replay({}, fct_inventory_daily=None)
    with pytest.raises(NothingToReplay, match=r"None of the 0 orders from 2027-01-01"):
        replay({}, since=date(2027, 1, 1))
    with pytest.raises(BadPolicy, match=r"names the region 'R9'; there are R1"):
        replay({"closed_nodes": {"R9": ["n1"]}})
    with pytest.raises(BadPolicy, match="lateness_cost"):
        replay({"parameters": {"lateness_cost": -1}})
    with pytest.raises(BadPolicy, match="fences"):
        replay({"fences": {}})
