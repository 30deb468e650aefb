"""`oi replay`: give a stored prediction, a decision or a policy's replay again, and say whether it is the very same.

Belongs here: the command and how the two are shown. Does not belong here: replaying (ml/jobs/replay, ml/jobs/policies,
decisions/routing/replay).

Exit codes: 0 the same · 1 it cannot be replayed, or what was signed was changed · 3 another answer.
"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from workspace.settings import Settings

app = typer.Typer(no_args_is_help=True)


@app.command()
def replay(
    answer: Annotated[
        str,
        typer.Argument(
            help="An order, for its newest prediction or decision; ORDER@FILE or ORDER@PLAN; a version of a policy."
        ),
    ],
    model: Annotated[
        str, typer.Option("--model", help="late-delivery-risk: a prediction; order-routing; routing-policy.")
    ] = "late-delivery-risk",
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Rebuild an answer from its snapshot, its verified model and its policy, and compare."""
    from dataclasses import asdict

    from ml.io.policies import POLICY
    from ml.jobs.catalogue import ORDER_ROUTING
    from orchestration.cli.printing import RESULTS, print_json
    from workspace.settings import load_settings

    kinds = {ORDER_ROUTING.name: _decision, POLICY: _policy}
    settings = load_settings()
    found, lines = kinds[model](settings, answer) if model in kinds else _prediction(settings, answer, model)
    if as_json:
        print_json({**asdict(found), "is_same": found.is_same})
    else:
        RESULTS.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
    if not found.is_same:
        raise typer.Exit(3)


def _said(name: str, is_same: bool) -> str:
    return f"{name}: {'the same answer' if is_same else 'ANOTHER ANSWER'}"


def _prediction(settings: "Settings", answer: str, model: str) -> tuple[Any, list[str]]:
    from ml.jobs.catalogue import spec_of
    from ml.jobs.replay import ReplayJob

    found = ReplayJob(answer, spec_of(model)).run(settings)
    made = found.recorded
    return found, [
        _said(found.id, found.is_same),
        f"  recorded  {made['late_probability']!r}  {found.recorded_hash}",
        f"  replayed  {found.replayed['late_probability']!r}  {found.replayed_hash}",
        f"  by version {made['model_version']} of {made['model_name']}, dossier {found.dossier}",
        f"  from snapshot {made['data_snapshot']}, features {found.table_sha256}",
    ]


def _decision(settings: "Settings", answer: str) -> tuple[Any, list[str]]:
    from decisions.routing.replay import replay_decision

    found = replay_decision(settings, answer)
    by = f"version {found.model_version} of order-routing, dossier {found.dossier}" if found.model_version else "a rule"
    nodes = [", ".join(one["decision"]["warehouse_ids"]) or "nowhere" for one in (found.recorded, found.replayed)]
    return found, [
        _said(found.id, found.is_same),
        f"  recorded  {nodes[0]}  {found.recorded_hash}",
        f"  replayed  {nodes[1]}  {found.replayed_hash}",
        f"  by {by}, under policy {found.policy_version or 'of the model'}",
        f"  from snapshot {found.snapshot}",
    ]


def _policy(settings: "Settings", answer: str) -> tuple[Any, list[str]]:
    from ml.jobs.policies import replay_again

    found = replay_again(settings, answer)
    return found, [
        _said(f"routing-policy/{found.version}", found.is_same),
        f"  recorded  {found.recorded_hash}",
        f"  replayed  {found.replayed_hash}  {found.affected:,} orders decided otherwise",
        f"  by dossier {found.dossier}",
    ]
