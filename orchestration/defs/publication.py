"""Publishing the marts: one atomic step from the warehouse to a snapshot that readers use.

Belongs here: the asset that exports and publishes.
Does not belong here: which models are published; a dbt model says so itself with `meta: {published: true}`.
"""

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb

from orchestration.lib.dbt import prepare_manifest
from orchestration.lib.instance import WAREHOUSE_POOL
from orchestration.lib.metadata import table_metadata
from orchestration.lib.workspace_resource import WorkspaceResource
from workspace.published import publish
from workspace.settings import load_settings
from workspace.warehouse import open_warehouse

SNAPSHOT = dg.AssetKey("published_marts")


def published_models(manifest: Mapping[str, Any]) -> dict[str, list[str]]:
    """Names of the dbt models that are published, in name order, each with the columns that its rows are ordered by.

    Those are its day and its key, as its test `is_key` names them: an order without ties, so that equal rows make equal
    bytes, at a fraction of what sorting by every column costs; and readers of some days skip the rest of the file. None
    where the model has no such test.
    """
    nodes = manifest["nodes"].values()
    published = [n for n in nodes if n["resource_type"] == "model" and n["config"]["meta"].get("published")]
    keys = {
        n["attached_node"]: n["test_metadata"]["kwargs"]
        for n in nodes
        if n["resource_type"] == "test" and (n.get("test_metadata") or {}).get("name") == "is_key"
    }
    return {n["name"]: _order(keys.get(n["unique_id"], {})) for n in sorted(published, key=lambda n: n["name"])}


def _order(test: Mapping[str, Any]) -> list[str]:
    columns = [test.get("day_column"), *test.get("columns", [])]
    return list(dict.fromkeys(column for column in columns if column))


@dg.definitions
def publication() -> dg.Definitions:
    """The publishing asset, downstream of every published model."""
    tables = published_models(json.loads(prepare_manifest(load_settings()).read_text(encoding="utf-8")))

    @dg.asset(
        key=SNAPSHOT, deps=[dg.AssetKey(table) for table in tables], group_name="publication",
        kinds={"parquet", "duckdb"}, owners=["team:data-engineering"], pool=WAREHOUSE_POOL,
    )  # fmt: skip
    def published_marts(context: dg.AssetExecutionContext, workspace: WorkspaceResource) -> dg.MaterializeResult[None]:
        """The current snapshot of marts and features that the console, the models and the decisions read.

        Grain: one folder of Parquet files a publication; unchanged content is not published again.
        """
        settings = workspace.settings
        with tempfile.TemporaryDirectory(dir=settings.paths.ensure().published, prefix=".export-") as scratch:
            with open_warehouse(settings, f"publication, run {context.run.run_id}", read_only=True) as connection:
                files = {t: export_table(connection, t, order, Path(scratch)) for t, order in tables.items()}
                as_of = _as_of(connection)
            snapshot = publish(
                settings.paths.published, files, {"as_of": as_of, "run_id": context.run.run_id}, settings.keep_snapshots
            )
        rows = [{"table": name, "rows": entry["rows"]} for name, entry in snapshot.tables.items()]
        return dg.MaterializeResult(
            metadata={
                "version": snapshot.version,
                "digest": snapshot.digest,
                "as_of": as_of,
                "tables": table_metadata(rows, ["table", "rows"]),
                "dagster/row_count": sum(int(str(row["rows"])) for row in rows),
            }
        )

    return dg.Definitions(assets=[published_marts])


def export_table(connection: duckdb.DuckDBPyConnection, table: str, order: Sequence[str], folder: Path) -> Path:
    """Write a table of the warehouse to `<folder>/<table>.parquet`, its rows in order; no columns order by all."""
    path = folder / f"{table}.parquet"
    target = str(path).replace("'", "''")
    by = ", ".join(f'"{column}"' for column in order) or "all"
    connection.execute(f"copy (from \"{table}\" order by {by}) to '{target}' (format parquet, compression zstd)")
    return path


def _as_of(connection: duckdb.DuckDBPyConnection) -> str:
    """The last moment that the facts know of: an event, or a parcel that was given to a node."""
    row = connection.execute(
        "select greatest(max(occurred_at), (select max(created_at) from fct_shipments where has_order)) "
        "from fct_order_events"
    ).fetchone()
    if row and row[0]:
        return str(row[0].isoformat())
    row = connection.execute("select max(greatest(ordered_at, delivered_at)) from fct_orders").fetchone()
    return str(row[0].isoformat()) if row and row[0] else ""
