"""When jobs run by themselves: the daily schedule, the sensors, and telling somebody when a run fails.

Belongs here: schedules and sensors. Does not belong here: what they start (jobs).

New data comes in two steps, because only a landing knows which days it touched: a schedule and a sensor start `land`;
when it has succeeded, `newly_landed` starts `refresh` for just what it touched.
"""

import json
from datetime import date

import dagster as dg

from orchestration.defs.jobs import land, plan_routing, refresh, score, train_and_audit
from orchestration.lib.extracts import known_extracts
from orchestration.lib.notify import FailureMessage, notifier_for
from orchestration.lib.partitions import range_tags
from orchestration.lib.source_assets import report_arrivals
from orchestration.lib.workspace_resource import WorkspaceResource
from sources.history import landing_history

RUNNING = dg.DefaultSensorStatus.RUNNING


@dg.schedule(
    job=land, cron_schedule="0 2 * * *", execution_timezone="UTC", default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every night: databases and APIs do not announce new rows, so they are asked.",
)  # fmt: skip
def nightly_landing() -> dg.RunRequest:
    """Start `land` once a night."""
    return dg.RunRequest()


@dg.schedule(
    job=plan_routing, cron_schedule="0 * * * *", execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Every hour: decide anew on what is not committed yet. Off until somebody turns it on.",
)  # fmt: skip
def hourly_plan() -> dg.RunRequest:
    """Start `plan_routing` once an hour."""
    return dg.RunRequest()


@dg.sensor(
    job=land, minimum_interval_seconds=60, default_status=RUNNING,
    description="Files of a known extract came, went or changed.",
)  # fmt: skip
def new_extracts(context: dg.SensorEvaluationContext, workspace: WorkspaceResource) -> dg.RunRequest | dg.SkipReason:
    """Start `land` when the files of a known extract differ from those seen last."""
    seen = json.dumps(
        [
            [str(path), path.stat().st_size, path.stat().st_mtime_ns]
            for _adapter, extract in known_extracts(workspace.settings)
            for path in sorted(extract.rglob("*"))
            if path.is_file()
        ]
    )
    if context.cursor == seen:
        return dg.SkipReason("No file of a known extract changed.")
    first_look = context.cursor is None
    context.update_cursor(seen)
    if first_look:
        return dg.SkipReason("Took note of the files that are there.")
    return dg.RunRequest()


@dg.sensor(
    minimum_interval_seconds=60, default_status=RUNNING,
    description="A landing met something new of a source: the source's freshness counts from it.",
)  # fmt: skip
def source_arrivals(context: dg.SensorEvaluationContext, workspace: WorkspaceResource) -> dg.SkipReason:
    """Tell Dagster when each source brought something new."""
    told = report_arrivals(context.instance, workspace.settings)
    return dg.SkipReason(f"New: {', '.join(key.path[-1] for key in told)}." if told else "No source brought anything.")


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS, monitored_jobs=[land], request_job=refresh, default_status=RUNNING,
    description="A landing brought rows: refresh what it touched.",
)  # fmt: skip
def newly_landed(context: dg.RunStatusSensorContext, workspace: WorkspaceResource) -> dg.RunRequest | dg.SkipReason:
    """Start `refresh` for what the newest landing, and any before it that was not built, touched."""
    landed = [report for report in landing_history(workspace.settings) if report.brought_rows and report.days]
    if not landed or landed[-1].days is None:
        return dg.SkipReason("Nothing has landed.")
    first, last = (date.fromisoformat(day) for day in landed[-1].days)
    return dg.RunRequest(run_key=landed[-1].batch, tags=range_tags(first, last))


@dg.sensor(
    job=score, minimum_interval_seconds=60, default_status=RUNNING,
    description="Another version became champion: score with it.",
)  # fmt: skip
def changed_champion(
    context: dg.SensorEvaluationContext, workspace: WorkspaceResource
) -> dg.RunRequest | dg.SkipReason:
    """Start `score` when the promotion ledger names another champion than last time."""
    from ml.io.stores import open_stores
    from ml.jobs.catalogue import LATE_DELIVERY

    with open_stores(workspace.settings) as stores:
        champion = stores.promotions.history(LATE_DELIVERY.name).champion or ""
    if champion == (context.cursor or ""):
        return dg.SkipReason("The champion is the same.")
    context.update_cursor(champion)
    return dg.RunRequest()


@dg.sensor(
    minimum_interval_seconds=300, default_status=RUNNING,
    description="Alias, files, dossier or ledger are not what was signed, or a duty is overdue: tell somebody.",
)  # fmt: skip
def champion_watch(context: dg.SensorEvaluationContext, workspace: WorkspaceResource) -> dg.SkipReason:
    """Compare the champion with the ledger; tell the notifier once about each change for the worse."""
    from ml.io.champion import watch_champion
    from ml.io.stores import open_stores
    from ml.jobs.catalogue import LATE_DELIVERY

    settings = workspace.settings
    with open_stores(settings) as stores:
        found, news = watch_champion(stores, LATE_DELIVERY.name)
    if found.is_sound:
        return dg.SkipReason("Everything is what was signed.")
    why = "; ".join(found.problems)
    if news is not None:
        notifier_for(settings).tell(FailureMessage(settings.paths.company, "champion_watch", "", why))
    return dg.SkipReason(why)


@dg.sensor(
    job=train_and_audit, minimum_interval_seconds=300, default_status=RUNNING,
    description="Nothing is trained yet, or the champion no longer meets what it was judged on: train, and say why.",
)  # fmt: skip
def retraining_due(context: dg.SensorEvaluationContext, workspace: WorkspaceResource) -> dg.RunRequest | dg.SkipReason:
    """Start `train_and_audit` once a reason; the run's tag `oi/why` holds it."""
    from orchestration.lib.retraining import retraining

    due = retraining(workspace.settings)
    if not due.is_due:
        return dg.SkipReason(due.why)
    if context.cursor == due.key:
        return dg.SkipReason(f"Already asked for on this data. {due.why}")
    context.update_cursor(due.key)
    return dg.RunRequest(tags={"oi/why": due.why})


@dg.run_failure_sensor(default_status=RUNNING, description="A run failed: tell whoever the settings name.")
def run_failed(context: dg.RunFailureSensorContext, workspace: WorkspaceResource) -> None:
    """Tell the notifier what failed and why."""
    settings = workspace.settings
    notifier_for(settings).tell(
        FailureMessage(
            company=settings.paths.company,
            job=context.dagster_run.job_name,
            run_id=context.dagster_run.run_id,
            error=context.failure_event.message or "no message",
        )
    )
