"""Lineage of columns: known origins, and the kept file beside the SQL as it stands."""

from orchestration.lib.column_lineage import asset_lineage, compile_project, kept_lineage, lineage_of, origins


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


def test_the_kept_lineage_is_that_of_the_sql() -> None:
    manifest = compile_project()
    models = {n["name"]: n for n in manifest["nodes"].values() if n["resource_type"] == "model"}
    built = {name: set(n["columns"]) for name, n in models.items() if n["config"]["materialized"] != "ephemeral"}
    kept = {name: set(columns) for name, columns in kept_lineage().items()}
    assert built == kept, "run `python -m orchestration.lib.column_lineage`"
    for name, found in lineage_of(manifest, {"kpi_daily", "fct_order_events", "xref_products"}):
        assert found == kept_lineage()[name], "run `python -m orchestration.lib.column_lineage`"


def test_dagster_is_told_the_lineage() -> None:
    lineage = asset_lineage("kpi_daily")
    assert lineage is not None
    [dep] = lineage.deps_by_column["on_time_pct"]
    assert (dep.asset_key.to_user_string(), dep.column_name) == ("fct_orders", "is_late")
