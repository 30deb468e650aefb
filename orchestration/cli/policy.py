"""`oi policy`: routing policies as versions that go through the same gate as models.

Belongs here: registering one. Does not belong here: deciding on one, which is `oi models ... --model routing-policy`;
judging it (ml/jobs/policies).

Exit codes: 0 done · 1 refused.
"""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.deciding import Actor, AsJson, Reason

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _root() -> None:
    """Routing policies: show what is in force, register a change."""


@app.command()
def show(as_json: AsJson = False) -> None:
    """The policy in force: weights that differ from the default, closures, threshold."""
    from dataclasses import asdict

    from ml.core.routing.parameters import RoutingParameters
    from ml.io.policies import POLICY
    from ml.io.stores import open_stores
    from ml.jobs.policies import in_force
    from orchestration.cli.printing import print_json
    from workspace.settings import load_settings

    with open_stores(load_settings()) as stores:
        policy = in_force(stores)
    if as_json:
        print_json({"version": policy.version, **policy.to_dict()})
        return
    typer.echo(f"{POLICY}/{policy.version}" if policy.version else "the policy that comes with order-routing")
    usual = asdict(RoutingParameters())
    changed = {name: value for name, value in asdict(policy.routing.parameters).items() if value != usual[name]}
    for name, value in {**changed, "confidence_threshold": policy.confidence_threshold}.items():
        typer.echo(f"  {name:24} {value}")
    for name in ("closed_services", "closed_nodes"):
        for region, barred in policy.to_dict()[name].items():
            typer.echo(f"  {name:24} {region}: {', '.join(barred)}")


@app.command()
def register(
    file: Annotated[
        Path, typer.Argument(help="YAML: parameters, closed_services, closed_nodes, confidence_threshold.")
    ],
    reason: Reason,
    actor: Actor = "",
    as_json: AsJson = False,
) -> None:
    """Register what a file changes about the policy in force as the next version, and judge it on past orders.

    The person who registers it counts as its author: another must approve it.
    """
    import yaml

    from ml.core.routing.policy import BadPolicy
    from ml.io.gate_limits import load_limits
    from ml.io.policies import POLICY
    from ml.jobs.policies import judge_and_file, register_policy
    from orchestration.cli.printing import print_json, print_table
    from orchestration.cli.signing import sign_in, users
    from workspace.settings import load_settings

    values = yaml.safe_load(file.read_text(encoding="utf-8"))
    if not isinstance(values, dict):
        raise BadPolicy(f"{file} must hold names and values, as `oi policy show --json` prints them.")
    settings, person = load_settings(), sign_in(users(), actor)
    version = register_policy(settings, values, person, reason)
    judged = judge_and_file(settings, version, load_limits())
    if as_json:
        print_json({"version": version, "verdict": judged.verdict, "dossier": judged.dossier,
                    "affected": judged.affected, "gates": [gate.as_dict() for gate in judged.gates]})  # fmt: skip
        return
    rows = [gate.as_dict() for gate in judged.gates]
    print_table(f"{POLICY}/{version}", rows, {"name": "gate", "verdict": "verdict", "reason": "why"})
    typer.echo(f"{judged.affected:,} past orders would be decided otherwise. "
               f"Next: oi models propose {version} --model {POLICY} --reason ...")  # fmt: skip
