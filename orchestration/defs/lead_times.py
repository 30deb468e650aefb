"""Lead times as assets: a version, its promotion, the forecasts of open orders.

Belongs here: the assets and what of a job's report a person sees. Does not belong here: the jobs (ml/jobs).

A young company has delivered too few orders: then these assets are not made, and the log says why.
"""

from collections.abc import Iterator

import dagster as dg

from orchestration.defs.publication import SNAPSHOT
from orchestration.lib.model_assets import (
    forecast,
    leased_snapshot,
    numbers,
    promoted,
    publish_forecast,
    trained,
)
from orchestration.lib.workspace_resource import WorkspaceResource

OWNERS = ["team:machine-learning"]


@dg.asset(
    deps=[SNAPSHOT, "feat_order_delivery"], group_name="models", kinds={"scikitlearn", "mlflow"}, owners=OWNERS,
    output_required=False,
)  # fmt: skip
def lead_time_model(
    context: dg.AssetExecutionContext, workspace: WorkspaceResource
) -> Iterator[dg.MaterializeResult[None]]:
    """A version of the hours from order to door as quantiles calibrated by region, registered in MLflow.

    Grain: one version a state of data, code and settings; nothing is trained where nothing changed.
    """
    from ml.core.features import UnusableTable
    from ml.jobs.train_lead_times import LeadTimeTrainJob

    try:
        with leased_snapshot(workspace.settings) as snapshot:
            report = LeadTimeTrainJob(dagster_run_id=context.run.run_id).run(workspace.settings, snapshot)
    except UnusableTable as error:
        context.log.warning(f"No version of lead times is learned: {error}")
        return
    yield dg.MaterializeResult(metadata=trained(report))


@dg.asset(
    deps=[lead_time_model], group_name="models", kinds={"fairlearn", "mlflow"}, owners=OWNERS, output_required=False
)
def lead_time_promotion(workspace: WorkspaceResource) -> Iterator[dg.MaterializeResult[None]]:
    """The newest version's coverage audited by region, through the gates, and as far as policy lets it go.

    Grain: one decision a version; the promotion ledger holds it.
    """
    from ml.jobs.audit import AuditJob
    from ml.jobs.catalogue import LEAD_TIME
    from ml.jobs.promote import PromoteJob
    from ml.jobs.train_lead_times import LeadTimeTrainJob
    from ml.jobs.trial import TrialJob
    from orchestration.lib.evidence import data_checks

    settings = workspace.settings
    audit = AuditJob(LEAD_TIME, is_priced=False).run(settings)
    trial = TrialJob(LeadTimeTrainJob()).run(settings)
    with leased_snapshot(settings) as snapshot:
        report = PromoteJob(LEAD_TIME, data_checks=data_checks(settings)).run(settings, snapshot)
    yield dg.MaterializeResult(metadata=promoted(report, audit, trial))


@dg.asset(
    deps=[SNAPSHOT, lead_time_promotion], group_name="predictions", kinds={"scikitlearn", "parquet"}, owners=OWNERS,
    output_required=False,
)  # fmt: skip
def lead_time_predictions(
    context: dg.AssetExecutionContext, workspace: WorkspaceResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Median, 90 % interval and a promise of stated service of every open order; one file a state of data and champion.

    Grain: one row an open order.
    """
    from ml.jobs.forecast_lead_times import ForecastLeadTimesJob

    with leased_snapshot(workspace.settings) as snapshot:
        report = ForecastLeadTimesJob().run(workspace.settings, snapshot)
    if report.path is None:
        context.log.warning(f"No lead time is forecast: {report.reason}")
        return
    yield dg.MaterializeResult(metadata=forecast(report))


@dg.asset(deps=[lead_time_predictions], group_name="predictions", kinds={"parquet"}, owners=["team:data-engineering"])
def published_lead_times(context: dg.AssetExecutionContext, workspace: WorkspaceResource) -> dg.MaterializeResult[None]:
    """The snapshot with the newest lead times in it, once they are validated; all other tables are carried over.

    Grain: one folder of Parquet files a publication.
    """
    from ml.io.lead_times import TABLE
    from ml.jobs.forecast_lead_times import ForecastLeadTimesJob

    notes = {"lead_time_run_id": context.run.run_id}
    return dg.MaterializeResult(metadata=publish_forecast(workspace.settings, ForecastLeadTimesJob().run, TABLE, notes))


@dg.asset_check(asset=lead_time_predictions)
def lead_time_intervals_hold(workspace: WorkspaceResource) -> dg.AssetCheckResult:
    """Orders that arrived since the training lay within their intervals as often as stated, in every region."""
    from ml.jobs.catalogue import LEAD_TIME
    from ml.jobs.watch import WatchJob

    with leased_snapshot(workspace.settings) as snapshot:
        report = WatchJob(LEAD_TIME).run(workspace.settings, snapshot)
    alarms = report.alarms("performance")
    return dg.AssetCheckResult(
        passed=not alarms, severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(alarm.sentence for alarm in alarms[:3]) or None,
        metadata={"version": report.version or "none", "retraining": report.why,
                  "findings": dg.MetadataValue.md(report.markdown("performance")), **numbers(report.rows)},
    )  # fmt: skip
