"""The project as a whole: its own unit tests, a company without optional tables, and what it promises its readers."""

import re
from pathlib import Path

import pytest

from tests.support.dbt_company import Company

#: What docs/architecture.md says other rooms rely on.
PUBLISHED = {"xref_customers", "xref_products", "xref_warehouses", "dim_customers", "dim_products", "dim_warehouses",
             "dim_regions", "fct_orders", "fct_order_lines", "fct_shipments", "fct_order_events", "fct_inventory_daily",
             "kpi_daily", "feat_order_delivery", "feat_parcel_delivery", "unmapped_codes", "fct_landed_rows",
             "landed_records", "fct_inbound_deliveries", "feat_stock_daily", "golden_values",
             "unmapped_uses"}  # fmt: skip


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, bench: Path) -> Company:
    """A company that has landed nothing: every table is there, with types and without rows."""
    company = Company(tmp_path_factory.mktemp("bare"), bench)
    company.build()
    return company


def test_hard_sql_gives_what_was_worked_out_by_hand(bare: Company) -> None:
    bare.dbt("test", "--select", "test_type:unit")


def test_a_company_without_rows_builds_whole(bare: Company) -> None:
    assert bare.rows("select region_code, name from dim_regions") == [("unknown", "Unknown")]
    for table in PUBLISHED - {"dim_regions"}:
        assert bare.rows(f"select count(*) from {table}") == [(0,)], table


def test_what_others_read_is_published_under_contract_and_described(bare: Company) -> None:
    manifest = bare.manifest
    models = {n["name"]: n for n in manifest["nodes"].values() if n["resource_type"] == "model"}
    assert {name for name, node in models.items() if node["config"]["meta"].get("published")} == PUBLISHED
    for name in PUBLISHED:
        assert models[name]["config"]["contract"]["enforced"], name
    for name, node in models.items():
        assert re.search(r"One row per [^.]+\.$", node["description"].strip()), f"{name} does not end in its grain"
        for column in node["columns"].values():
            assert column["description"], f"{name}.{column['name']} has no description"
            assert column["config"]["meta"]["personal_data"] in ("none", "quasi", "direct"), f"{name}.{column['name']}"


def test_every_feature_says_its_unit_and_what_null_means(bare: Company) -> None:
    manifest = bare.manifest
    columns = [
        column
        for table in ("feat_order_delivery", "feat_parcel_delivery", "feat_stock_daily")
        for column in manifest["nodes"][f"model.order_intelligence.{table}"]["columns"].values()
    ]
    silent = []
    for column in columns:
        never_null = any(c["type"] == "not_null" for c in column["constraints"])
        if not never_null and "null_means" not in column["config"]["meta"]:
            silent.append(f"{column['name']}: what does null mean?")
        if column["data_type"] in ("double", "integer", "bigint") and "unit" not in column["config"]["meta"]:
            silent.append(f"{column['name']}: which unit?")
    assert silent == []


def test_every_check_has_a_severity(bare: Company) -> None:
    manifest = bare.manifest
    tests = [n for n in manifest["nodes"].values() if n["resource_type"] == "test"]
    assert {n["config"]["severity"].lower() for n in tests} == {"error", "warn"}
    assert all("severity" in n["unrendered_config"] for n in tests)
