"""A decision of a kept plan is given again with the same hash, or it is said why it cannot be."""

from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace

import duckdb
import pytest

from decisions.routing import plan as planning
from decisions.routing import replay as replaying
from decisions.routing.plan import PlanJob
from decisions.routing.replay import DecisionNotReplayable, replay_decision
from workspace.published import Snapshot
from workspace.settings import Settings


@pytest.fixture
def planned(settings: Settings, champion: Snapshot, monkeypatch: pytest.MonkeyPatch) -> Snapshot:
    """A plan by that champion, whose registry answers without being opened; gives the snapshot."""
    history = SimpleNamespace(version=lambda _version: SimpleNamespace(dossier="d" * 64))
    stores = SimpleNamespace(promotions=SimpleNamespace(history=lambda _model: history))
    monkeypatch.setattr(replaying, "open_stores", lambda _settings: nullcontext(stores))
    monkeypatch.setattr(replaying, "signed_digest", lambda *_: "0" * 64)
    monkeypatch.setattr(replaying, "load", lambda *_: planning.load_champion())
    PlanJob().run(settings, champion)
    return champion


@pytest.mark.parametrize("order", ["moving", "free", "packed"])
def test_the_same_decision_and_hash_come_out(settings: Settings, planned: Snapshot, order: str) -> None:
    found = replay_decision(settings, order)
    assert found.is_same
    assert found.recorded == found.replayed
    assert (found.model_version, found.dossier, found.snapshot) == ("7", "d" * 64, planned.version)
    assert replay_decision(settings, found.id) == found


def test_a_changed_decision_gives_another_hash(settings: Settings, planned: Snapshot) -> None:
    file = next(settings.paths.plans.glob("*/decisions.parquet"))
    changed = file.with_suffix(".changed")
    duckdb.sql(f"copy (select * replace (0.5::double as confidence) from '{file}') to '{changed}' (format parquet)")
    changed.replace(file)
    found = replay_decision(settings, "moving")
    assert not found.is_same
    assert found.recorded["decision"]["confidence"] == 0.5


@pytest.mark.parametrize("name", ["nobody", "moving@elsewhere", "moving@../../users"])
def test_what_was_never_decided_is_not_replayed(settings: Settings, planned: Snapshot, name: str) -> None:
    with pytest.raises(DecisionNotReplayable):
        replay_decision(settings, name)


def test_data_that_was_changed_is_named(settings: Settings, planned: Snapshot) -> None:
    stock = planned.path("fct_inventory_daily")
    stock.chmod(0o644)
    stock.write_bytes(stock.read_bytes() + b"\0")
    with pytest.raises(DecisionNotReplayable, match="as published"):
        replay_decision(settings, "moving")


def test_a_rule_that_decided_because_the_solver_failed_is_not_replayed(
    settings: Settings, planned: Snapshot, monkeypatch: pytest.MonkeyPatch, make_snapshot: Callable[..., Snapshot]
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError("no room")

    with monkeypatch.context() as broken:
        broken.setattr(planning, "solve_batch", fail)
        PlanJob(window_hours=3.0).run(settings, planned)
    with pytest.raises(DecisionNotReplayable, match="no room"):
        replay_decision(settings, "moving")
