"""Meeting the dbt project: its manifest and its environment.

Belongs here: preparing the manifest, and the environment that dbt's profile reads.
Does not belong here: SQL (dbt_project), how dbt's nodes look as assets (lib/dbt_assets).
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workspace.files import sha256_of_tree, write_atomically
from workspace.settings import Settings, quiet_environment

PROJECT = Path(__file__).parents[2] / "dbt_project"
EXECUTABLE = Path(sys.executable).parent / "dbt"


class DbtParseFailed(RuntimeError):
    """dbt could not read the project; carries what dbt said."""


def dbt_environment(settings: Settings) -> dict[str, str]:
    """What `dbt_project/profiles.yml` and its sources read from the environment."""
    paths = settings.paths
    return {
        "OI_DBT_WAREHOUSE": str(paths.warehouse),
        "OI_DBT_LANDING": str(paths.landing),
        "OI_DBT_MATCHING": str(paths.matching),
        "OI_DBT_THREADS": str(settings.threads),
        "OI_DBT_MEMORY_LIMIT": settings.memory_limit,
        "OI_DBT_SPILL": str(paths.spill),
    }


def _parsed(settings: Settings) -> Path:
    return settings.home / "dbt_manifest"


@contextmanager
def dbt_environment_set(settings: Settings) -> Iterator[None]:
    """Set dbt's environment for a while: dagster-dbt hands its own process's environment down and takes no other.

    In `DBT_TARGET_PATH` it finds the project as `prepare_manifest` parsed it, for a call's first time in its folder.
    """
    before = dict(os.environ)
    os.environ.update(quiet_environment({**dbt_environment(settings), "DBT_TARGET_PATH": str(_parsed(settings))}))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def prepare_manifest(settings: Settings) -> Path:
    """The project's manifest, parsed anew when a file of the project changed since.

    Raises:
        DbtParseFailed: with dbt's own words.
    """
    target = _parsed(settings)
    manifest, stamp = target / "manifest.json", target / "project.sha256"
    digest = sha256_of_tree(PROJECT)
    if manifest.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == digest:
        return manifest
    target.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [str(EXECUTABLE), "--quiet", "parse", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT),
         "--target-path", str(target), "--log-path", str(target)],
        env={**quiet_environment(), **dbt_environment(settings)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise DbtParseFailed(f"dbt could not parse {PROJECT}:\n{done.stdout}{done.stderr}")
    write_atomically(stamp, digest)
    return manifest
