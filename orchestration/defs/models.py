"""Training, audit, promotion and scoring as assets over the published snapshot.

Belongs here: the assets and what of a job's report a person sees. Does not belong here: the jobs (ml/jobs).
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from orchestration.defs.publication import SNAPSHOT
from orchestration.lib.model_assets import leased_snapshot, numbers, promoted, trained
from orchestration.lib.workspace_resource import WorkspaceResource
from workspace.published import publish

OWNERS = ["team:machine-learning"]


@dg.asset(
    deps=[SNAPSHOT, "feat_order_delivery"], group_name="models", kinds={"scikitlearn", "mlflow"}, owners=OWNERS
)  # fmt: skip
def late_delivery_model(context: dg.AssetExecutionContext, workspace: WorkspaceResource) -> dg.MaterializeResult[None]:
    """A version of the late-delivery-risk model, learned at rolling origins and calibrated, registered in MLflow.

    Grain: one version a state of data, code and settings; nothing is trained where nothing changed.
    """
    from ml.jobs.train import TrainJob

    with leased_snapshot(workspace.settings) as snapshot:
        report = TrainJob(dagster_run_id=context.run.run_id).run(workspace.settings, snapshot)
    return dg.MaterializeResult(metadata=trained(report))


@dg.asset(deps=[late_delivery_model], group_name="models", kinds={"fairlearn"}, owners=["team:compliance"])
def late_delivery_audit(workspace: WorkspaceResource) -> dg.MaterializeResult[None]:
    """The regional bias audit of the newest version: what history did, how well the model reads it, what is decided.

    Grain: one report a version, state of the orders and way of auditing them.
    """
    from ml.jobs.audit import AuditJob

    report = AuditJob(is_printed=True).run(workspace.settings)
    return dg.MaterializeResult(
        metadata={
            "status": report.status, "version": report.version, "verdict": report.verdict, "reason": report.reason,
            "worst_region": report.worst_group or "none", "alarms": dict(report.alarms),
            "report": dg.MetadataValue.path(str(report.page)),
            "sha256": report.sha256, "by_region": dg.MetadataValue.md(report.markdown), **numbers(report.numbers),
        }
    )  # fmt: skip


@dg.asset(deps=[late_delivery_model], group_name="models", kinds={"scikitlearn"}, owners=OWNERS)
def late_delivery_trial(workspace: WorkspaceResource) -> dg.MaterializeResult[None]:
    """The newest version trained again from its snapshot, to see whether the same comes out, and timed.

    Grain: one trial a version's files.
    """
    from ml.jobs.trial import TrialJob

    report = TrialJob().run(workspace.settings)
    return dg.MaterializeResult(
        metadata={
            "status": report.status, "version": report.version, "reason": report.reason,
            "seconds_of_training": report.seconds,
        }
    )  # fmt: skip


@dg.asset(
    deps=[late_delivery_audit, late_delivery_trial], group_name="models", kinds={"mlflow"}, owners=OWNERS
)  # fmt: skip
def late_delivery_promotion(workspace: WorkspaceResource) -> dg.MaterializeResult[None]:
    """The newest version through the gates, into a dossier, and as far as policy lets it go.

    Grain: one decision a version; the promotion ledger holds it.
    """
    from ml.jobs.promote import PromoteJob
    from orchestration.lib.evidence import data_checks

    settings = workspace.settings
    with leased_snapshot(settings) as snapshot:
        report = PromoteJob(data_checks=data_checks(settings)).run(settings, snapshot)
    return dg.MaterializeResult(metadata=promoted(report))


@dg.asset(
    deps=[SNAPSHOT, late_delivery_promotion], group_name="predictions", kinds={"scikitlearn", "parquet"}, owners=OWNERS,
    output_required=False,
)  # fmt: skip
def late_delivery_predictions(workspace: WorkspaceResource) -> Iterator[dg.MaterializeResult[None]]:
    """The champion's probability of lateness for open and young orders; not made while there is no champion.

    Grain: one row an order, in one file a state of data and champion.
    """
    from ml.jobs.score import ScoreJob

    with leased_snapshot(workspace.settings) as snapshot:
        report = ScoreJob().run(workspace.settings, snapshot)
    if report.path is not None:
        yield dg.MaterializeResult(
            metadata={
                "status": report.status, "version": report.version, "reason": report.reason,
                "dagster/row_count": report.rows, "file": dg.MetadataValue.path(str(report.path)),
                "figures": dg.MetadataValue.md(report.markdown), "shadow": report.shadow or "no challenger",
                **numbers(report.numbers),
            }
        )  # fmt: skip


@dg.asset(
    deps=[late_delivery_predictions], group_name="predictions", kinds={"parquet"}, owners=["team:data-engineering"]
)
def published_predictions(
    context: dg.AssetExecutionContext, workspace: WorkspaceResource
) -> dg.MaterializeResult[None]:
    """The snapshot with the newest predictions in it; all other tables are carried over.

    Grain: one row an order and model.
    """
    from ml.io.predictions import collect_newest

    settings = workspace.settings
    published = settings.paths.published
    with tempfile.TemporaryDirectory(dir=published, prefix=".export-") as scratch:
        collected = Path(scratch) / "predictions.parquet"
        collect_newest(settings.paths.predictions, collected)
        snapshot = publish(
            published, {"predictions": collected}, {"scoring_run_id": context.run.run_id}, settings.keep_snapshots
        )
    return dg.MaterializeResult(
        metadata={
            "version": snapshot.version, "digest": snapshot.digest,
            "dagster/row_count": int(str(snapshot.tables["predictions"]["rows"])),
        }
    )  # fmt: skip


@dg.asset_check(asset=late_delivery_audit)
def audit_lets_the_version_pass(workspace: WorkspaceResource) -> dg.AssetCheckResult:
    """The newest version was audited and its audit is no reason to refuse it.

    The gate of the promotion reads the same audit and refuses the version; the graph goes on, so that the champion
    keeps scoring.
    """
    from ml.io.champion import newest_version
    from ml.io.gate_limits import load_limits
    from ml.io.stores import open_stores
    from ml.jobs.catalogue import LATE_DELIVERY
    from ml.jobs.gating import fairness_gate

    with open_stores(workspace.settings) as stores:
        version = newest_version(stores, LATE_DELIVERY.name) or ""
        gate = fairness_gate(stores, LATE_DELIVERY.name, version, load_limits())
    severity = dg.AssetCheckSeverity.ERROR if gate.verdict == "fail" else dg.AssetCheckSeverity.WARN
    return dg.AssetCheckResult(
        passed=gate.verdict == "pass", severity=severity, description=gate.reason, metadata=dict(gate.threshold)
    )


@dg.asset_check(asset=late_delivery_audit)
def no_region_raises_the_weekly_alarm(workspace: WorkspaceResource) -> dg.AssetCheckResult:
    """No region's share of late orders has drifted from the others', at a level that holds however often one looks."""
    from ml.io.champion import newest_version
    from ml.io.stores import open_stores
    from ml.io.version_files import read_fairness
    from ml.jobs.catalogue import LATE_DELIVERY

    with open_stores(workspace.settings) as stores:
        version = newest_version(stores, LATE_DELIVERY.name) or ""
        found = read_fairness(stores.report_folder(LATE_DELIVERY.name, version)) or {}
    alarms: dict[str, str] = found.get("alarms", {})
    said = ", ".join(f"{region} since {week}" for region, week in sorted(alarms.items()))
    return dg.AssetCheckResult(
        passed=not alarms, severity=dg.AssetCheckSeverity.WARN, description=said or None, metadata=alarms
    )


@dg.asset_check(asset=late_delivery_promotion, blocking=True)
def champion_is_the_ledgers(workspace: WorkspaceResource) -> dg.AssetCheckResult:
    """The registry's champion alias and the champion's files are those that the promotion ledger approved."""
    from ml.io.champion import watch_champion
    from ml.io.stores import open_stores
    from ml.jobs.catalogue import LATE_DELIVERY

    with open_stores(workspace.settings) as stores:
        findings = watch_champion(stores, LATE_DELIVERY.name)[0].problems
    return dg.AssetCheckResult(
        passed=not findings, severity=dg.AssetCheckSeverity.ERROR, description="; ".join(findings) or None
    )


@dg.multi_asset_check(
    specs=[
        dg.AssetCheckSpec("inputs_as_learned", asset=late_delivery_predictions),
        dg.AssetCheckSpec("predictions_as_judged", asset=late_delivery_predictions),
        dg.AssetCheckSpec("performance_holds", asset=late_delivery_predictions),
    ]
)
def champion_still_holds(workspace: WorkspaceResource) -> Iterator[dg.AssetCheckResult]:
    """What the champion reads, what it says and how that came true, against what it was judged on."""
    from ml.jobs.watch import WatchJob

    with leased_snapshot(workspace.settings) as snapshot:
        report = WatchJob().run(workspace.settings, snapshot)
    subjects = {
        "inputs": "inputs_as_learned",
        "predictions": "predictions_as_judged",
        "performance": "performance_holds",
    }
    for subject, name in subjects.items():
        alarms = report.alarms(subject)
        yield dg.AssetCheckResult(
            check_name=name, asset_key=late_delivery_predictions.key, passed=not alarms,
            severity=dg.AssetCheckSeverity.WARN,
            description="; ".join(alarm.sentence for alarm in alarms[:3]) or None,
            metadata={
                "version": report.version or "none", "alarms": len(alarms), "retraining": report.why,
                "findings": dg.MetadataValue.md(report.markdown(subject)), **numbers(report.rows),
            },
        )  # fmt: skip
