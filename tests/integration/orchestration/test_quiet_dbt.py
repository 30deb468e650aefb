"""How Dagster calls dbt."""

from pathlib import Path

import dagster_dbt.core.resource
import pytest

from orchestration.lib.dbt import EXECUTABLE, PROJECT, dbt_environment_set, prepare_manifest
from orchestration.lib.dbt_assets import QuietDbt
from workspace.settings import Settings


@pytest.fixture
def dbt() -> QuietDbt:
    """dbt as the assets call it."""
    return QuietDbt(project_dir=str(PROJECT), profiles_dir=str(PROJECT), dbt_executable=str(EXECUTABLE))


def test_a_call_asks_nobody_for_newer_versions_and_loads_no_second_adapter(
    dbt: QuietDbt, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(*_: object, **__: object) -> bytes:
        raise AssertionError("`dbt --version` looks for newer versions on the internet")

    monkeypatch.setattr(dagster_dbt.core.resource, "check_output", ask)
    settings.paths.ensure()
    with dbt_environment_set(settings):
        call = dbt.cli(["ls", "--select", "stg_orders"], target_path=tmp_path).wait()
    assert call.is_successful()
    assert call.adapter is None


def test_the_first_call_in_a_folder_does_not_parse_the_project_again(
    dbt: QuietDbt, settings: Settings, tmp_path: Path
) -> None:
    settings.paths.ensure()
    prepare_manifest(settings)
    with dbt_environment_set(settings):
        assert dbt.cli(["ls", "--select", "stg_orders"], target_path=tmp_path).wait().is_successful()
    assert "no changes found, skipping parsing" in (tmp_path / "dbt.log").read_text(encoding="utf-8")
