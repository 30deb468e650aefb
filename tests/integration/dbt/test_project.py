"""The project as a whole: its own unit tests, a company without optional tables, and what it promises its readers."""

import re
from pathlib import Path

import pytest

from orchestration.lib.column_lineage import asset_lineage, kept_lineage, lineage_of, origins
from tests.support.dbt_company import Company

#: What docs/architecture.md says other rooms rely on.
PUBLISHED = {"xref_customers", "xref_products", "xref_warehouses", "dim_customers", "dim_products", "dim_warehouses",
             "dim_regions", "fct_orders", "fct_order_lines", "fct_shipments", "fct_order_events", "fct_inventory_daily",
             "kpi_daily", "feat_order_delivery", "feat_parcel_delivery", "unmapped_codes", "fct_landed_rows",
             "landed_records", "fct_inbound_deliveries", "feat_stock_daily"}  # fmt: skip


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
        for table in ("feat_order_delivery", "feat_parcel_delivery")
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


def test_columns_are_traced_to_where_they_came_in() -> None:
    lineage = kept_lineage()
    assert lineage["kpi_daily"]["on_time_pct"] == ["fct_orders.is_late"]
    assert lineage["kpi_daily"]["count_orders"] == []  # a count of rows
    assert origins(lineage, "fct_order_events", "recorded_at") == ["landing.order_events.recorded_at"]
    assert origins(lineage, "fct_inventory_daily", "on_hand_quantity") == [
        "landing.inventory_snapshots.on_hand_quantity"
    ]
    late = set(origins(lineage, "feat_order_delivery", "is_late"))
    assert {"landing.orders.promised_at", "landing.shipments.delivered_at"} <= late
    assert "landing.orders.customer_code" not in late
    assert "matching.matched_records.golden_id" in origins(lineage, "fct_orders", "customer_id")


def test_the_kept_lineage_is_that_of_the_sql(bare: Company) -> None:
    columns = {n["name"]: set(n["columns"]) for n in bare.manifest["nodes"].values() if n["name"] in PUBLISHED}
    kept = {name: set(kept_lineage()[name]) for name in PUBLISHED}
    assert columns == kept, "run `python -m orchestration.lib.column_lineage`"
    for name, found in lineage_of(bare.manifest, {"kpi_daily", "fct_order_events", "xref_products"}):
        assert found == kept_lineage()[name], "run `python -m orchestration.lib.column_lineage`"


def test_dagster_is_told_the_lineage() -> None:
    lineage = asset_lineage("kpi_daily")
    assert lineage is not None
    [dep] = lineage.deps_by_column["on_time_pct"]
    assert (dep.asset_key.to_user_string(), dep.column_name) == ("fct_orders", "is_late")
