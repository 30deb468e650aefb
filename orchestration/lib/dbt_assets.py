"""How dbt's nodes look as assets, and how Dagster calls dbt.

Belongs here: the translator, the resource. Does not belong here: SQL (dbt_project), the assets themselves
(defs/transform).
"""

import importlib.metadata
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource
from packaging.version import Version

from orchestration.lib.column_lineage import asset_lineage


class QuietDbt(DbtCliResource):
    """dbt's command line without what dagster-dbt does around each call for nobody here.

    It asks `dbt --version`, which looks for newer ones on the internet, and loads project and adapter into Dagster's
    own process, which only fetching row counts or columns needs: together 11 s of a run with four calls.
    """

    @cached_property
    def _cli_version(self) -> Version:
        return Version(importlib.metadata.version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> Any:
        return None


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
