"""Lead times as assets: a version, its promotion, the forecasts of open orders.

Belongs here: the assets and what of a job's report a person sees. Does not belong here: the jobs (ml/jobs).

A young company has delivered too few orders: then these assets are not made, and the log says why.
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from orchestration.defs.publication import SNAPSHOT
from orchestration.lib.workspace_resource import WorkspaceResource
from workspace.published import open_current, publish

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

    settings = workspace.settings
    snapshot = open_current(settings.paths.published)
    try:
        with snapshot.lease():
            report = LeadTimeTrainJob(dagster_run_id=context.run.run_id).run(settings, snapshot)
    except UnusableTable as error:
        context.log.warning(f"No version of lead times is learned: {error}")
        return
    yield dg.MaterializeResult(
        metadata={
            "status": report.status, "version": report.version, "mlflow_run": report.run_id, "reason": report.reason,
            "metrics_and_segments": dg.MetadataValue.md(report.markdown), **report.numbers,
        }
    )  # fmt: skip


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
    snapshot = open_current(settings.paths.published)
    with snapshot.lease():
        report = PromoteJob(LEAD_TIME, data_checks=data_checks(settings)).run(settings, snapshot)
    yield dg.MaterializeResult(
        metadata={
            "status": report.status, "version": report.version, "state": report.state, "verdict": report.verdict,
            "champion": report.champion or "none", "reason": report.reason, "dossier": report.dossier,
            "gates": dg.MetadataValue.md(report.markdown), "audit": audit.reason,
            "trial": trial.reason,
            "report": dg.MetadataValue.path(str(audit.page)),
        }
    )  # fmt: skip


@dg.asset(
    deps=[lead_time_promotion], group_name="predictions", kinds={"scikitlearn", "parquet"}, owners=OWNERS,
    output_required=False,
)  # fmt: skip
def lead_time_predictions(
    context: dg.AssetExecutionContext, workspace: WorkspaceResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Median, 90 % interval and a promise of stated service of every open order; part of the published snapshot.

    Grain: one row an open order.
    """
    from ml.io.lead_times import TABLE
    from ml.jobs.forecast_lead_times import ForecastLeadTimesJob

    settings = workspace.settings
    published = settings.paths.published
    snapshot = open_current(published)
    with snapshot.lease():
        report = ForecastLeadTimesJob().run(settings, snapshot)
    if report.path is None:
        context.log.warning(f"No lead time is forecast: {report.reason}")
        return
    with tempfile.TemporaryDirectory(dir=published, prefix=".export-") as scratch:
        copy = Path(shutil.copy(report.path, Path(scratch) / f"{TABLE}.parquet"))
        snapshot = publish(published, {TABLE: copy}, {"forecast_run_id": context.run.run_id}, settings.keep_snapshots)
    yield dg.MaterializeResult(
        metadata={
            "status": report.status, "version": report.version, "reason": report.reason, "snapshot": snapshot.version,
            "dagster/row_count": report.rows, "file": dg.MetadataValue.path(str(report.path)),
        }
    )  # fmt: skip


@dg.asset_check(asset=lead_time_predictions)
def lead_time_intervals_hold(workspace: WorkspaceResource) -> dg.AssetCheckResult:
    """Orders that arrived since the training lay within their intervals as often as stated, in every region."""
    from ml.jobs.catalogue import LEAD_TIME
    from ml.jobs.watch import WatchJob

    settings = workspace.settings
    report = WatchJob(LEAD_TIME).run(settings, open_current(settings.paths.published))
    alarms = report.alarms("performance")
    return dg.AssetCheckResult(
        passed=not alarms, severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(alarm.sentence for alarm in alarms[:3]) or None,
        metadata={"version": report.version or "none", "retraining": report.why,
                  "findings": dg.MetadataValue.md(report.markdown("performance")), **dict(report.rows)},
    )  # fmt: skip
