"""The local Dagster instance of a company: its configuration file, and opening it.

Belongs here: `dagster.yaml`. Does not belong here: running jobs (lib/runs), starting servers (cli/up).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import yaml

from orchestration.lib.event_log import BATCHES, BatchingSqliteEventLog
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
    event_log = {
        "module": BatchingSqliteEventLog.__module__,
        "class": BatchingSqliteEventLog.__name__,
        "config": {"base_dir": str(folder / "history" / "runs")},
    }
    content = {**CONFIGURATION, "event_log_storage": event_log}
    write_atomically(folder / "dagster.yaml", yaml.safe_dump(content, sort_keys=False))
    return folder


@contextmanager
def open_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The company's Dagster instance, closed afterwards; this process writes events in batches from now on."""
    os.environ.update(BATCHES)
    with dg.DagsterInstance.from_config(str(configure_instance(settings))) as instance:
        yield instance
