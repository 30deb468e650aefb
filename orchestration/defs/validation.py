"""Great Expectations at each boundary, as asset checks that stop what is downstream.

Belongs here: one group of checks a boundary, and the Data Docs asset. Does not belong here: what is checked
(expectations/suites) or how (expectations/runner).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import dagster as dg

from expectations.boundaries import BOUNDARIES, suite_for
from expectations.day_matrix import day_matrix
from expectations.report import CheckResult, Matrix, ValidationReport, matrix_of, reports
from orchestration.lib.instance import WAREHOUSE_POOL
from orchestration.lib.metadata import table_metadata
from orchestration.lib.workspace_resource import WorkspaceResource

CHECK_NAME = "great_expectations"
#: Boundaries whose tables are not assets of the same name.
ASSET_OF = {
    "landing": lambda table: dg.AssetKey(["landing", table]),
    "predictions": lambda _table: dg.AssetKey("late_delivery_predictions"),
}
#: Runs shown in the matrix of checks by runs, days and runs behind the one of checks by days.
MATRIX_RUNS, MATRIX_DAYS = 14, 14


def asset_of(boundary: str, table: str) -> dg.AssetKey:
    """The asset that a boundary's table is."""
    return ASSET_OF.get(boundary, dg.AssetKey)(table)


def checks_of(boundary: str) -> dg.AssetChecksDefinition:
    """One blocking check for each table of a boundary, evaluated together in one validation."""
    tables = suite_for(boundary).tables
    specs = [
        dg.AssetCheckSpec(
            CHECK_NAME, asset=asset_of(boundary, table), blocking=True,
            description=f"Expectations of the {boundary} suite on {table}; a failed error stops what is downstream.",
        )
        for table in tables
    ]  # fmt: skip

    @dg.multi_asset_check(name=f"validate_{boundary}", specs=specs, pool=WAREHOUSE_POOL)
    def validate_boundary(
        context: dg.AssetCheckExecutionContext, workspace: WorkspaceResource
    ) -> Iterator[dg.AssetCheckResult]:
        from expectations.runner import validate

        report = validate(workspace.settings, boundary, run_id=context.run.run_id)
        runs = reports(workspace.settings, boundary, last=MATRIX_RUNS)
        for table in tables:
            yield result_of(report, boundary, table, runs)

    return validate_boundary


def result_of(
    report: ValidationReport, boundary: str, table: str, runs: Sequence[ValidationReport]
) -> dg.AssetCheckResult:
    """The asset check of one table: every expectation, a masked sample of failing rows, checks by runs and by days."""
    found = [check for check in report.checks if check.table == table]
    failed = [check for check in found if check.status == "failed"]
    severe = any(check.blocks for check in found)
    return dg.AssetCheckResult(
        asset_key=asset_of(boundary, table),
        check_name=CHECK_NAME,
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR if severe else dg.AssetCheckSeverity.WARN,
        description="; ".join(f"{check.id}: {check.observed}" for check in failed) or None,
        metadata={
            "rows": report.rows.get(table, 0),
            "rows_read": report.rows_read.get(table, report.rows.get(table, 0)),
            "expectations": table_metadata(
                [_row(check) for check in found], ["check", "status", "severity", "observed", "expected", "why"]
            ),
            "failing_rows": dg.MetadataValue.json(
                {check.id: [dict(row) for row in check.sample] for check in failed if check.sample}
            ),
            "history": dg.MetadataValue.md(_of_table(matrix_of(boundary, runs), found).as_markdown()),
            **_by_day(runs, table),
        },
    )


def _row(check: CheckResult) -> dict[str, object]:
    return {
        "check": check.id, "status": check.status, "severity": check.severity, "observed": check.observed,
        "expected": check.expected, "why": check.why,
    }  # fmt: skip


def _by_day(runs: Sequence[ValidationReport], table: str) -> dict[str, dg.MetadataValue]:
    found = day_matrix(runs, table, MATRIX_DAYS)
    return {"by_day": dg.MetadataValue.md(found.as_markdown())} if found.days else {}


def _of_table(history: Matrix, found: list[CheckResult]) -> Matrix:
    ids = {check.id for check in found}
    return replace(history, statuses={id: marks for id, marks in history.statuses.items() if id in ids})


@dg.asset(deps=["published_predictions"], group_name="predictions", kinds={"html"}, owners=["team:data-engineering"])
def data_docs(workspace: WorkspaceResource) -> dg.MaterializeResult[None]:
    """Pages of all validation results, complete without a network.

    Grain: one page a boundary and run.
    """
    from expectations.docs import build_docs

    return dg.MaterializeResult(metadata={"page": dg.MetadataValue.path(str(build_docs(workspace.settings)))})


@dg.definitions
def validation() -> dg.Definitions:
    """The checks of every boundary, and their pages."""
    return dg.Definitions(assets=[data_docs], asset_checks=[checks_of(boundary) for boundary in BOUNDARIES])
