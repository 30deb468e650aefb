"""`oi run`: run a job of the asset graph in this process, with progress."""

from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import dagster as dg

    from orchestration.lib.runs import RunOutcome

app = typer.Typer()


class Job(StrEnum):
    """Jobs of the graph that the command runs."""

    LAND = "land"
    BUILD = "build"
    REFRESH = "refresh"
    TRAIN_AND_AUDIT = "train_and_audit"
    SCORE = "score"
    TRAIN_ROUTING = "train_routing"
    PLAN_ROUTING = "plan_routing"
    EVERYTHING = "everything"


@app.command()
def run(
    job: Annotated[Job, typer.Argument(help="Which part of the graph to run.")],
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day of facts.")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day of facts.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Run even where nothing changed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Run a job of the asset graph; facts are replaced for all landed days unless --from and --to name fewer.

    `refresh` replaces what new landings touched, whatever the days.
    """
    from orchestration.cli.printing import print_json
    from orchestration.cli.summary import print_run, print_summary, summary_of
    from workspace.settings import load_settings

    settings = load_settings()
    outcome = run_with_progress(
        job.value, first.date() if first else None, last.date() if last else None, force, quiet=as_json
    )
    if as_json:
        print_json({"run": outcome.as_dict(), "summary": summary_of(settings)})
    else:
        print_run(outcome)
        if job is Job.EVERYTHING and outcome.success:
            print_summary(summary_of(settings))
    raise typer.Exit(0 if outcome.success else 1)


def run_with_progress(job: str, first: date | None, last: date | None, force: bool, quiet: bool) -> "RunOutcome":
    """Run a job of the current company, showing each step as it starts unless `quiet`."""
    from orchestration.cli.printing import MESSAGES
    from orchestration.lib.runs import days_of, run_unless_current
    from workspace.settings import load_settings

    settings = load_settings()
    days = days_of(settings, first, last)
    if quiet:
        return run_unless_current(settings, job, days, force, lambda _event: None)
    with MESSAGES.status(f"{settings.paths.company}: {job}, starting") as status:

        def show(event: "dg.DagsterEvent | None") -> None:
            if event is not None and event.is_step_start:
                status.update(f"{settings.paths.company}: {job}, {event.step_key}")
            elif event is not None and (event.is_step_success or event.is_step_failure):
                MESSAGES.print(f"  {'✓' if event.is_step_success else '✗'} {event.step_key}")

        return run_unless_current(settings, job, days, force, show)
