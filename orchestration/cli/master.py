"""`oi master`: golden records by any id, the stewards' queue, verdicts on pairs of records.

Belongs here: the commands and how their answers are shown. Does not belong here: matching and verdicts (ml).
"""

from enum import StrEnum
from pathlib import Path
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
def explain(
    entity: Entity,
    left: Left,
    right: Right,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write the charts to this file; it needs no network.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Why two records are the same or not: what each comparison or feature adds, in bits."""
    from dataclasses import asdict

    from ml.core.matching.charts import explanation_page, waterfall_svg, weights_svg
    from ml.jobs.explain import explain_pair
    from orchestration.cli.printing import RESULTS, print_json, print_table
    from workspace.settings import load_settings

    found = explain_pair(load_settings(), entity.value, left, right)
    overruled = f" The rule {found.rule!r} links them." if found.rule else ""
    if found.verdict:
        overruled = f" A person said: {found.verdict}."
    note = (
        f"Probability {found.probability:.4f} by the model, which links from {found.link_at:.4f} on.{overruled}"
        f"{'' if found.is_candidate else ' They share no key and are not near, so matching does not compare them.'}"
        f"{' A person must decide: ' + '; '.join(found.doubts) + '.' if found.doubts else ''}"
    )
    if html is not None:
        headings = "What speaks for and against this pair, in bits", "What every agreement weighs, in bits"
        page = explanation_page(
            f"{found.left} and {found.right}", note, waterfall_svg(found.prior, found.steps, headings[0]),
            weights_svg(found.levels, headings[1]) if found.levels else "", headings,
        )  # fmt: skip
        html.write_text(page, encoding="utf-8")
    if as_json:
        print_json(asdict(found))
        return
    print_table(f"{found.left} and {found.right}", [
        {"comparison": "prior", "weight": found.prior}, *map(asdict, found.steps),
    ], {"comparison": "compared", "level": "level", "weight": "bits", "rarity": "bits for rarity"})  # fmt: skip
    if found.beside:
        print_table("What both say", list(map(asdict, found.beside)), {
            "field": "field", "left": found.left, "right": found.right, "says": "",
        })  # fmt: skip
    RESULTS.print(note, markup=False, soft_wrap=True)
    if html is not None:
        RESULTS.print(f"Charts in {html}", markup=False, soft_wrap=True)


@app.command()
def unmapped(
    limit: Annotated[int, typer.Option("--limit", min=1, help="Most codes shown.")] = 20, as_json: AsJson = False
) -> None:
    """Codes that no master record explains, ranked by the decisions, predictions and orders that used one."""
    from decisions.unmapped import unmapped_codes
    from orchestration.cli.printing import print_json, print_table
    from workspace.published import open_current
    from workspace.settings import load_settings

    paths = load_settings().paths
    rows = unmapped_codes(open_current(paths.published), paths.plans, limit)
    if as_json:
        print_json(rows)
        return
    print_table("Codes that no master record explains, those with the greatest impact first", rows, {
        "entity": "entity", "source_system": "system", "code": "code", "count_decisions": "decisions",
        "count_predictions": "predictions", "count_feature_rows": "feature rows", "count_orders": "orders",
        "count_uses": "orders, lines, parcels", "count_stock_rows": "stock rows",
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
