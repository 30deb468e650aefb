"""`oi ledger`: reading and verifying the append-only ledgers.

Belongs here: the commands and how events are shown. Does not belong here: the chain (workspace/ledger).

Exit codes: 0 done · 1 the chain does not hold.
"""

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


@app.callback()
def _root() -> None:
    """Read and verify the append-only ledgers."""


@app.command("list")
def list_events(
    stream: Annotated[str, typer.Option("--stream", help="Only this stream, such as promotions.")] = "",
    subject: Annotated[str, typer.Option("--subject", help="Only this subject, such as late-delivery-risk/3.")] = "",
    last: Annotated[int, typer.Option("--last", min=1, help="How many of the newest events.")] = 50,
    as_json: AsJson = False,
) -> None:
    """The newest events, oldest of them first."""
    from dataclasses import asdict

    from orchestration.cli.printing import print_json, print_table
    from workspace.ledger import open_ledger
    from workspace.settings import load_settings

    settings = load_settings()
    ledger = open_ledger(settings)
    try:
        events = ledger.events(stream or None, subject or None)[-last:]
    finally:
        ledger.close()
    if as_json:
        print_json([asdict(event) for event in events])
        return
    rows = [{**asdict(event), "at": event.at[:16].replace("T", " ")} for event in events]
    headings = {
        "sequence": "",
        "at": "at (UTC)",
        "subject": "subject",
        "kind": "became",
        "actor": "by",
        "reason": "why",
    }
    print_table("Ledger", rows, headings)


@app.command()
def verify(
    as_json: AsJson = False,
    accept_head: Annotated[
        bool, typer.Option("--accept-head", help="Afterwards take the newest event as the one that is kept beside.")
    ] = False,
) -> None:
    """Check every link of the chain; names each place where it does not hold.

    The newest event is also kept beside the ledger. Accept another one only when it is known why they differ: the
    ledger was brought back from a copy, or this machine is new to a ledger that others write.
    """
    from dataclasses import asdict

    from orchestration.cli.printing import RESULTS, print_json
    from workspace.ledger import open_ledger
    from workspace.settings import load_settings

    settings = load_settings()
    ledger = open_ledger(settings)
    try:
        findings, newest = ledger.verify(), ledger.newest()
        count = newest.sequence if newest else 0
        if accept_head:
            ledger.accept_head()
    finally:
        ledger.close()
    if as_json:
        print_json({"events": count, "is_whole": not findings, "findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            RESULTS.print(f"event {finding.sequence}: {finding.problem}", markup=False)
        RESULTS.print(f"{count:,} events; " + ("the chain is whole" if not findings else f"{len(findings)} findings"))
    if findings:
        raise typer.Exit(1)
