"""The graph as Dagster shows it."""

from orchestration.definitions import build_definitions
from workspace.settings import Settings


def test_every_asset_stands_in_a_room_of_the_graph_and_says_what_it_is(settings: Settings) -> None:
    specs = {spec.key.to_user_string(): spec for spec in build_definitions(settings).resolve_all_asset_specs()}
    assert [name for name, spec in specs.items() if spec.group_name in (None, "default")] == []
    assert [name for name, spec in specs.items() if not spec.description] == []
