from pathlib import Path

import pytest
from pydantic import ValidationError

from workspace.settings import Settings, quiet_environment, use_company


def test_a_home_starts_with_the_demo_company_and_remembers_a_switch(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert settings.paths.root == tmp_path / "demo"
    use_company(settings, "olist")
    assert Settings(home=tmp_path).paths.root == tmp_path / "olist"


def test_a_company_named_in_settings_wins_over_the_current_one(tmp_path: Path) -> None:
    use_company(Settings(home=tmp_path), "olist")
    assert Settings(home=tmp_path, company="acme").paths.company == "acme"


@pytest.mark.parametrize("name", ["../up", "Acme", "1st", "a b", "x" * 41])
def test_a_company_name_that_cannot_be_a_folder_is_refused_with_the_rule(name: str) -> None:
    with pytest.raises(ValidationError, match="lower-case letter"):
        Settings(company=name)


@pytest.mark.parametrize(("field", "value"), [("threads", 0), ("confidence_threshold", 0.3), ("memory_limit", "much")])
def test_values_out_of_range_are_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError):
        Settings(**{field: value})


def test_environment_sets_what_no_argument_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OI_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("OI_THREADS", "7")
    settings = Settings()
    assert (settings.home, settings.threads) == (tmp_path / "elsewhere", 7)


def test_the_quiet_environment_turns_telemetry_off_and_lets_bytecode_be_cached() -> None:
    quiet = quiet_environment({"PYTHONDONTWRITEBYTECODE": "1", "HOME": "/h"})
    assert quiet["DO_NOT_TRACK"] == "true"
    assert quiet["HOME"] == "/h"
    assert "PYTHONDONTWRITEBYTECODE" not in quiet
