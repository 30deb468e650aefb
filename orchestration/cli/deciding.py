"""The decisions of `oi models`: propose, approve, reject, shadow, promote, rollback, confirm.

Belongs here: the commands, and asking who decides. Does not belong here: decisions and their rules (ml/jobs/desk,
ml/core/promotion), showing versions (orchestration/cli/models).

Exit codes: 0 done · 1 refused · 2 wrong usage.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ml.io.stores import ModelStores
    from workspace.keys import Signer
    from workspace.links import Event
    from workspace.settings import Settings

app = typer.Typer()

DEFAULT_MODEL = "late-delivery-risk"
Version = Annotated[str, typer.Argument(help="Version, such as 3.")]
Model = Annotated[str, typer.Option("--model", help="Registered model, or policy.")]
Actor = Annotated[str, typer.Option("--as", help="Who decides: an account of `oi users`, whose password is asked for.")]
Reason = Annotated[str, typer.Option("--reason", help="Why. The ledger keeps it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]

#: Commands that take a version and a reason: name → what the command's help says.
PLAIN = {
    "reject": "Reject a version for good.",
    "shadow": "Let an approved version score beside the champion without deciding.",
    "promote": "Make an approved version the champion.",
    "confirm": "Confirm a rollback, or that the condition of an approval is met.",
}


@app.command()
def propose(
    version: Version, reason: Reason, actor: Actor = "", model: Model = DEFAULT_MODEL, as_json: AsJson = False
) -> None:
    """Put a version through the gates anew and propose it on the dossier that comes of it."""
    from ml.core.lifecycle import State
    from ml.io.stores import open_stores
    from ml.jobs import desk
    from workspace.settings import load_settings

    settings = load_settings()
    with open_stores(settings) as stores:
        known(stores, model, version)
        person = _person(actor)
        stores.promotions.require(model, version, State.PROPOSED, person, reason, {"dossier": "not made yet"})
        signed, verdicts, verdict = _judged(settings, stores, model, version)
        event = desk.propose(stores, model, version, person, reason, signed)
    _show_event(event, as_json, {"gates": verdicts, "verdict": verdict})


def _judged(settings: "Settings", stores: "ModelStores", model: str, version: str) -> tuple[str, dict[str, str], str]:
    """Put a version of a model or of a policy through its gates; dossier, verdict of each gate, and of all."""
    from ml.io.gate_limits import load_limits
    from ml.io.policies import POLICY
    from ml.jobs.catalogue import spec_of
    from ml.jobs.gating import file_dossier, judge
    from ml.jobs.policies import judge_and_file
    from orchestration.lib.evidence import data_checks
    from workspace.published import open_current

    limits = load_limits()
    if model == POLICY:
        policy = judge_and_file(settings, version, limits)
        return policy.dossier, {gate.name: gate.verdict for gate in policy.gates}, policy.verdict
    spec, snapshot = spec_of(model), open_current(settings.paths.published)
    judged = judge(stores, spec, version, snapshot, limits, data_checks(settings))
    signed = file_dossier(stores, spec, version, judged, limits)
    return signed, {gate.name: gate.verdict for gate in judged.gates}, judged.verdict


@app.command()
def approve(
    version: Version,
    reason: Reason,
    condition: Annotated[str, typer.Option("--condition", help="What is still to be met, and confirmed in time.")] = "",
    within_days: Annotated[float | None, typer.Option("--within-days", min=0, help="Days for the condition.")] = None,
    actor: Actor = "",
    model: Model = DEFAULT_MODEL,
    as_json: AsJson = False,
) -> None:
    """Approve a proposed version; whoever made or proposed it may not."""
    _decide(actor, as_json, "approve", model, version, reason, condition=condition, due_days=within_days)


@app.command()
def rollback(reason: Reason, actor: Actor = "", model: Model = DEFAULT_MODEL, as_json: AsJson = False) -> None:
    """Restore the champion before the present one, at once; another reviewer confirms it afterwards."""
    _decide(actor, as_json, "rollback", model, "", reason)


def _plain(action: str) -> Callable[..., None]:
    def command(
        version: Version, reason: Reason, actor: Actor = "", model: Model = DEFAULT_MODEL, as_json: AsJson = False
    ) -> None:
        _decide(actor, as_json, action, model, version, reason)

    return command


for _name, _help in PLAIN.items():
    app.command(_name, help=_help)(_plain(_name))


def _decide(actor: str, as_json: bool, action: str, model: str, version: str, reason: str, **terms: Any) -> None:
    from ml.io.gate_limits import load_limits
    from ml.io.stores import open_stores
    from ml.jobs import desk
    from workspace.settings import load_settings

    with open_stores(load_settings()) as stores:
        person = _person(actor)
        _show_event(desk.decide(stores, action, model, version, person, reason, load_limits(), **terms), as_json)


def _person(actor: str) -> "Signer":
    from orchestration.cli.signing import sign_in, users

    return sign_in(users(), actor)


def known(stores: "ModelStores", model: str, version: str) -> Any:
    """A version as the ledger knows it; ends the command, naming those that there are, if it does not."""
    history = stores.promotions.history(model)
    if version not in history.versions:
        known = ", ".join(sorted(history.versions, key=int)) or "none"
        typer.echo(f"oi: {model} has no version {version}; there are: {known}.", err=True)
        raise typer.Exit(2)
    return history.versions[version]


def _show_event(event: "Event", as_json: bool, more: dict[str, Any] | None = None) -> None:
    from dataclasses import asdict

    from orchestration.cli.printing import RESULTS, print_json

    if as_json:
        print_json({**asdict(event), **(more or {})})
    else:
        RESULTS.print(
            f"{event.subject} is {event.kind}, by {event.actor} (ledger event {event.sequence})", markup=False
        )
