"""`oi status`: what is landed, published, promoted and failing."""

from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False) -> None:
    """Say what is landed, published, promoted and failing; exits 1 when an error-level expectation does not hold."""
    from orchestration.cli.printing import print_json
    from orchestration.cli.summary import print_summary, summary_of
    from workspace.settings import load_settings

    summary = summary_of(load_settings())
    if as_json:
        print_json(summary)
    else:
        print_summary(summary)
    raise typer.Exit(1 if any(row["failed"] for row in summary["validations"]) else 0)
