"""`oi master`: golden records by any id, the stewards' queue, verdicts on pairs of records.

Belongs here: the commands and how their answers are shown. Does not belong here: matching and verdicts (ml).
"""

from enum import StrEnum
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)


class MasterEntity(StrEnum):
    """What has golden records that stewards decide about."""

    CUSTOMER = "customer"
    PRODUCT = "product"
    WAREHOUSE = "warehouse"


Entity = Annotated[MasterEntity, typer.Argument(help="customer, product or warehouse.")]
Left = Annotated[str, typer.Argument(help="A record, as system|code.")]
Right = Annotated[str, typer.Argument(help="The other record.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the ledger for good.")]
Actor = Annotated[str, typer.Option("--actor", help="Account that decides; default: the user of this machine.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


@app.command()
def show(
    entity: Entity,
    asked: Annotated[str, typer.Argument(help="A golden id of any age, or a record as system|code.")],
    as_json: AsJson = False,
) -> None:
    """Where an id leads now: the golden record, its source records, the merges and splits on the way."""
    from dataclasses import asdict

    from ml.jobs.steward import look_up
    from orchestration.cli.printing import RESULTS, format_cell, print_json, print_table
    from workspace.settings import load_settings

    found = look_up(load_settings(), entity.value, asked)
    if as_json:
        print_json(asdict(found))
        return
    for golden in found.golden:
        print_table(golden.golden_id, golden.records, {
            "record_id": "record", "match_rule": "linked by", "match_probability": "probability",
        })  # fmt: skip
        for field, value in golden.values.items():
            RESULTS.print(f"  {field}: {format_cell(value)}", soft_wrap=True)
    if found.changes:
        print_table("Merges and splits", found.changes, {
            "changed_at": "when", "kind": "what", "golden_id": "id", "into": "into", "evidence": "why", "actor": "who",
        })  # fmt: skip


@app.command()
def queue(
    entity: Entity,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Most pairs shown.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Pairs of records that wait for a steward, likeliest first."""
    from ml.jobs.steward import queue as waiting
    from orchestration.cli.printing import print_json, print_table
    from workspace.settings import load_settings

    rows = waiting(load_settings(), entity.value).head(limit).to_dicts()
    if as_json:
        print_json(rows)
        return
    print_table(f"Waiting for a steward: {entity.value}s", rows, {
        "left_record": "record", "right_record": "other", "probability": "probability", "evidence": "evidence",
    })  # fmt: skip


@app.command()
def link(entity: Entity, left: Left, right: Right, reason: Reason, actor: Actor = "") -> None:
    """Say that two records are the same; refused with the chain that contradicts, where one does."""
    _decide(entity, "linked", left, right, actor, reason)


@app.command()
def apart(entity: Entity, left: Left, right: Right, reason: Reason, actor: Actor = "") -> None:
    """Say that two records are not the same; refused with the chain that contradicts, where one does."""
    _decide(entity, "apart", left, right, actor, reason)


@app.command()
def withdraw(entity: Entity, left: Left, right: Right, reason: Reason, actor: Actor = "") -> None:
    """Take the verdict on two records back; matching decides about them again."""
    _decide(entity, "withdrawn", left, right, actor, reason)


def _decide(entity: MasterEntity, verdict: str, left: str, right: str, actor: str, reason: str) -> None:
    from ml.jobs.steward import decide_pair
    from orchestration.cli.printing import RESULTS
    from orchestration.cli.signing import sign_in, users
    from workspace.settings import load_settings

    event = decide_pair(load_settings(), entity.value, verdict, left, right, sign_in(users(), actor), reason)
    RESULTS.print(
        f"{left} and {right}: {verdict} by {event.actor}, event {event.sequence}. It holds from the next run of "
        f"matching on: oi run build", markup=False, soft_wrap=True,
    )  # fmt: skip
