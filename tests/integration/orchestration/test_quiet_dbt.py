"""How Dagster calls dbt."""

from pathlib import Path

import dagster_dbt.core.resource
import pytest

from orchestration.lib.dbt import EXECUTABLE, PROJECT, dbt_environment_set
from orchestration.lib.dbt_assets import QuietDbt
from workspace.settings import Settings


def test_a_call_asks_nobody_for_newer_versions_and_loads_no_second_adapter(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(*_: object, **__: object) -> bytes:
        raise AssertionError("`dbt --version` looks for newer versions on the internet")

    monkeypatch.setattr(dagster_dbt.core.resource, "check_output", ask)
    dbt = QuietDbt(project_dir=str(PROJECT), profiles_dir=str(PROJECT), dbt_executable=str(EXECUTABLE))
    settings.paths.ensure()
    with dbt_environment_set(settings):
        call = dbt.cli(["ls", "--select", "stg_orders"], target_path=tmp_path).wait()
    assert call.is_successful()
    assert call.adapter is None
