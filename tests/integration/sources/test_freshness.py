"""A source is as fresh as the last landing that met something new of it, whatever else that landing read."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sources.freshness import Arrival, freshness_of, source_freshness
from sources.history import landing_history
from sources.landing import land
from sources.manifest import AdapterError, load_adapter
from tests.support.shops import ORDER_COLUMNS, land_files, make_adapter, order, orders_csv, write_files
from workspace.settings import Settings


def _files(**orders: object) -> dict[str, dict[str, object]]:
    return {"orders": {"glob": "orders*.csv", "columns": ORDER_COLUMNS, **orders}}


def test_only_what_is_new_makes_a_source_fresh(settings: Settings, tmp_path: Path) -> None:
    adapter, extract = make_adapter(tmp_path / "adapter", files=_files(due_hours=26)), tmp_path / "x"
    now = datetime.now(UTC)
    [never] = freshness_of([adapter], [], now)
    assert (never.newest, never.is_overdue) == (None, True)

    first = land_files(settings, adapter, extract, {"orders_1.csv": orders_csv(order("A1"))})
    land(settings, adapter, extract, settle_seconds=0)
    copied = write_files(tmp_path / "copied", {"orders_9.csv": orders_csv(order("A1"))})
    land(settings, adapter, copied, settle_seconds=0)
    history = landing_history(settings)
    [found] = freshness_of([adapter], history, datetime.fromisoformat(first.started_at) + timedelta(hours=25))
    assert (found.input, found.tables, found.age_hours, found.is_overdue) == ("orders", ("orders",), 25.0, False)
    assert found.newest
    assert found.due_at == found.newest.at + timedelta(hours=26)
    [late] = freshness_of([adapter], history, datetime.fromisoformat(first.started_at) + timedelta(hours=27))
    assert late.is_overdue

    second = land_files(settings, adapter, extract, {"orders_2.csv": orders_csv(order("A2"))})
    [found] = freshness_of([adapter], landing_history(settings), datetime.now(UTC))
    assert found.newest == Arrival(datetime.fromisoformat(second.started_at), "orders_2.csv")


def test_a_source_that_promises_nothing_is_never_overdue(settings: Settings, tmp_path: Path) -> None:
    [found] = freshness_of([make_adapter(tmp_path / "adapter")], [], datetime.now(UTC))
    assert (found.place, found.state, found.is_overdue, found.due_at) == ("orders*.csv", "unpromised", False, None)


def test_a_refused_delivery_is_told_until_one_lands(settings: Settings, tmp_path: Path) -> None:
    adapter, extract = make_adapter(tmp_path / "adapter", files=_files(due_hours=26)), tmp_path / "x"
    land_files(settings, adapter, extract, {"orders_1.csv": orders_csv(order("A1"))})
    refusal = land_files(settings, adapter, extract, {"orders_2.csv": b"nonsense\n1\n"})
    [found] = source_freshness(settings)
    assert found.newest
    assert found.newest.file == "orders_1.csv"
    assert (refusal.status, found.refused_at) == ("refused", datetime.fromisoformat(refusal.started_at))
    land_files(settings, adapter, extract, {"orders_2.csv": orders_csv(order("A2"))})
    [found] = source_freshness(settings)
    assert found.newest
    assert (found.newest.file, found.refused_at) == ("orders_2.csv", None)


def test_a_file_of_the_adapters_own_is_no_source(tmp_path: Path) -> None:
    own = {"orders": {"glob": "orders*.csv", "columns": ORDER_COLUMNS, "origin": "adapter"}}
    assert freshness_of([make_adapter(tmp_path / "adapter", files=own)], [], datetime.now(UTC)) == []


def test_another_policy_lands_nothing_anew(settings: Settings, tmp_path: Path) -> None:
    land_files(settings, make_adapter(tmp_path / "a"), tmp_path / "x", {"orders.csv": orders_csv(order())})
    changed = make_adapter(tmp_path / "b", files=_files(due_hours=2))
    assert land(settings, changed, tmp_path / "x", settle_seconds=0).status == "already_landed"
    with pytest.raises(AdapterError, match="greater than 0"):
        make_adapter(tmp_path / "c", files=_files(due_hours=0))


def test_an_adapter_elsewhere_keeps_its_policy_until_it_is_removed(settings: Settings, tmp_path: Path) -> None:
    make_adapter(tmp_path / "adapter", files=_files(due_hours=26))
    land(settings, load_adapter(tmp_path / "adapter"), write_files(tmp_path / "x", {"orders.csv": orders_csv(order())}),
         settle_seconds=0)  # fmt: skip
    [found] = source_freshness(settings)
    assert (found.input, found.due_hours, found.is_overdue) == ("orders", 26.0, False)
    manifest = tmp_path / "adapter" / "manifest.yaml"
    whole = manifest.read_text(encoding="utf-8")
    manifest.write_text(whole + "\nnonsense: 1\n", encoding="utf-8")
    with pytest.raises(AdapterError, match="nonsense"):
        source_freshness(settings)
    manifest.unlink()
    assert source_freshness(settings) == []
