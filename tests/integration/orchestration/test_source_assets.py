"""Dagster's freshness policies are those of the manifests, and count from the landing that met something new."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.freshness import FreshnessState
from dagster._core.definitions.freshness_evaluator import FRESHNESS_EVALUATORS_BY_POLICY_TYPE
from dagster._core.loader import LoadingContextForTest

from orchestration.definitions import build_definitions
from orchestration.defs.automation import source_arrivals
from orchestration.lib.extracts import known_extracts
from orchestration.lib.instance import open_instance
from orchestration.lib.source_assets import report_arrivals
from orchestration.lib.workspace_resource import workspace_resource
from sources.landing import land
from sources.manifest import Adapter, load_adapter
from tests.support.shops import ORDER_COLUMNS, land_files, make_adapter, order, orders_csv
from workspace.files import write_atomically
from workspace.settings import Settings

ORDERS, REGIONS = dg.AssetKey(["source", "shop", "orders"]), dg.AssetKey(["source", "shop", "regions"])


@pytest.fixture
def adapter(tmp_path: Path) -> Adapter:
    """Orders are due within 26 hours; of a list of regions nothing is promised."""
    return make_adapter(
        tmp_path / "adapter",
        files={"orders": {"glob": "orders*.csv", "columns": ORDER_COLUMNS, "due_hours": 26},
               "regions": {"glob": "regions.csv", "columns": ["code"], "optional": True}},
    )  # fmt: skip


def state_of(settings: Settings, instance: dg.DagsterInstance, key: dg.AssetKey) -> FreshnessState:
    """What the daemon's own evaluator says of an asset now."""
    node = build_definitions(settings).resolve_asset_graph().get(key)
    policy = node.freshness_policy_or_from_metadata
    assert policy is not None
    evaluator = FRESHNESS_EVALUATORS_BY_POLICY_TYPE[type(policy)]()
    return asyncio.run(evaluator.evaluate_freshness(LoadingContextForTest(instance), node))


def date_back(settings: Settings, hours: float) -> datetime:
    """Make the only landing as old as that; returns its time."""
    [path] = settings.paths.landing_files.glob("*.json")
    at = datetime.now(UTC) - timedelta(hours=hours)
    text = path.read_text(encoding="utf-8")
    started = text[text.index('"started_at": "') :].split('"')[3]
    write_atomically(path.resolve(), text.replace(started, at.isoformat()))
    return at


def test_each_source_stands_before_its_tables_with_the_policy_of_its_manifest(
    settings: Settings, adapter: Adapter, tmp_path: Path
) -> None:
    land_files(settings, adapter, tmp_path / "x", {"orders.csv": orders_csv(order())})
    graph = build_definitions(settings).resolve_asset_graph()
    policy = graph.get(ORDERS).freshness_policy_or_from_metadata
    assert policy == dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=26))
    assert graph.get(REGIONS).freshness_policy_or_from_metadata is None
    assert graph.get(dg.AssetKey(["landing", "orders"])).parent_keys == {ORDERS}
    others = [key for key in graph.get_all_asset_keys() if graph.get(key).freshness_policy_or_from_metadata]
    assert others == [ORDERS]


def test_a_source_is_fresh_from_the_landing_that_met_something_new(
    settings: Settings, adapter: Adapter, tmp_path: Path
) -> None:
    land_files(settings, adapter, tmp_path / "x", {"orders_1.csv": orders_csv(order("A1"))})
    at = date_back(settings, hours=27)
    with open_instance(settings) as instance:
        assert state_of(settings, instance, ORDERS) is FreshnessState.UNKNOWN
        assert report_arrivals(instance, settings) == [ORDERS]
        event = instance.get_latest_materialization_event(ORDERS)
        assert event
        assert event.timestamp == pytest.approx(at.timestamp(), abs=1e-3)
        assert event.asset_materialization
        assert event.asset_materialization.metadata["file"].value == "orders_1.csv"
        assert state_of(settings, instance, ORDERS) is FreshnessState.FAIL

        land(settings, adapter, tmp_path / "x", settle_seconds=0)
        assert report_arrivals(instance, settings) == [], "a landing that finds nothing new makes no source fresh"
        assert state_of(settings, instance, ORDERS) is FreshnessState.FAIL

        land_files(settings, adapter, tmp_path / "x", {"orders_2.csv": orders_csv(order("A2"))})
        context = dg.build_sensor_context(instance=instance)
        skipped = source_arrivals(context, workspace=workspace_resource(settings))
        assert isinstance(skipped, dg.SkipReason)
        assert skipped.skip_message == "New: orders."
        assert state_of(settings, instance, ORDERS) is FreshnessState.PASS


def test_a_broken_manifest_leaves_the_rest_of_the_graph(settings: Settings, adapter: Adapter, tmp_path: Path) -> None:
    land_files(settings, adapter, tmp_path / "x", {"orders.csv": orders_csv(order())})
    manifest = tmp_path / "adapter" / "manifest.yaml"
    manifest.write_text(manifest.read_text(encoding="utf-8") + "\nnonsense: 1\n", encoding="utf-8")
    graph = build_definitions(settings).resolve_asset_graph()
    assert dg.AssetKey(["landing", "orders"]) in graph.get_all_asset_keys()
    assert ORDERS not in graph.get_all_asset_keys()


def test_an_extract_landed_by_an_adapter_elsewhere_is_known(
    settings: Settings, adapter: Adapter, tmp_path: Path
) -> None:
    land_files(settings, adapter, tmp_path / "x", {"orders.csv": orders_csv(order())})
    assert known_extracts(settings) == [(load_adapter(tmp_path / "adapter"), tmp_path / "x")]
