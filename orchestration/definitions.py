"""The asset graph: loads what stands in `defs/` and applies the policies that hold for all of it.

Belongs here: global policies, the workspace resource and the company's own sources. Does not belong here: assets,
jobs, schedules (defs).
"""

from pathlib import Path

import dagster as dg

from orchestration.lib.source_assets import with_sources
from orchestration.lib.workspace_resource import workspace_resource
from workspace.settings import Settings

#: A step that failed for a passing reason (a busy file, a server that restarts) is tried twice more.
RETRY = dg.RetryPolicy(max_retries=2, delay=2, backoff=dg.Backoff.EXPONENTIAL)


@dg.definitions
def defs() -> dg.Definitions:
    """The graph of the company that the environment and the home name."""
    return build_definitions(None)


def build_definitions(settings: Settings | None) -> dg.Definitions:
    """The whole graph.

    Args:
        settings: Company to work on, for a test, the command line or a notebook; None follows the environment.
    """
    loaded = dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
    workspace = workspace_resource(settings)
    return dg.Definitions.merge(
        with_sources(loaded, workspace.settings),
        dg.Definitions(resources={"workspace": workspace}, executor=dg.in_process_executor),
    )
