"""`oi evidence`: everything about a version in one folder and zip, for people outside.

Belongs here: the command. Does not belong here: what lies in a pack (ml/jobs/pack).

Exit codes: 0 packed, also when parts are missing, which are printed · 1 there is nothing to pack.
"""

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)


@app.command()
def evidence(
    version: Annotated[str, typer.Argument(help="Version, such as 3.")],
    model: Annotated[str, typer.Option("--model", help="Registered model.")] = "late-delivery-risk",
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Pack dossier, card, data sheet, fairness report, ledger with proof, impact draft, Annex IV index."""
    from ml.jobs.catalogue import spec_of
    from ml.jobs.pack import PackJob, as_dict
    from orchestration.cli.printing import RESULTS, print_json
    from workspace.settings import load_settings

    pack = PackJob(version, spec_of(model)).run(load_settings())
    if as_json:
        print_json(as_dict(pack))
        return
    lines = [f"{pack.archive}: {len(pack.files)} files", *(f"missing: {what}" for what in pack.missing)]
    RESULTS.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
