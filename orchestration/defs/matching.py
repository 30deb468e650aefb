"""Matching as assets, between dbt's staging and its master data.

Belongs here: the assets that the matching job fills. Does not belong here: matching (ml), golden values (dbt_project).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration.lib.instance import WAREHOUSE_POOL
from orchestration.lib.metadata import table_metadata
from orchestration.lib.workspace_resource import WorkspaceResource

if TYPE_CHECKING:
    from expectations.match_rates import JudgedRate

TABLES: Mapping[str, str] = {
    "matched_records": "Golden id of each record. Grain: one row per entity and source record.",
    "matched_pairs": "Pairs linked, queued or decided by a person. Grain: one row per entity and pair of records.",
    "identity_changes": "Golden ids that were merged or split. Grain: one row per change.",
    "match_quality": "Quality numbers of matching. Grain: one row per entity, run, measure and segment.",
}
RATES_NEAR_PAST = "match_rates_near_their_past"
#: What must be said beside precision and recall from verdicts.
SELECTION = (
    "steward_precision and steward_recall are of pairs that people decided. Doubtful pairs come to them first, so that "
    "they are no random sample of all pairs."
)
SHOWN = ["entity", "way", "count_records", "count_compared", "count_pairs", "count_golden", "link_at", "queue_at",
         "expected_precision", "refused", "largest", "note"]  # fmt: skip


@dg.multi_asset(
    name="matching",
    specs=[
        dg.AssetSpec(
            ["matching", table], group_name="master_data", kinds={"parquet", "duckdb"}, description=description,
            deps=["int_customers_comparable", "int_products_comparable", "int_warehouses_comparable"],
        )
        for table, description in TABLES.items()
    ],
    check_specs=[
        dg.AssetCheckSpec(
            RATES_NEAR_PAST, asset=["matching", "match_quality"],
            description="Each kind's match rate, overall, by region and by name script, stays near its own past.",
        )
    ],
    pool=WAREHOUSE_POOL,
)  # fmt: skip
def matching(workspace: WorkspaceResource) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """Match customers, products and warehouses: whole at first, then what is new or changed.

    Grain: each table's own.
    """
    from expectations.match_rates import judged_rates
    from ml.core.matching.entities import ENTITIES
    from ml.core.matching.quality import newest_figures, newest_rates
    from ml.io.matching import MatchingStore
    from ml.jobs.master import match_entity

    settings = workspace.settings
    reports = [match_entity(settings, entity) for entity in ENTITIES.values()]
    shown = table_metadata([{**asdict(report), **report.counts} for report in reports], [*SHOWN, "linked", "queue"])
    changes = sum(len(report.changes) for report in reports)
    store = MatchingStore(settings.paths.matching)
    for table in TABLES:
        rows = store.read(table)
        metadata: dict[str, Any] = {"dagster/row_count": rows.height, "matching": shown, "ids_changed": changes}
        if table == "match_quality":
            metadata["match_rates"] = table_metadata(
                newest_rates(rows).to_dicts(), ["entity", "segment_kind", "segment", "value", "count"]
            )
            metadata["figures"] = table_metadata(
                newest_figures(rows).to_dicts(), ["entity", "measure", "segment", "value", "count", "low", "high"]
            )
            metadata["steward_estimates"] = SELECTION
        yield dg.MaterializeResult(asset_key=["matching", table], metadata=metadata)
    yield rates_check(judged_rates(store.read("match_quality")))


def rates_check(rates: "Sequence[JudgedRate]") -> dg.AssetCheckResult:
    """A warning where a rate left the bounds of its past, with all of them and how their bounds came about."""
    drifted = [rate for rate in rates if not rate.is_near]
    rows = [{**asdict(rate), "basis": rate.bounds.basis} for rate in [*drifted, *(r for r in rates if r.is_near)]]
    return dg.AssetCheckResult(
        passed=not drifted, check_name=RATES_NEAR_PAST, asset_key=["matching", "match_quality"],
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "drifted": len(drifted),
            "rates": table_metadata(rows, ["entity", "kind", "segment", "rate", "count", "is_near", "basis"]),
        },
    )  # fmt: skip
