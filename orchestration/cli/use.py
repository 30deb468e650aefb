"""`oi use`: which company the home works on."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def use(
    company: Annotated[str, typer.Argument(help="Company to work on from now on.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Switch the home to another company; without a name, list the companies."""
    from orchestration.cli.printing import RESULTS, print_json
    from workspace.settings import load_settings, use_company

    settings = load_settings()
    if company:
        known = _companies(settings.home)
        if company not in known:
            typer.echo(f"No company {company!r} in {settings.home}; there are: {', '.join(known) or 'none'}.", err=True)
            raise typer.Exit(2)
        settings = use_company(settings, company)
    current = settings.paths.company
    if as_json:
        print_json({"home": str(settings.home), "current": current, "companies": _companies(settings.home)})
        return
    for name in _companies(settings.home) or [current]:
        RESULTS.print(f"{'*' if name == current else ' '} {name}")


def _companies(home: Path) -> list[str]:
    return sorted(folder.parent.name for folder in home.glob("*/landing")) if home.exists() else []
