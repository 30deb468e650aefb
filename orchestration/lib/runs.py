"""Running a job of the graph in this process, and skipping it when nothing changed.

Belongs here: executing a job against the company's own Dagster instance and summing up what came of it.
Does not belong here: what a job selects (defs/jobs), how the outcome is printed (cli).
"""

import contextlib
import json
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path

import dagster as dg

from orchestration.definitions import build_definitions
from orchestration.lib.instance import open_instance
from orchestration.lib.partitions import range_tags
from sources.history import landed_days
from workspace.files import sha256_of_file, sha256_of_json, write_atomically
from workspace.locks import Busy, exclusive
from workspace.settings import Settings

ROOT = Path(__file__).parents[2]
#: Rooms whose code decides what a run produces.
CODE = ("dbt_project", "expectations", "ml", "orchestration", "sources", "workspace")
#: Dagster's own log lines stay in its event log; the terminal shows the outcome.
QUIET_CONSOLE = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


#: Marks runs of this command, which one process at a time may start.
COMMAND_TAG = {"oi/command": "run"}


class RunBusy(Busy):
    """Another run of the company was started by this command and did not end in time."""


class NothingLanded(RuntimeError):
    """There is no day of facts to work on."""


@dataclass(frozen=True)
class StepOutcome:
    """One step of a run that ended: `status` is `succeeded`, `failed` or `skipped`."""

    name: str
    status: str
    seconds: float
    error: str = ""


@dataclass(frozen=True)
class CheckOutcome:
    """One asset check of a run; `severity` is `ERROR` or `WARN`."""

    asset: str
    name: str
    passed: bool
    severity: str
    description: str


@dataclass(frozen=True)
class RunOutcome:
    """What came of a run.

    `skipped` says that nothing changed since the run named by `run_id`, so that nothing was executed.
    """

    job: str
    run_id: str
    success: bool
    skipped: bool
    seconds: float
    first_day: str
    last_day: str
    steps: list[StepOutcome] = field(default_factory=list)
    checks: list[CheckOutcome] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        """The outcome as JSON values."""
        return asdict(self)

    @property
    def failed_checks(self) -> list[CheckOutcome]:
        """Checks that did not pass, of any severity."""
        return [check for check in self.checks if not check.passed]


def days_of(settings: Settings, first: date | None, last: date | None) -> tuple[date, date]:
    """The days to replace: those named, else all that have landed.

    Raises:
        NothingLanded: no fact has landed and the days are not both named.
    """
    if first and last:
        return first, last
    landed = landed_days(settings)
    if landed is None:
        raise NothingLanded(
            f"Nothing has landed for {settings.paths.company!r}. Run `oi land ADAPTER DIR` or `oi demo` first."
        )
    return first or landed[0], last or landed[1]


def run_unless_current(
    settings: Settings, job: str, days: tuple[date, date], force: bool, on_event: Callable[[dg.DagsterEvent], None]
) -> RunOutcome:
    """Run `job`, unless the last run of it succeeded on the same landed data, days, code and settings."""
    last_run = settings.paths.ensure().dagster / f"last_{job}.json"
    fingerprint = _fingerprint(settings, days)
    if not force and last_run.exists():
        last = json.loads(last_run.read_text(encoding="utf-8"))
        if last["fingerprint"] == fingerprint:
            return replace(read_outcome(last["outcome"]), skipped=True, seconds=0.0)
    outcome = run_job(settings, job, days, on_event)
    if outcome.success:
        write_atomically(last_run, json.dumps({"fingerprint": fingerprint, "outcome": asdict(outcome)}))
    else:
        last_run.unlink(missing_ok=True)
    return outcome


def run_job(
    settings: Settings, job: str, days: tuple[date, date], on_event: Callable[[dg.DagsterEvent], None]
) -> RunOutcome:
    """Run `job` in this process against the company's Dagster instance.

    Args:
        settings: Company to work on.
        job: Name of a job of the graph.
        days: First and last day of the facts to replace.
        on_event: Called with each Dagster event as it happens, for showing progress.

    Returns:
        The outcome; a failed run is an outcome, not an exception.

    Raises:
        RunBusy: another run did not end within `settings.writer_wait_seconds`.
    """
    started = time.monotonic()
    run_id = str(uuid.uuid4())
    definition = build_definitions(settings).resolve_job_def(job)
    log = settings.paths.ensure().dagster / "last_run_output.log"
    entries: list[dg.EventLogEntry] = []

    def take(entry: dg.EventLogEntry) -> None:
        if entry.dagster_event is not None:
            entries.append(entry)
            on_event(entry.dagster_event)

    rule = f"One run at a time for a company; {settings.paths.company} is being worked on"
    lock = exclusive(settings.paths.dagster / "run.lock", f"run {job}", settings.writer_wait_seconds, RunBusy, rule)
    with lock, open_instance(settings) as instance, log.open("w", encoding="utf-8") as output:
        end_killed_runs(instance)
        instance.add_event_listener(run_id, take)
        with contextlib.redirect_stdout(output):
            result = definition.execute_in_process(
                instance=instance, run_id=run_id, tags={**range_tags(*days), **COMMAND_TAG}, run_config=QUIET_CONSOLE,
                raise_on_error=False,
            )  # fmt: skip
    return RunOutcome(
        job=job, run_id=run_id, success=result.success, skipped=False, seconds=time.monotonic() - started,
        first_day=days[0].isoformat(), last_day=days[1].isoformat(), steps=_steps(entries), checks=_checks(entries),
    )  # fmt: skip


def end_killed_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark runs of this command that never ended as failed and give their places in pools back; returns their ids.

    The caller holds the lock of runs, so that whatever still counts as running was killed.
    """
    unfinished = dg.RunsFilter(tags=COMMAND_TAG, statuses=[dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED])
    killed = instance.get_runs(unfinished)
    for run in killed:
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        instance.report_run_failed(run, "The process of this run was killed; the next run took over.")
    return [run.run_id for run in killed]


def read_outcome(content: dict[str, object]) -> RunOutcome:
    """The outcome that was written as JSON."""
    steps = [StepOutcome(**step) for step in content.pop("steps")]  # type: ignore[attr-defined]
    checks = [CheckOutcome(**check) for check in content.pop("checks")]  # type: ignore[attr-defined]
    return RunOutcome(**content, steps=steps, checks=checks)  # type: ignore[arg-type]


def _fingerprint(settings: Settings, days: tuple[date, date]) -> str:
    landed = sorted(path.name for path in settings.paths.landing_files.glob("*.json"))
    return sha256_of_json(
        {
            "landed": landed,
            "days": [day.isoformat() for day in days],
            "code": {room: sha256_of_code(ROOT / room) for room in CODE},
            "settings": settings.model_dump(mode="json", include={"confidence_threshold", "minimum_support"}),
        }
    )


def sha256_of_code(folder: Path) -> str:
    """Digest of the source files of a room, without what running it leaves behind."""
    files = [p for p in folder.rglob("*") if p.is_file() and p.suffix in {".py", ".sql", ".yml", ".yaml", ".html"}]
    return sha256_of_json({p.relative_to(folder).as_posix(): sha256_of_file(p) for p in sorted(files)})


def _steps(entries: Sequence[dg.EventLogEntry]) -> list[StepOutcome]:
    started: dict[str | None, float] = {}
    outcomes = []
    for entry in entries:
        event = entry.get_dagster_event()
        if event.is_step_start:
            started[event.step_key] = entry.timestamp
        if not (event.is_step_success or event.is_step_failure or event.is_step_skipped):
            continue
        status = "succeeded" if event.is_step_success else "failed" if event.is_step_failure else "skipped"
        seconds = entry.timestamp - started.get(event.step_key, entry.timestamp)
        outcomes.append(StepOutcome(str(event.step_key), status, round(seconds, 2), _error_of(event)))
    return outcomes


def _error_of(event: dg.DagsterEvent) -> str:
    if not event.is_step_failure:
        return ""
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message.strip() if error else ""


def _checks(entries: Sequence[dg.EventLogEntry]) -> list[CheckOutcome]:
    evaluations = [
        entry.get_dagster_event().asset_check_evaluation_data
        for entry in entries
        if entry.dagster_event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION
    ]
    return [
        CheckOutcome(
            asset=evaluation.asset_key.to_user_string(),
            name=evaluation.check_name,
            passed=evaluation.passed,
            severity=evaluation.severity.value,
            description=evaluation.description or "",
        )
        for evaluation in evaluations
    ]
