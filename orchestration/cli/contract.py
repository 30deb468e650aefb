"""`oi contract`: versions and changelog of the landing contract.

Belongs here: the command and how it shows them. Does not belong here: comparing versions (sources.contract_versions).

Exit codes: 0 done · 1 a change lacks its version.
"""

from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def contract(
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the contract of now as the version to compare with.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Show each table's version and changelog; say which change lacks its version; keep a new version."""
    from orchestration.cli.printing import RESULTS, print_json, print_table
    from sources.contract_versions import ContractChangeRefused, faults_of_versions, keep_versions, read_versions
    from sources.contracts import load_contract

    if keep:
        try:
            changed = keep_versions()
        except ContractChangeRefused as refused:
            typer.echo(str(refused), err=True)
            raise typer.Exit(1) from refused
        RESULTS.print(f"Kept; new versions of: {', '.join(changed) or 'none'}.", markup=False)
        return
    kept = read_versions()
    faults = faults_of_versions(load_contract(), kept)
    rows = [{"table": name, **entry} for name, table in kept.items() for entry in table["changelog"]]
    if as_json:
        print_json({"faults": faults, "changelog": rows})
    else:
        print_table("Landing contract", rows, {"table": "table", "version": "version", "changes": "changes"})
    for fault in faults:
        typer.echo(fault, err=True)
    raise typer.Exit(1 if faults else 0)
