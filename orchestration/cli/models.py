"""`oi models`: registered versions, their evidence, and what people decide about them.

Belongs here: the commands, their options and how versions are shown. Does not belong here: decisions and their rules
(ml/jobs/desk, ml/core/promotion).

Exit codes: 0 done · 1 refused, or registry and ledger disagree · 2 wrong usage · 3 not enough evidence to compare.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ml.io.stores import ModelStores
    from workspace.keys import Signer
    from workspace.links import Event

app = typer.Typer(no_args_is_help=True)

Version = Annotated[str, typer.Argument(help="Version, such as 3.")]
Model = Annotated[str, typer.Option("--model", help="Registered model.")]
Actor = Annotated[str, typer.Option("--as", help="Who decides: an account of `oi users`, whose password is asked for.")]
Reason = Annotated[str, typer.Option("--reason", help="Why. The ledger keeps it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
DEFAULT_MODEL = "late-delivery-risk"
SHOWN_METRICS = {"roc_auc": "ROC-AUC", "pr_auc": "PR-AUC", "ece_debiased": "calibration error"}


@app.callback()
def _root() -> None:
    """Registered versions: list, show, compare, decide, history."""


@app.command("list")
def list_versions(model: Model = DEFAULT_MODEL, as_json: AsJson = False) -> None:
    """Versions, where they stand, and their main figures."""
    from ml.io.champion import check_champion
    from ml.io.stores import open_stores
    from orchestration.cli.printing import MESSAGES, print_json, print_table
    from workspace.settings import load_settings

    with open_stores(load_settings()) as stores:
        history = stores.promotions.history(model)
        found = check_champion(stores, model)
    rows: list[dict[str, Any]] = [
        {"version": name, "state": str(version.state), "origin": version.evaluated.get("origin"),
         "snapshot": version.evaluated.get("made_from", {}).get("snapshot"),
         "metrics": version.evaluated.get("metrics", {})}
        for name, version in sorted(history.versions.items(), key=lambda pair: int(pair[0]))
    ]  # fmt: skip
    if as_json:
        print_json({"model": model, "champion": history.champion, "problems": list(found.problems), "versions": rows})
    else:
        shown = [
            {**row, "origin": str(row["origin"] or "")[:10],
             **{metric: _shown(row["metrics"].get(metric), 3) for metric in SHOWN_METRICS}}
            for row in rows
        ]  # fmt: skip
        print_table(model, shown, {"version": "", "state": "state", "origin": "until", **SHOWN_METRICS})
        for problem in found.problems:
            MESSAGES.print(f"problem: {problem}", markup=False)
    if found.problems:
        raise typer.Exit(1)


@app.command()
def show(version: Version, model: Model = DEFAULT_MODEL, as_json: AsJson = False) -> None:
    """One version: state, gates, metrics, segments, files."""
    import json

    from ml.io.stores import open_stores
    from ml.jobs.gating import GATES
    from orchestration.cli.printing import print_json, print_table
    from workspace.settings import load_settings

    with open_stores(load_settings()) as stores:
        found = _known(stores, model, version)
        folder = stores.report_folder(model, version)
    filed = folder / GATES
    gates = json.loads(filed.read_text(encoding="utf-8"))["gates"] if filed.is_file() else []
    summary = {
        "model": model, "version": version, "state": str(found.state), "authors": sorted(found.authors),
        "approved_by": found.approved_by, "dossier": found.dossier, "folder": str(folder),
        "made_from": dict(found.evaluated.get("made_from", {})),
    }  # fmt: skip
    metrics = found.evaluated.get("metrics", {})
    if as_json:
        print_json({**summary, "gates": gates, "metrics": metrics})
        return
    for name, value in summary.items():
        if name != "made_from":
            typer.echo(f"{name:12} {', '.join(value) if isinstance(value, list) else value or ''}")
    for name, value in summary["made_from"].items():
        typer.echo(f"  {name:18} {value}")
    print_table("Gates", gates, {"name": "gate", "verdict": "verdict", "reason": "why"})
    rows = [{"metric": name, "estimate": _shown(value)} for name, value in metrics.items()]
    print_table("Rolling origins, 95 % intervals", rows, {"metric": "metric", "estimate": "value"})


@app.command()
def compare(
    challenger: Version,
    champion: Annotated[str, typer.Argument(help="Version to compare with; the champion if empty.")] = "",
    model: Model = DEFAULT_MODEL,
    as_json: AsJson = False,
) -> None:
    """Two versions on the same rows, which neither learned from: paired differences, overall and by region."""
    from ml.io.stores import open_stores
    from ml.jobs.catalogue import spec_of
    from ml.jobs.compare import compare_versions
    from orchestration.cli.printing import print_json, print_table
    from workspace.published import open_current
    from workspace.settings import load_settings

    settings = load_settings()
    with open_stores(settings) as stores:
        other = champion or stores.promotions.history(model).champion
        if other is None:
            typer.echo(f"oi: {model} has no champion; name two versions.", err=True)
            raise typer.Exit(2)
        found = compare_versions(stores, spec_of(model), open_current(settings.paths.published), challenger, other)
    if as_json:
        print_json(found.as_dict())
    else:
        rows = [
            {"what": name, "rows": found.rows["overall"], "difference": str(e)} for name, e in found.overall.items()
        ]
        rows += [{"what": f"{found.measure}, {name}", "rows": found.rows[name], "difference": str(e)}
                 for name, e in found.by_region.items()]  # fmt: skip
        print_table(f"Version {challenger} less version {other}, since {found.since:%Y-%m-%d}", rows,
                    {"what": "measure", "rows": "rows", "difference": "difference"})  # fmt: skip
    if not found.overall:
        raise typer.Exit(3)


@app.command()
def watch(model: Model = DEFAULT_MODEL, as_json: AsJson = False) -> None:
    """Whether the champion still meets what it was judged on: inputs, probabilities, outcomes, by region.

    Exit code 1 when retraining is due.
    """
    from ml.jobs.catalogue import spec_of
    from ml.jobs.watch import WatchJob
    from orchestration.cli.printing import print_json, print_table
    from workspace.published import open_current
    from workspace.settings import load_settings

    settings = load_settings()
    report = WatchJob(spec_of(model)).run(settings, open_current(settings.paths.published))
    if as_json:
        print_json(report.as_dict())
    else:
        shown = [
            {"alarm": "ALARM" if finding.is_alarm else "", "subject": finding.subject, "found": finding.sentence}
            for finding in sorted(report.findings, key=lambda finding: not finding.is_alarm)
            if finding.is_alarm or finding.subject == "performance" or not finding.region
        ]
        if shown:
            title = f"{model}, version {report.version}, as of {report.as_of[:16]}"
            print_table(title, shown, {"alarm": "", "subject": "subject", "found": "found"})
        typer.echo(f"Retraining is {'due' if report.is_due else 'not due'}: {report.why}")
    if report.is_due:
        raise typer.Exit(1)


@app.command()
def propose(
    version: Version, reason: Reason, actor: Actor = "", model: Model = DEFAULT_MODEL, as_json: AsJson = False
) -> None:
    """Put a version through the gates anew and propose it on the dossier that comes of it."""
    from ml.core.gates import overall
    from ml.core.promotion import State
    from ml.io.gate_limits import load_limits
    from ml.io.stores import open_stores
    from ml.jobs import desk
    from ml.jobs.catalogue import spec_of
    from ml.jobs.gating import file_dossier, judge
    from orchestration.lib.evidence import data_checks
    from workspace.published import open_current
    from workspace.settings import load_settings

    settings = load_settings()
    with open_stores(settings) as stores:
        _known(stores, model, version)
        person = _person(actor)
        stores.promotions.require(model, version, State.PROPOSED, person, reason, {"dossier": "not made yet"})
        spec, limits = spec_of(model), load_limits()
        snapshot = open_current(settings.paths.published)
        gates, comparison = judge(stores, spec, version, snapshot, limits, data_checks(settings))
        signed = file_dossier(stores, spec, version, gates, limits, comparison)
        event = desk.propose(stores, model, version, person, reason, signed)
    _show_event(event, as_json, {"gates": {gate.name: gate.verdict for gate in gates}, "verdict": overall(gates)})


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
    from ml.io.gate_limits import load_limits
    from ml.jobs import desk

    limits = load_limits()

    def decide(stores: "ModelStores", by: "Signer") -> "Event":
        return desk.approve(stores, model, version, by, reason, limits, condition, within_days)

    _decide(actor, as_json, decide)


@app.command()
def reject(
    version: Version, reason: Reason, actor: Actor = "", model: Model = DEFAULT_MODEL, as_json: AsJson = False
) -> None:
    """Reject a version for good."""
    from ml.jobs import desk

    _decide(actor, as_json, lambda stores, by: desk.reject(stores, model, version, by, reason))


@app.command()
def shadow(
    version: Version, reason: Reason, actor: Actor = "", model: Model = DEFAULT_MODEL, as_json: AsJson = False
) -> None:
    """Let an approved version score beside the champion without deciding."""
    from ml.jobs import desk

    _decide(actor, as_json, lambda stores, by: desk.start_shadow(stores, model, version, by, reason))


@app.command()
def promote(
    version: Version, reason: Reason, actor: Actor = "", model: Model = DEFAULT_MODEL, as_json: AsJson = False
) -> None:
    """Make an approved version the champion."""
    from ml.jobs import desk

    _decide(actor, as_json, lambda stores, by: desk.promote(stores, model, version, by, reason))


@app.command()
def rollback(reason: Reason, actor: Actor = "", model: Model = DEFAULT_MODEL, as_json: AsJson = False) -> None:
    """Restore the champion before the present one, at once; another reviewer confirms it afterwards."""
    from ml.io.gate_limits import load_limits
    from ml.jobs import desk

    limits = load_limits()
    _decide(actor, as_json, lambda stores, by: desk.roll_back(stores, model, by, reason, limits))


@app.command()
def confirm(
    version: Version, reason: Reason, actor: Actor = "", model: Model = DEFAULT_MODEL, as_json: AsJson = False
) -> None:
    """Confirm a rollback, or that the condition of an approval is met."""
    from ml.jobs import desk

    _decide(actor, as_json, lambda stores, by: desk.confirm(stores, model, version, by, reason))


@app.command()
def history(
    version: Annotated[str, typer.Argument(help="Version; all of them if empty.")] = "",
    model: Model = DEFAULT_MODEL,
    as_json: AsJson = False,
) -> None:
    """Every event of a model or of one version, with void ones marked."""
    from dataclasses import asdict

    from ml.io.stores import open_stores
    from orchestration.cli.printing import print_json, print_table
    from workspace.settings import load_settings

    with open_stores(load_settings()) as stores:
        events = stores.promotions.events(model, version or None)
        void = stores.promotions.history(model).void
    if as_json:
        print_json([{**asdict(event), "void": void.get(event.sequence)} for event in events])
        return
    rows = [
        {"sequence": event.sequence, "at": event.at[:16].replace("T", " "), "version": event.subject.rpartition("/")[2],
         "kind": f"void: {void[event.sequence]}" if event.sequence in void else event.kind, "actor": event.actor,
         "reason": event.reason}
        for event in events
    ]  # fmt: skip
    headings = {"sequence": "", "at": "at (UTC)", "version": "v", "kind": "became", "actor": "by", "reason": "why"}
    print_table(f"History of {model}", rows, headings)


def _person(actor: str) -> "Signer":
    from orchestration.cli.signing import sign_in, users

    return sign_in(users(), actor)


def _decide(actor: str, as_json: bool, decide: "Callable[[ModelStores, Signer], Event]") -> None:
    from ml.io.stores import open_stores
    from workspace.settings import load_settings

    with open_stores(load_settings()) as stores:
        _show_event(decide(stores, _person(actor)), as_json)


def _known(stores: "ModelStores", model: str, version: str) -> Any:
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


def _shown(estimate: Any, digits: int = 4) -> str:
    if not estimate:
        return ""
    value, low, high = (estimate[name] for name in ("value", "low", "high"))
    return f"{value:.{digits}f}" if low is None else f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"
