"""Publishing the marts: one atomic step from the warehouse to a snapshot that readers use.

Belongs here: the asset that publishes. Does not belong here: which models are published, and how they are written
(lib/export).
"""

import json
import tempfile
from pathlib import Path

import dagster as dg
import duckdb

from orchestration.lib.dbt import prepare_manifest
from orchestration.lib.export import export_tables, published_models
from orchestration.lib.instance import WAREHOUSE_POOL
from orchestration.lib.metadata import table_metadata
from orchestration.lib.workspace_resource import WorkspaceResource
from workspace.published import publish
from workspace.settings import load_settings
from workspace.warehouse import open_warehouse

SNAPSHOT = dg.AssetKey("published_marts")


@dg.definitions
def publication() -> dg.Definitions:
    """The publishing asset, downstream of every published model."""
    tables = published_models(json.loads(prepare_manifest(load_settings()).read_text(encoding="utf-8")))

    @dg.asset(
        key=SNAPSHOT, deps=[dg.AssetKey(table.name) for table in tables], group_name="publication",
        kinds={"parquet", "duckdb"}, owners=["team:data-engineering"], pool=WAREHOUSE_POOL,
    )  # fmt: skip
    def published_marts(context: dg.AssetExecutionContext, workspace: WorkspaceResource) -> dg.MaterializeResult[None]:
        """The current snapshot of marts and features that the console, the models and the decisions read.

        Grain: one folder of Parquet files a publication; unchanged content is not published again, and of large tables
        the days alone that changed are written.
        """
        settings = workspace.settings
        with tempfile.TemporaryDirectory(dir=settings.paths.ensure().published, prefix=".export-") as scratch:
            with open_warehouse(settings, f"publication, run {context.run.run_id}", read_only=True) as connection:
                files = export_tables(connection, tables, Path(scratch), settings.paths.published)
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
