"""`oi demo`: the demo company from nothing to a promoted model, in one command."""

from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def demo(as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False) -> None:
    """Generate the demo company's extracts, land them, run the whole graph, and sum up what was found."""
    from orchestration.cli.printing import MESSAGES, print_json
    from orchestration.cli.run import run_with_progress
    from orchestration.cli.summary import print_run, print_summary, summary_of
    from orchestration.lib.demo import land_demo
    from workspace.settings import load_settings, use_company

    settings = use_company(load_settings(), "demo")
    land_demo(settings, MESSAGES.print)
    outcome = run_with_progress("everything", None, None, force=False, quiet=as_json)
    if as_json:
        print_json({"run": outcome.as_dict(), "summary": summary_of(settings)})
    else:
        print_run(outcome)
        if outcome.success:
            print_summary(summary_of(settings))
    raise typer.Exit(0 if outcome.success else 1)
