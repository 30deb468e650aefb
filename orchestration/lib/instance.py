"""The local Dagster instance of a company: its configuration file, and opening it.

Belongs here: `dagster.yaml`. Does not belong here: running jobs (lib/runs), starting servers (cli/up).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import yaml

from workspace.files import write_atomically
from workspace.settings import Settings

#: Everything that opens the embedded DuckDB file is in this pool, which lets one step in at a time.
WAREHOUSE_POOL = "warehouse"

CONFIGURATION = {
    "telemetry": {"enabled": False},
    "nux": {"enabled": False},
    "concurrency": {"pools": {"default_limit": 1, "granularity": "op"}},
    "freshness": {"enabled": True},
    "run_monitoring": {"enabled": True, "start_timeout_seconds": 180},
    "run_coordinator": {
        "module": "dagster.core.run_coordinator",
        "class": "QueuedRunCoordinator",
    },
}


def configure_instance(settings: Settings) -> Path:
    """Write the company's `dagster.yaml`; returns the folder that is its `DAGSTER_HOME`."""
    folder = settings.paths.ensure().dagster
    write_atomically(folder / "dagster.yaml", yaml.safe_dump(CONFIGURATION, sort_keys=False))
    return folder


@contextmanager
def open_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The company's Dagster instance, closed afterwards."""
    with dg.DagsterInstance.from_config(str(configure_instance(settings))) as instance:
        yield instance
