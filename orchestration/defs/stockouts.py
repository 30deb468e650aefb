"""Stock-out risk as assets: a version, its promotion, the forecasts.

Belongs here: the assets and what of a job's report a person sees. Does not belong here: the jobs (ml/jobs), what is
done about a forecast (decisions/stockouts).

A company need not count stock, and a young one has too little history: then these assets are not made, and the log says
why; late deliveries are foreseen nevertheless.
"""

from collections.abc import Iterator

import dagster as dg

from orchestration.defs.publication import SNAPSHOT
from orchestration.lib.model_assets import (
    forecast,
    leased_snapshot,
    promoted,
    publication,
    publish_forecast,
    publish_table,
    trained,
)
from orchestration.lib.workspace_resource import WorkspaceResource

OWNERS = ["team:machine-learning"]
TABLE = "stockout_predictions"


@dg.asset(
    deps=[SNAPSHOT, "feat_stock_daily"], group_name="models", kinds={"scikitlearn", "mlflow"}, owners=OWNERS,
    output_required=False,
)  # fmt: skip
def stockout_model(
    context: dg.AssetExecutionContext, workspace: WorkspaceResource
) -> Iterator[dg.MaterializeResult[None]]:
    """A version of the stock-out risk of nodes and products within 24, 48 and 72 hours, registered in MLflow.

    Grain: one version a state of data, code and settings; nothing is trained where nothing changed.
    """
    from ml.core.features import UnusableTable
    from ml.jobs.catalogue import STOCKOUT
    from ml.jobs.train import TrainJob

    job = TrainJob(STOCKOUT, dagster_run_id=context.run.run_id)
    try:
        with leased_snapshot(workspace.settings) as snapshot:
            report = job.run(workspace.settings, snapshot)
    except UnusableTable as error:
        context.log.warning(f"No version of {STOCKOUT.name} is learned: {error}")
        return
    yield dg.MaterializeResult(metadata=trained(report))


@dg.asset(
    deps=[stockout_model], group_name="models", kinds={"fairlearn", "mlflow"}, owners=OWNERS, output_required=False
)
def stockout_promotion(workspace: WorkspaceResource) -> Iterator[dg.MaterializeResult[None]]:
    """The newest version audited by the node's region, tried, through the gates, and as far as policy lets it go.

    Grain: one decision a version; the promotion ledger holds it.
    """
    from ml.jobs.audit import AuditJob
    from ml.jobs.catalogue import STOCKOUT
    from ml.jobs.promote import PromoteJob
    from ml.jobs.train import TrainJob
    from ml.jobs.trial import TrialJob
    from orchestration.lib.evidence import data_checks

    settings = workspace.settings
    audit = AuditJob(STOCKOUT, is_priced=False).run(settings)
    trial = TrialJob(TrainJob(STOCKOUT)).run(settings)
    with leased_snapshot(settings) as snapshot:
        report = PromoteJob(STOCKOUT, data_checks=data_checks(settings)).run(settings, snapshot)
    yield dg.MaterializeResult(metadata=promoted(report, audit, trial))


@dg.asset(
    deps=[SNAPSHOT, stockout_promotion], group_name="predictions", kinds={"scikitlearn", "parquet"}, owners=OWNERS,
    output_required=False,
)  # fmt: skip
def stockout_predictions(
    context: dg.AssetExecutionContext, workspace: WorkspaceResource
) -> Iterator[dg.MaterializeResult[None]]:
    """The risk of running out, and what it would cost, from the newest count; one file a scoring, never written over.

    Grain: one row a node, product and horizon.
    """
    from ml.jobs.forecast_stock import ForecastStockJob

    with leased_snapshot(workspace.settings) as snapshot:
        report = ForecastStockJob().run(workspace.settings, snapshot)
    if report.path is None:
        context.log.warning(f"No stock-out is forecast: {report.reason}")
        return
    yield dg.MaterializeResult(metadata=forecast(report))


@dg.asset(deps=[stockout_predictions], group_name="predictions", kinds={"parquet"}, owners=["team:data-engineering"])
def published_forecasts(context: dg.AssetExecutionContext, workspace: WorkspaceResource) -> dg.MaterializeResult[None]:
    """The snapshot with the newest forecasts in it, once they are validated; all other tables are carried over.

    Grain: one folder of Parquet files a publication.
    """
    from ml.jobs.forecast_stock import ForecastStockJob

    notes = {"forecast_run_id": context.run.run_id}
    return dg.MaterializeResult(metadata=publish_forecast(workspace.settings, ForecastStockJob().run, TABLE, notes))


@dg.asset(
    deps=[published_forecasts], group_name="predictions", kinds={"parquet"}, owners=["team:operations"],
    output_required=False,
)  # fmt: skip
def stockout_alerts(workspace: WorkspaceResource) -> Iterator[dg.MaterializeResult[None]]:
    """What to do about the stock-outs that are foreseen: a transfer, a word to customers, or nothing; published.

    Grain: one row a node and product with an alert.
    """
    from decisions.stockouts.alerts import ALERTS, StockAlertJob

    settings = workspace.settings
    with leased_snapshot(settings) as snapshot:
        report = StockAlertJob().run(settings, snapshot)
    now = publish_table(settings, ALERTS, report.path, {})
    found = report.alerts
    yield dg.MaterializeResult(
        metadata={
            "status": report.status, **publication(now, ALERTS),
            "transfers": int((found["action"] == "transfer").sum()),
            "notifications": int(found["notify_customers"].sum()),
            "lost_units": float(found["expected_lost_units"].sum()),
            "lost_units_with_transfers": float(found["lost_units_with_transfer"].sum()),
        }
    )  # fmt: skip


@dg.asset_check(asset=stockout_alerts)
def alerts_beat_days_of_cover(workspace: WorkspaceResource) -> dg.AssetCheckResult:
    """Week by week, as many alerts by days of cover would not have been right more often."""
    from decisions.stockouts.policy import AlertPolicy
    from decisions.stockouts.review import as_markdown, review

    with leased_snapshot(workspace.settings) as snapshot:
        weeks = review(workspace.settings, snapshot, AlertPolicy())
    hits, rule_hits = ((weeks["alerts"] * weeks[name]).sum() for name in ("precision", "rule_precision"))
    return dg.AssetCheckResult(
        passed=bool(hits >= rule_hits), severity=dg.AssetCheckSeverity.WARN,
        description=f"{hits:.0f} alerts came true, {rule_hits:.0f} by the rule, of {weeks['alerts'].sum()}.",
        metadata={"by_week": dg.MetadataValue.md(as_markdown(weeks))},
    )  # fmt: skip
