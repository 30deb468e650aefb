"""`oi audit replay`: what a proposed routing policy would do to regions, on past orders or in the twin.

Belongs here: the command and how its answer is shown. Does not belong here: replaying (ml/jobs/policy_replay,
decisions/routing/twin_replay) and judging (ml/jobs/policy_audit).
"""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ml.core.fairness.policies import PolicyComparison
    from ml.core.routing.policy import RoutingPolicy
    from workspace.settings import Settings

EXIT_BY_VERDICT = {"no_gap_found": 0, "gap": 1, "insufficient_evidence": 3, "undefined": 3}
MOST_GROUPS = 10
DATE = ["%Y-%m-%d"]


def replay(
    policy: Annotated[
        Path | None,
        typer.Option("--policy", help="JSON: parameters, closed_services, closed_nodes; what it leaves out stays."),
    ] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="A weight or limit, as lateness_cost=12.")] = None,
    close: Annotated[
        list[str] | None, typer.Option("--close", help="A service that a region may not have, as CN-SC=express.")
    ] = None,
    close_node: Annotated[
        list[str] | None, typer.Option("--close-node", help="A node that does not send to a region, as CN-SC=w_12.")
    ] = None,
    since: Annotated[datetime | None, typer.Option(formats=DATE, help="First day; 28 days back if left out.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=DATE, help="Last day; the newest if left out.")] = None,
    group: Annotated[
        list[str] | None,
        typer.Option("--group", help="Cross regions with value_tier, channel or segment (past orders only)."),
    ] = None,
    twin: Annotated[str, typer.Option("--twin", help="Replay in the twin instead: a preset, such as demo.")] = "",
    days: Annotated[int, typer.Option(min=1, help="Days of a run in the twin.")] = 7,
    replications: Annotated[int, typer.Option(min=1, max=1000, help="Pairs of runs in the twin.")] = 8,
    affected: Annotated[Path | None, typer.Option(help="CSV for the orders that are decided otherwise.")] = None,
    keep: Annotated[bool, typer.Option("--keep/--no-keep", help="Keep it for the next audit report.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Decide past orders, or the twin's, by a proposed policy; name the regions that it serves worse.

    Exit codes: 0 no gap found, 1 gap, 2 wrong usage or a policy that breaks a rule, 3 insufficient evidence or
    undefined.
    """
    from ml.core.routing.policy import BadPolicy, policy_of
    from ml.io.past_orders import NothingToReplay
    from ml.io.replays import keep_replay
    from ml.jobs.policy_replay import policy_in_force
    from orchestration.cli.printing import print_json
    from workspace.published import find_current
    from workspace.settings import load_settings

    company = load_settings()
    current = policy_in_force(company)
    try:
        proposed = policy_of(_values(policy, settings or [], close or [], close_node or []), current)
        if twin:
            found = _in_twin(twin, days, replications, current, proposed, quiet=as_json)
        else:
            window = (since.date() if since else None, until.date() if until else None)
            found = _on_past_orders(company, current, proposed, window, group or [], affected)
    except (BadPolicy, NothingToReplay) as problem:
        typer.echo(f"oi: {problem}", err=True)
        raise typer.Exit(2) from problem
    snapshot = find_current(company.paths.published)
    kept = keep_replay(company.paths.reports, found, snapshot.version if snapshot else "") if keep else None
    if as_json:
        print_json({**found.to_dict(), "named": found.named, "kept": str(kept) if kept else None})
    else:
        _show(found, kept)
    raise typer.Exit(EXIT_BY_VERDICT[found.verdict])


def _on_past_orders(
    company: "Settings", current: "RoutingPolicy", proposed: "RoutingPolicy", window: tuple[Any, Any],
    groups: list[str], affected: Path | None,
) -> "PolicyComparison":  # fmt: skip
    from ml.io.audit_reports import text_cell
    from ml.jobs.policy_audit import REGION, audit_replay
    from ml.jobs.policy_replay import replay_policy

    if unknown := set(groups) - {"value_tier", "channel", "segment"}:
        raise typer.BadParameter(f"--group is value_tier, channel or segment; got {', '.join(sorted(unknown))}")
    found = replay_policy(company, current, proposed, *window)
    if affected:
        found.affected.map(text_cell).to_csv(affected, index=False)
    return audit_replay(found, company.confidence_threshold, company.minimum_support, (REGION, *groups))


def _in_twin(preset: str, days: int, replications: int, current: "RoutingPolicy", proposed: "RoutingPolicy",
             *, quiet: bool) -> "PolicyComparison":  # fmt: skip
    from decisions.routing.twin_replay import replay_in_twin
    from orchestration.cli.printing import MESSAGES
    from twin.parameters import BadParameters, load_preset
    from twin.world import build_world

    try:
        world = build_world(load_preset(preset, days=days))
    except BadParameters as error:
        raise typer.BadParameter(str(error)) from error
    if not quiet:
        MESSAGES.print(f"{replications} × 2 runs of {days} days …")
    return replay_in_twin(world, current, proposed, replications)


def _values(file: Path | None, settings: list[str], close: list[str], close_node: list[str]) -> dict[str, Any]:
    """The proposed policy's values: the file's, with what the options add."""
    from ml.core.routing.policy import BadPolicy
    from orchestration.cli.route import changes_of

    values: dict[str, Any] = {}
    if file:
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise BadPolicy(f"{file} cannot be read as JSON: {error}") from error
        if not isinstance(values, dict):
            raise BadPolicy(f"{file} must hold an object with parameters, closed_services, closed_nodes.")
    if settings:
        values["parameters"] = {**values.get("parameters", {}), **changes_of(settings)}
    for name, pairs in (("closed_services", close), ("closed_nodes", close_node)):
        for pair in pairs:
            region, equals, barred = pair.rpartition("=")
            if not equals:
                raise typer.BadParameter(f"--close and --close-node want REGION=NAME; got {pair!r}")
            rule = values.setdefault(name, {})
            rule[region] = [*rule.get(region, []), barred]
    return values


def _show(found: "PolicyComparison", kept: Path | None) -> None:
    from orchestration.cli.printing import RESULTS, format_cell, print_table

    colour = {"gap": "red", "no_gap_found": "green"}.get(found.verdict, "yellow")
    where = "days of past orders" if found.source == "past_orders" else "paired replications of the twin"
    RESULTS.print(f"[bold {colour}]{found.verdict}[/]  {found.orders:,} orders, {found.rounds} {where}")
    rows = [
        {"figure": name, "before": f.before, "after": f.after, "change": f.change,
         "low": f.interval[0] if f.interval else None, "high": f.interval[1] if f.interval else None,
         "verdict": f.verdict, "named": f.named[:5]}
        for name, f in found.figures.items()
    ]  # fmt: skip
    headings = {"figure": "figure", "before": "before", "after": "after", "change": "change", "low": "from",
                "high": "to", "verdict": "by region", "named": "regions that differ"}  # fmt: skip
    print_table("Figures under both policies", rows, headings)
    for name in found.named:
        _show_groups(name, found)
    for name in found.not_recorded:
        RESULTS.print(f"not recorded: {name}", style="dim")
    for reason, count in found.left_out.items():
        RESULTS.print(f"not decided anew: {count:,} orders, {reason}", style="dim")
    if kept:
        RESULTS.print(f"kept for the next audit report: {format_cell(str(kept))}", soft_wrap=True, markup=False)


def _show_groups(name: str, found: "PolicyComparison") -> None:
    from orchestration.cli.printing import print_table

    groups = sorted(found.figures[name].groups, key=lambda g: (not g.named, -abs(g.against_typical or 0.0)))
    rows = [
        {"group": g.group, "status": "served worse" if g.named else "", "n": g.n, "before": g.before, "after": g.after,
         "against": g.against_typical, "low": g.interval[0] if g.interval else None,
         "high": g.interval[1] if g.interval else None, "p": g.adjusted_p}
        for g in groups[:MOST_GROUPS]
    ]  # fmt: skip
    print_table(f"{name}: regions that change most", rows,
                {"group": "region", "status": "status", "n": "orders", "before": "before", "after": "after",
                 "against": "against the typical", "low": "from", "high": "to", "p": "p over regions"})  # fmt: skip
