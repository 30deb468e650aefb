"""The audit of a proposed policy on past orders: figures, who is named, what a regional bound costs, the command."""

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from ml.core.routing.policy import policy_of
from ml.io.replays import kept_replays
from ml.jobs import policy_audit, policy_replay
from ml.jobs.policy_audit import audit_replay, figures_of, price_constraint
from orchestration.cli.audit import app
from tests.support.past_company import DAYS, TABLES, known_router, publish_past
from workspace.published import Snapshot
from workspace.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", company="demo")


@pytest.fixture
def snapshot(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Snapshot:
    """The small past, decided with a router that is known; no registry is opened, which takes seconds."""
    found = publish_past(settings, tmp_path)
    monkeypatch.setattr(policy_replay, "open_stores", lambda _settings: nullcontext())
    monkeypatch.setattr(policy_replay, "load_router", lambda _stores: known_router(found))
    return found


def test_a_policy_that_takes_a_service_from_a_region_is_found_and_a_neutral_one_is_not(
    settings: Settings, snapshot: Snapshot
) -> None:
    current = known_router(snapshot).policy
    hurtful = policy_of({"closed_services": {"R3": ["express"]}}, current)
    found = audit_replay(policy_replay.replay_policy(settings, None, hurtful), 0.85, 50)
    assert (found.verdict, found.named) == ("gap", {"on_time": ["R3"]})
    assert found.not_recorded == ("promised_days", "hours_to_door", "overridden")
    assert found.figures["shipping_cost"].named == ["R3"], "shown, and no harm: the region's parcels are cheaper"
    neutral = policy_of({"parameters": {"split_cost": 9.0}}, current)
    same = audit_replay(policy_replay.replay_policy(settings, None, neutral), 0.85, 50)
    assert (same.verdict, same.named) == ("no_gap_found", {})


def test_a_region_named_like_a_formula_stays_text_for_a_spreadsheet(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = "=cmd|calc"
    tables = {name: query.replace("'R' || r", f"case r when 3 then '{hostile}' else 'R' || r end").replace(
        "'R' || n as region_code, 30.0 as latitude, 102", f"case n when 3 then '{hostile}' else 'R' || n end as "
        "region_code, 30.0 as latitude, 102") for name, query in TABLES.items()}  # fmt: skip
    found = publish_past(settings, tmp_path, **tables)
    monkeypatch.setattr(policy_replay, "open_stores", lambda _settings: nullcontext())
    monkeypatch.setattr(policy_replay, "load_router", lambda _stores: known_router(found))
    monkeypatch.setenv("OI_HOME", str(settings.home))
    affected = tmp_path / "affected.csv"
    CliRunner().invoke(app, ["replay", "--close", f"{hostile}=express", "--affected", str(affected), "--no-keep"])
    assert set(pd.read_csv(affected)["region_code"]) == {f"'{hostile}"}


def test_regions_are_crossed_with_what_customers_are(settings: Settings, snapshot: Snapshot) -> None:
    replay = policy_replay.replay_policy(settings, None, known_router(snapshot).policy)
    found = audit_replay(replay, 0.85, 50, ("region_code", "value_tier"))
    assert [g.group for g in found.figures["on_time"].groups] == [f"R{n} × gold" for n in range(1, 5)]


def test_what_goes_by_itself_follows_from_confidence_and_is_unknown_without_one() -> None:
    rows = pd.DataFrame({f"{name}_{when}": values for when in ("before", "after") for name, values in {
        "confidence": [0.9, 0.5, None], "parcels": [1, 2, 0], "status": ["filled", "filled", "unfilled"],
        "cost": [4.0, 9.0, 0.0],
    }.items()})  # fmt: skip
    found = figures_of(rows, 0.85)
    assert found["automated_after"].tolist()[:2] == [1.0, 0.0]
    assert found["sent_to_a_person_after"].isna().tolist() == [False, False, True]
    assert found["split_after"].tolist()[:2] == [0.0, 1.0]
    assert found["shipping_cost_after"].isna().tolist() == [False, False, True]
    assert found["unfilled_after"].tolist() == [0.0, 0.0, 1.0]


def test_a_bound_on_the_regional_gap_takes_off_gap_for_money(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A late parcel costs little, so that everybody gets ground; the bound buys express for R3 alone.
    router = known_router(snapshot, elsewhere=0.05, lateness_cost=8.0)
    monkeypatch.setattr(policy_audit, "load_router", lambda _stores: router)
    stores: Any = None
    [point] = price_constraint(stores, snapshot, 50, gaps=(0.2,), days=DAYS)
    assert point["spread"][0] > 0.15
    assert point["kept"] < 0.7
    assert point["extra"] > 0.02
    assert point["extra_interval"][0] <= point["extra"] <= point["extra_interval"][1]


def test_the_command_names_the_region_keeps_the_replay_and_exits_by_verdict(
    settings: Settings, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OI_HOME", str(settings.home))
    monkeypatch.setenv("OI_MINIMUM_SUPPORT", "50")
    affected = tmp_path / "affected.csv"
    run = CliRunner().invoke(app, ["replay", "--close", "R3=express", "--affected", str(affected), "--json"])
    told = json.loads(run.stdout)
    assert (run.exit_code, told["verdict"], told["named"]) == (1, "gap", {"on_time": ["R3"]})
    assert set(pd.read_csv(affected)["region_code"]) == {"R3"}
    [kept] = kept_replays(settings.paths.reports, snapshot.version)
    assert kept["facts"]["proposed"]["closed_services"] == {"R3": ["express"]}
    assert kept_replays(settings.paths.reports, "another snapshot") == []
    Path(told["kept"]).write_text(json.dumps({**kept, "verdict": "no_gap_found"}), encoding="utf-8")
    assert kept_replays(settings.paths.reports, snapshot.version) == [], "a replay that was edited is no evidence"


@pytest.mark.parametrize(("options", "said"), [
    (["--close", "R9=express"], "names the region 'R9'"), (["--close", "R3"], "want REGION=NAME"),
    (["--set", "lateness_cost=-1"], "lateness_cost"), (["--policy", "nowhere.json"], "cannot be read as JSON"),
    (["--group", "gender"], "--group is"), (["--twin", "nowhere"], "nowhere"),
])  # fmt: skip
def test_a_policy_that_cannot_be_meant_is_refused_as_wrong_usage(
    settings: Settings, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch, options: list[str], said: str
) -> None:
    monkeypatch.setenv("OI_HOME", str(settings.home))
    run = CliRunner().invoke(app, ["replay", *options])
    assert run.exit_code == 2
    assert said in " ".join(run.output.split())
