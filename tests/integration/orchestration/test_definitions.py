"""The graph as Dagster shows it."""

import dagster as dg
import pytest

from orchestration.definitions import build_definitions
from orchestration.defs import jobs
from workspace.settings import Settings


def test_every_asset_stands_in_a_room_of_the_graph_and_says_what_it_is(settings: Settings) -> None:
    specs = {spec.key.to_user_string(): spec for spec in build_definitions(settings).resolve_all_asset_specs()}
    assert [name for name, spec in specs.items() if spec.group_name in (None, "default")] == []
    assert [name for name, spec in specs.items() if not spec.description] == []


def _upstream(key: dg.AssetKey, parents: dict[dg.AssetKey, set[dg.AssetKey]]) -> set[dg.AssetKey]:
    """All assets that come before one."""
    found: set[dg.AssetKey] = set()
    waiting = [key]
    while waiting:
        new = parents[waiting.pop()] - found
        found |= new
        waiting += new
    return found


@pytest.mark.parametrize("job", ["build", "refresh", "score", "train_and_audit", "train_routing", "everything"])
def test_a_job_that_leaves_assets_out_keeps_the_order_of_those_it_runs(settings: Settings, job: str) -> None:
    graph = build_definitions(settings).resolve_asset_graph()
    parents = {key: set(graph.get(key).parent_keys) for key in graph.get_all_asset_keys()}
    chosen = getattr(jobs, job).selection.resolve(graph)
    # The job runs in the order of the edges between its own assets: what lies between them is not there to keep it.
    within = {key: parents[key] & chosen for key in chosen}
    unordered = {
        (before.to_user_string(), key.to_user_string())
        for key in chosen
        for before in (_upstream(key, parents) & chosen) - _upstream(key, within)
    }
    assert unordered == set()
