"""dbt models as assets: staging, master data, daily facts, and what is built over all days.

Belongs here: the dbt assets and how a run of them is called. Does not belong here: SQL (dbt_project).

One dbt project is cut into four runs: matching stands between staging and master data, and the facts are partitioned by
day while the others are not.
"""

import json
from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets

from orchestration.lib.dbt import EXECUTABLE, PROJECT, dbt_environment_set, prepare_manifest
from orchestration.lib.dbt_assets import ProjectTranslator, QuietDbt
from orchestration.lib.instance import WAREHOUSE_POOL
from orchestration.lib.partitions import CHANGES_TAG, DAYS, ONE_RUN
from orchestration.lib.workspace_resource import WorkspaceResource
from sources.history import landed_days, landed_orders
from workspace.settings import Settings, load_settings
from workspace.warehouse import open_warehouse, warehouse_lock

#: What matching reads: staging, and the records as they are compared.
STAGING = "order_intelligence.staging +tag:before_matching"
#: Models below this tag are replaced by day.
DAILY = "tag:daily"
#: What is built after the facts, over all days.
AFTER_FACTS = "tag:after_facts"


@dg.definitions
def transform() -> dg.Definitions:
    """Assets of the dbt project, from its manifest."""
    manifest = prepare_manifest(load_settings())
    translator = ProjectTranslator()

    @dbt_assets(
        manifest=manifest, name="staging_models", select=STAGING, dagster_dbt_translator=translator,
        pool=WAREHOUSE_POOL,
    )  # fmt: skip
    def staging_models(context: dg.AssetExecutionContext, dbt: QuietDbt, workspace: WorkspaceResource) -> Iterator[Any]:
        yield from _build(context, dbt, workspace)

    @dbt_assets(
        manifest=manifest, name="master_data_models", exclude=f"{STAGING} {DAILY} {AFTER_FACTS}",
        dagster_dbt_translator=translator, pool=WAREHOUSE_POOL,
    )  # fmt: skip
    def master_data_models(
        context: dg.AssetExecutionContext, dbt: QuietDbt, workspace: WorkspaceResource
    ) -> Iterator[Any]:
        yield from _build(context, dbt, workspace)

    @dbt_assets(
        manifest=manifest, name="daily_models", select=DAILY, partitions_def=DAYS, backfill_policy=ONE_RUN,
        dagster_dbt_translator=translator, pool=WAREHOUSE_POOL,
    )  # fmt: skip
    def daily_models(context: dg.AssetExecutionContext, dbt: QuietDbt, workspace: WorkspaceResource) -> Iterator[Any]:
        days, settings = context.partition_key_range, workspace.settings
        if CHANGES_TAG.items() <= context.run.tags.items():
            yield from _build(context, dbt, workspace, **change_variables(settings))
        else:
            yield from _build(context, dbt, workspace, **day_variables(settings, days.start, days.end))

    @dbt_assets(
        manifest=manifest, name="models_over_all_days", select=AFTER_FACTS, dagster_dbt_translator=translator,
        pool=WAREHOUSE_POOL,
    )  # fmt: skip
    def models_over_all_days(
        context: dg.AssetExecutionContext, dbt: QuietDbt, workspace: WorkspaceResource
    ) -> Iterator[Any]:
        yield from _build(context, dbt, workspace)

    return dg.Definitions(
        assets=[staging_models, master_data_models, daily_models, models_over_all_days],
        resources={
            "dbt": QuietDbt(project_dir=str(PROJECT), profiles_dir=str(PROJECT), dbt_executable=str(EXECUTABLE))
        },
    )


def change_variables(settings: Settings) -> dict[str, bool] | dict[str, list[str]]:
    """Variables of dbt for what new landings touched; for all days where no build knows what it took in."""
    if not settings.paths.warehouse.exists():
        return slice_variables(settings)
    with open_warehouse(settings, "what was built", read_only=True) as connection:
        known = connection.execute(
            "from duckdb_tables() where table_name in ('landings_built', 'codes_built') and estimated_size > 0"
        ).fetchall()
    return {"changes": True} if len(known) == 2 else slice_variables(settings)


def day_variables(settings: Settings, first: str, last: str) -> dict[str, str | list[str]]:
    """Variables of dbt for a range of days, in slices where there are many orders; all landed days are built anew."""
    landed = landed_days(settings)
    is_whole = landed is not None and first <= landed[0].isoformat() and last >= landed[1].isoformat()
    days = {} if is_whole else {"from_day": first, "to_day": last}
    return {**days, **slice_variables(settings, first, last)}


def slice_variables(settings: Settings, first: str = "", last: str = "9999-12-31") -> dict[str, list[str]]:
    """Variables of dbt for a range of days: the first day of each slice of `slice_orders` but the first's."""
    starts, orders_of_slice = [], 0
    for day, orders in landed_orders(settings).items():
        if not first <= day.isoformat() <= last:
            continue
        if orders_of_slice and orders_of_slice + orders > settings.slice_orders:
            starts.append(day.isoformat())
            orders_of_slice = 0
        orders_of_slice += orders
    return {"slices": starts} if starts else {}


def _build(
    context: dg.AssetExecutionContext,
    dbt: QuietDbt,
    workspace: WorkspaceResource,
    **variables: str | bool | list[str],
) -> Iterator[Any]:
    settings = workspace.settings
    # Unit tests judge the code, not the data; `make test` runs them.
    arguments = [
        "build",
        "--exclude-resource-type",
        "unit_test",
        *(["--vars", json.dumps(variables)] if variables else []),
    ]
    with warehouse_lock(settings, f"dbt build, run {context.run.run_id}"), dbt_environment_set(settings):
        # dbt parses the project anew where other variables are given than the last time in a folder.
        target = settings.paths.dbt_target / "-".join([context.op_execution_context.op.name, *variables])
        yield from dbt.cli(arguments, context=context, target_path=target).stream()
