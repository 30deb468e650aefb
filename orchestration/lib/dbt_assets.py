"""How dbt's nodes look as assets: their keys, groups and metadata.

Belongs here: the translator. Does not belong here: SQL (dbt_project), the assets themselves (defs/transform).
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings

from orchestration.lib.column_lineage import asset_lineage


class ProjectTranslator(DagsterDbtTranslator):
    """Names dbt nodes as assets: sources are the assets of landing and matching, folders are groups."""

    def __init__(self) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_source_tests_as_checks=False))

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """`<source>/<table>` for a source, the bare model name otherwise."""
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey([dbt_resource_props["source_name"], dbt_resource_props["name"]])
        return dg.AssetKey([dbt_resource_props["name"]])

    def get_metadata(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, Any]:
        """The default's, and where the columns of a model come from."""
        metadata = dict(super().get_metadata(dbt_resource_props))
        lineage = asset_lineage(dbt_resource_props["name"]) if dbt_resource_props["resource_type"] == "model" else None
        return {**metadata, "dagster/column_lineage": lineage} if lineage else metadata

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The top folder below `models/`; the snapshots keep the history of master data."""
        if dbt_resource_props["resource_type"] == "snapshot":
            return "master_data"
        folders = dbt_resource_props.get("fqn", [])
        return folders[1] if len(folders) > 2 else None
