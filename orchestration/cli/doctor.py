"""`oi doctor`: which capabilities the company's data switches on, and whether the stores are in order."""

from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def doctor(as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False) -> None:
    """Say which capabilities are on or off and why, and check the stores; exits 1 when something is broken."""
    from orchestration.cli.printing import RESULTS, print_json, print_table
    from orchestration.lib.health import store_findings
    from sources.history import capabilities
    from workspace.settings import load_settings

    settings = load_settings()
    found = [
        {"capability": c.name, "is_on": c.is_on, "table": c.table, "reason": c.reason} for c in capabilities(settings)
    ]
    stores = [finding.as_dict() for finding in store_findings(settings)]
    broken = any(not store["is_sound"] for store in stores)
    if as_json:
        print_json({"company": settings.paths.company, "capabilities": found, "stores": stores})
    else:
        RESULTS.print(f"Company [bold]{settings.paths.company}[/bold] in {settings.home}")
        print_table("Capabilities", found, {"capability": "capability", "is_on": "on", "reason": "because"})
        print_table("Stores", stores, {"store": "store", "is_sound": "sound", "finding": "finding"})
    raise typer.Exit(1 if broken else 0)
