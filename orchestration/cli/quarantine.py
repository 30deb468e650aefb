"""`oi quarantine`: look at refused rows, give them out, take corrected ones back, see where all rows went.

Belongs here: the commands and how their answers are shown. Does not belong here: the work (sources.quarantine,
sources.replay, sources.reconciliation).

Exit codes: 0 done · 1 rows were refused again, or the counts do not add up · 4 another landing is at work.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sources.record import LandingReport

app = typer.Typer(no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
Table = Annotated[str, typer.Argument(help="Table of the landing contract, such as orders.")]
FATES = {"table": "table", "file": "file", "read": "read", "landed": "landed", "quarantined": "quarantined",
         "open": "open", "replayed": "replayed", "read_again": "read again", "in_mart": "in mart",
         "superseded": "superseded", "apart": "apart", "waiting": "waiting"}  # fmt: skip


@app.callback()
def _root() -> None:
    """Refused rows: list, look, give out, take corrected ones back; and where all rows went."""


@app.command("list")
def list_reasons(as_json: AsJson = False) -> None:
    """Refused rows by table, reason and state, most frequent first."""
    from collections import Counter

    from orchestration.cli.printing import print_json, print_table
    from sources.contracts import load_contract
    from sources.quarantine import list_quarantine
    from workspace.settings import load_settings

    settings = load_settings()
    counts: Counter[tuple[str, str, str]] = Counter()
    for table in load_contract():
        rows = list_quarantine(settings, table, limit=1_000_000)
        counts.update((table, reason, row.state) for row in rows for reason in row.reasons)
    found = [{"table": t, "reason": r, "state": s, "rows": n} for (t, r, s), n in counts.most_common()]
    if as_json:
        print_json(found)
    else:
        print_table("Quarantine", found, {"table": "table", "reason": "reason", "state": "state", "rows": "rows"})


@app.command()
def show(
    table: Table,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Most rows to show.")] = 20,
    every: Annotated[bool, typer.Option("--all", help="Also rows that were mended since.")] = False,
    as_json: AsJson = False,
) -> None:
    """Open rows of a table with what is wrong in words; personal values are masked."""
    from dataclasses import asdict

    from orchestration.cli.printing import print_json, print_table
    from sources.quarantine import list_quarantine
    from workspace.settings import load_settings

    found = list_quarantine(load_settings(), table, limit, None if every else "open")
    if as_json:
        print_json([asdict(row) for row in found])
        return
    rows = [
        {"place": f"{row.source_file}:{row.source_row}", "state": row.state, "why": " ".join(row.explanations),
         "values": ", ".join(f"{k}={v}" for k, v in row.values.items() if v is not None)}
        for row in found
    ]  # fmt: skip
    print_table(
        f"Quarantine of {table}", rows, {"place": "file:row", "state": "state", "why": "why", "values": "values"}
    )


@app.command()
def export(
    table: Table, file: Annotated[Path, typer.Argument(help="CSV file to write; holds personal values unmasked.")]
) -> None:
    """Write a table's open rows to a CSV file that only you can read, to be corrected and replayed."""
    from orchestration.cli.printing import RESULTS
    from sources.quarantine import export_open
    from workspace.settings import load_settings

    count = export_open(load_settings(), table, file)
    RESULTS.print(f"{count:,} open rows of {table} in {file}. Correct them, then: oi quarantine replay {table} {file}")


@app.command()
def replay(
    table: Annotated[str, typer.Argument(help="Table of the corrected rows. Absent: read all extracts again.")] = "",
    file: Annotated[Path | None, typer.Argument(help="CSV file of `oi quarantine export`, corrected.")] = None,
    as_json: AsJson = False,
) -> None:
    """Land corrected rows; without a table, read every known extract again, for a corrected file or mapping."""
    from orchestration.cli.printing import print_json, print_table
    from orchestration.lib.extracts import land_known_extracts
    from sources.replay import replay as replay_rows
    from sources.store import LandingBusy
    from workspace.settings import load_settings

    if table and file is None:
        raise typer.BadParameter(f"name the corrected file: oi quarantine replay {table} FILE")
    settings = load_settings()
    try:
        reports = [replay_rows(settings, table, file)] if file else land_known_extracts(settings)
    except LandingBusy as busy:
        typer.echo(str(busy), err=True)
        raise typer.Exit(4) from busy
    rows = [_outcome(report) for report in reports]
    if as_json:
        print_json(rows)
    else:
        print_table("Replayed", rows, {"batch": "batch", "status": "status", "read": "read", "landed": "landed",
                                       "quarantined": "refused"})  # fmt: skip
    refused = any(report.status == "refused" or (file and report.total.quarantined) for report in reports)
    raise typer.Exit(1 if refused else 0)


@app.command()
def where(
    table: Annotated[str, typer.Option("--table", help="Only this table of the contract.")] = "",
    as_json: AsJson = False,
) -> None:
    """Where did my rows go: read, landed, quarantined, superseded, late, in mart, for every file."""
    from dataclasses import asdict

    from orchestration.cli.printing import RESULTS, print_json, print_table
    from orchestration.lib.rows import file_fates
    from sources.reconciliation import add_up
    from workspace.settings import load_settings

    fates = [fate for fate in file_fates(load_settings()) if table in ("", fate.table)]
    wrong = [fate for fate in fates if not fate.adds_up]
    if as_json:
        print_json({"adds_up": not wrong, "files": [asdict(fate) for fate in fates]})
    else:
        print_table("Where did my rows go", [asdict(fate) for fate in [*fates, add_up("all", fates)]], FATES)
        for fate in wrong:
            RESULTS.print(f"{fate.table} of {fate.file} does not add up: {fate}", markup=False)
        if any(fate.waiting for fate in fates):
            RESULTS.print(
                "Waiting rows belong to days that were not built since they landed: oi run --from DAY --to DAY"
            )
    raise typer.Exit(1 if wrong else 0)


def _outcome(report: "LandingReport") -> dict[str, Any]:
    from dataclasses import asdict

    return {"batch": report.batch, "status": report.status, **asdict(report.total)}
