"""The inputs of a company's adapters as external assets, each with the freshness policy that its manifest promises.

Belongs here: their specs, their places before the landing assets, and telling Dagster when they brought something new.
Does not belong here: what a manifest promises (sources/manifest), or when something new came (sources/freshness).

An asset of landing is materialized by every landing, also by one that found nothing new. So the policies stand on the
inputs, whose materializations are the landings that met new content.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import cast

import dagster as dg
from dagster._core.events import DagsterEvent, DagsterEventType, StepMaterializationData
from dagster._core.instance.utils import RUNLESS_JOB_NAME, RUNLESS_RUN_ID
from dagster._record import replace

from sources.freshness import known_adapters, source_freshness
from sources.manifest import Adapter, AdapterError, Source
from workspace.settings import Settings

#: Dagster accepts no shorter time.
SHORTEST = timedelta(minutes=1)


def with_sources(definitions: dg.Definitions, settings: Settings) -> dg.Definitions:
    """The definitions with the inputs of the adapters that the company has landed with, before the landing assets.

    An adapter that landed first since comes with the next load of the definitions. With an adapter that does not hold
    together no input is shown: the rest of the graph must load, and its sensors and checks say what is wrong.
    """
    try:
        adapters = known_adapters(settings)
    except AdapterError:
        return definitions
    feeding: dict[dg.AssetKey, list[dg.AssetKey]] = {}
    for adapter in adapters:
        for name in adapter.manifest.sources:
            for table in adapter.manifest.tables_from(name):
                feeding.setdefault(dg.AssetKey(["landing", table]), []).append(source_key(adapter.name, name))

    def after_its_sources(spec: dg.AssetSpec) -> dg.AssetSpec:
        return spec.replace_attributes(deps=[*spec.deps, *feeding[spec.key]]) if spec.key in feeding else spec

    specs = [source_spec(a, name, source) for a in adapters for name, source in a.manifest.sources.items()]
    assets = cast(Sequence[dg.AssetsDefinition], definitions.assets or ())
    return replace(definitions, assets=[*dg.map_asset_specs(after_its_sources, assets), *specs])


def source_key(adapter: str, name: str) -> dg.AssetKey:
    """Key of an input."""
    return dg.AssetKey(["source", adapter, name])


def source_spec(adapter: Adapter, name: str, source: Source) -> dg.AssetSpec:
    """One input: overdue, Dagster calls it failing."""
    return dg.AssetSpec(
        source_key(adapter.name, name), group_name="sources", kinds={source.kind}, owners=["team:data-engineering"],
        description=f"{source.place}, read by the adapter {adapter.name}. Grain: one record as the source writes it.",
        freshness_policy=dg.FreshnessPolicy.time_window(
            fail_window=max(timedelta(hours=source.due_hours), SHORTEST)
        ) if source.due_hours else None,
    )  # fmt: skip


def report_arrivals(instance: dg.DagsterInstance, settings: Settings) -> Sequence[dg.AssetKey]:
    """Tell the instance of what the inputs brought since it was told last, at the times when it was met.

    Raises:
        AdapterError: an adapter's manifest or SQL does not hold together.
    """
    told = []
    for found in source_freshness(settings):
        key = source_key(found.adapter, found.input)
        known = instance.get_latest_materialization_event(key)
        if found.newest is None or (known and known.timestamp >= found.newest.at.timestamp()):
            continue
        event = dg.AssetMaterialization(key, metadata={"file": found.newest.file})
        # The public call dates an event now; a landing of last week must not make its source fresh.
        instance.report_dagster_event(
            DagsterEvent(DagsterEventType.ASSET_MATERIALIZATION.value, RUNLESS_JOB_NAME,
                         event_specific_data=StepMaterializationData(event)),
            run_id=RUNLESS_RUN_ID, timestamp=found.newest.at.timestamp(),
        )  # fmt: skip
        told.append(key)
    return told
