"""The dbt project's staging is what the landing contract says."""

from pathlib import Path

import yaml

from sources.contracts import load_contract
from sources.dbt_sources import PROJECT, rendered, stale, write


def test_the_project_follows_the_contract() -> None:
    assert stale() == [], "run `python -m sources.dbt_sources`"


def test_every_difference_is_named_and_mended(tmp_path: Path) -> None:
    write(tmp_path)
    assert stale(tmp_path) == []
    (tmp_path / "models/staging/stg_orders.sql").write_text("select 1", encoding="utf-8")
    (tmp_path / "models/staging/stg_payments.sql").write_text("select 1", encoding="utf-8")
    (tmp_path / "macros/landing_contract.sql").unlink()
    differing = ["macros/landing_contract.sql", "models/staging/stg_orders.sql", "models/staging/stg_payments.sql"]
    assert stale(tmp_path) == differing
    assert write(tmp_path) == differing
    assert stale(tmp_path) == []


def test_personal_data_and_retention_reach_the_staging_columns() -> None:
    text = rendered(load_contract())[Path("models/staging/_staging__models.yml")]
    customers = next(m for m in yaml.safe_load(text)["models"] if m["name"] == "stg_customers")
    email = next(c for c in customers["columns"] if c["name"] == "email")
    assert email["config"]["meta"]["personal_data"] == "direct"
    assert email["config"]["meta"]["retention_days"] == load_contract()["customers"].column("email").retention_days


def test_landing_adds_the_columns_that_staging_expects() -> None:
    from sources.dbt_sources import LANDING_COLUMNS
    from sources.mapping import META_COLUMNS

    assert {name: kind for name, (kind, _) in LANDING_COLUMNS.items()} == META_COLUMNS
    assert (PROJECT / "dbt_project.yml").exists()
