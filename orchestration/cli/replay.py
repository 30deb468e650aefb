"""`oi replay`: give a stored prediction again, and say whether it is the very same.

Belongs here: the command and how the two are shown. Does not belong here: replaying (ml/jobs/replay).

Exit codes: 0 the same · 1 it cannot be replayed, or what was signed was changed · 3 another answer.
"""

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)


@app.command()
def replay(
    prediction: Annotated[str, typer.Argument(help="An order, for its newest prediction, or ORDER@FILE.")],
    model: Annotated[str, typer.Option("--model", help="Registered model.")] = "late-delivery-risk",
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Rebuild a prediction from its snapshot and its verified model, and compare."""
    from dataclasses import asdict

    from ml.jobs.catalogue import spec_of
    from ml.jobs.replay import ReplayJob
    from orchestration.cli.printing import RESULTS, print_json
    from workspace.settings import load_settings

    found = ReplayJob(prediction, spec_of(model)).run(load_settings())
    if as_json:
        print_json({**asdict(found), "is_same": found.is_same})
    else:
        made = found.recorded
        lines = [
            f"{found.id}: {'the same answer' if found.is_same else 'ANOTHER ANSWER'}",
            f"  recorded  {made['late_probability']!r}  {found.recorded_hash}",
            f"  replayed  {found.replayed['late_probability']!r}  {found.replayed_hash}",
            f"  by version {made['model_version']} of {made['model_name']}, dossier {found.dossier}",
            f"  from snapshot {made['data_snapshot']}, features {found.table_sha256}",
        ]
        RESULTS.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
    if not found.is_same:
        raise typer.Exit(3)
