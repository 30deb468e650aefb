"""Landing as assets: one asset a contract table, filled from every extract that was ever landed for the company.

Belongs here: the landing assets and the demo extract. Does not belong here: reading and checking files (sources).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from orchestration.lib.metadata import table_metadata
from orchestration.lib.workspace_resource import WorkspaceResource
from sources.contracts import load_contract
from sources.history import landing_history
from sources.record import LandingReport

#: Name of the check that sources kept their manifest's time.
ON_TIME = "sources_on_time"
COUNTS = ["file", "read", "landed", "quarantined"]


class LandingRefused(RuntimeError):
    """An extract could not be trusted; nothing of it was landed."""


@dg.multi_asset(
    name="landing",
    specs=[
        dg.AssetSpec(
            ["landing", table.name], group_name="landing", kinds={"parquet", "duckdb"},
            owners=["team:data-engineering"],
            description=f"{table.description} Grain: {table.grain}",
            metadata={
                "required": table.required,
                "capability": table.capability or "core",
                "dagster/column_schema": dg.TableSchema(
                    columns=[
                        dg.TableColumn(c.name, c.type, c.description, tags={"personal_data": c.personal_data})
                        for c in table.columns
                    ]
                ),
            },
        )
        for table in load_contract().values()
    ],
)  # fmt: skip
def landing(context: dg.AssetExecutionContext, workspace: WorkspaceResource) -> Iterator[dg.MaterializeResult[None]]:
    """Land what is new in each known extract; what has landed before is skipped and stays counted.

    Grain: one row a source record and landing, in Parquet by table and day.
    """
    from orchestration.lib.extracts import land_known_extracts

    settings = workspace.settings
    reports = land_known_extracts(settings)
    refused = [report for report in reports if report.status == "refused"]
    if refused:
        raise LandingRefused("\n".join(_problems(report) for report in refused))
    landed = [report for report in landing_history(settings) if report.brought_rows]
    for table in load_contract().values():
        yield dg.MaterializeResult(asset_key=["landing", table.name], metadata=_metadata(landed, reports, table.name))


@dg.multi_asset_check(
    name="sources_on_time",
    specs=[
        dg.AssetCheckSpec(
            ON_TIME, asset=["landing", table.name],
            description="Every source of the table brought something new in the time that its manifest says.",
        )
        for table in load_contract().values() if table.day_column
    ],
)  # fmt: skip
def sources_on_time(workspace: WorkspaceResource) -> Iterator[dg.AssetCheckResult]:
    """Warn of sources that are overdue; rows that are there are as good as they were, so nothing is stopped."""
    from sources.freshness import source_freshness

    found = source_freshness(workspace.settings)
    for table in load_contract().values():
        if not table.day_column:
            continue
        asked = [source for source in found if source.due_hours and table.name in source.tables]
        overdue = [f"{source.input} (due within {source.due_hours:g} h)" for source in asked if source.is_overdue]
        rows = [{"source": s.input, "hours": s.age_hours, "due within": s.due_hours} for s in asked]
        yield dg.AssetCheckResult(
            asset_key=["landing", table.name], check_name=ON_TIME, passed=not overdue,
            severity=dg.AssetCheckSeverity.WARN, description=f"Overdue: {', '.join(overdue)}" if overdue else None,
            metadata={"sources": table_metadata(rows, ["source", "hours", "due within"])},
        )  # fmt: skip


def _metadata(landed: Sequence[LandingReport], now: Sequence[LandingReport], table: str) -> dict[str, Any]:
    """Rows of a table over all landings, by file, with the reasons of what was refused or warned of."""
    tables = [report.tables[table] for report in landed if table in report.tables]
    files = [
        {"file": name, "read": count.read, "landed": count.landed, "quarantined": count.quarantined}
        for found in tables for name, count in found.files.items()
    ]  # fmt: skip
    reasons: Counter[str] = Counter()
    for found in tables:
        reasons.update(found.reasons)
        reasons.update({name: warned.count for name, warned in found.warnings.items()})
    return {
        "read": sum(found.total.read for found in tables),
        "dagster/row_count": sum(found.total.landed for found in tables),
        "quarantined": sum(found.total.quarantined for found in tables),
        "landed_now": sum(report.tables[table].total.landed for report in now if table in report.tables),
        "files": table_metadata(files, COUNTS),
        "reasons": table_metadata([{"reason": k, "rows": n} for k, n in reasons.most_common()], ["reason", "rows"]),
    }


def _problems(report: LandingReport) -> str:
    """Why an extract was refused, with the remedy of each problem."""
    lines = [f"{p['file']}: [{p['rule']}] {p['message']} {p['remedy']}" for p in report.problems]
    return f"{report.adapter} from {report.extract} was refused:\n" + "\n".join(lines)
