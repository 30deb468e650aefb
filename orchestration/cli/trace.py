"""`oi trace`: everything that an order in the marts was made from.

Exit codes: 0 found · 2 no such order.
"""

from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def trace(
    order: Annotated[str, typer.Argument(help="An order_id, or a source system's order code.")],
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """From an order in the marts back to files, lines, landings, runs and model versions."""
    from orchestration.cli.printing import RESULTS, print_json, print_table
    from orchestration.lib.trace import UnknownOrder, trace_order
    from workspace.settings import load_settings

    try:
        found = trace_order(load_settings(), order)
    except UnknownOrder as error:
        typer.echo(f"oi: {error}", err=True)
        raise typer.Exit(2) from None
    if as_json:
        print_json(found.as_dict())
        return
    RESULTS.print(f"{found.order_id}: {found.order_code} of {found.source_system}", markup=False, style="bold")
    snapshot = found.snapshot
    RESULTS.print(f"published in {snapshot['version']}, run {snapshot.get('run_id', 'unknown')}", markup=False)
    counts = ", ".join(f"{table} {count}" for table, count in found.tables.items())
    RESULTS.print(f"rows: {counts}", markup=False)
    records = [{**vars(record), "state": "" if record.is_newest else "superseded"} for record in found.records]
    print_table("Landed from", records, {"table": "table", "key": "key", "file": "file", "row": "row",
                                         "batch": "landing", "state": ""})  # fmt: skip
    if found.predictions:
        shown = [{**prediction, "run": found.model_runs[f"{prediction['model_name']}/{prediction['model_version']}"]
                  .get("dagster_run_id", "")} for prediction in found.predictions]  # fmt: skip
        print_table("Predictions", shown, {"model_name": "model", "model_version": "version", "late_probability": "p",
                                           "data_snapshot": "scored on", "run": "trained by run"})  # fmt: skip
