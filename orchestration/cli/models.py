"""`oi models`: registered versions and their evidence.

Belongs here: the commands that look, and how versions are shown. Does not belong here: those that decide
(orchestration/cli/deciding).

Exit codes: 0 done · 1 refused, or registry and ledger disagree · 2 wrong usage · 3 not enough evidence to compare.
"""

from typing import Annotated, Any

import typer

from orchestration.cli import deciding
from orchestration.cli.deciding import DEFAULT_MODEL, AsJson, Model, Version, known
from orchestration.cli.model_training import train

app = typer.Typer(no_args_is_help=True)

SHOWN_METRICS = {"roc_auc": "ROC-AUC", "pr_auc": "PR-AUC", "ece_debiased": "calibration error"}


@app.callback()
def _root() -> None:
    """Registered versions: list, show, compare, decide, history."""


app.command()(train)


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
        found = known(stores, model, version)
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
def benefits(challenger: Version, model: Model = DEFAULT_MODEL, as_json: AsJson = False) -> None:
    """What putting a version to work would change, by what it said in shadow: cost, on time, automation, regions."""
    from ml.core.benefits import shown
    from ml.io.gate_limits import load_limits
    from ml.io.stores import open_stores
    from ml.jobs.catalogue import spec_of
    from ml.jobs.shadow import beside
    from orchestration.cli.printing import print_json, print_table
    from workspace.published import open_current
    from workspace.settings import load_settings

    settings = load_settings()
    with open_stores(settings) as stores:
        champion = stores.promotions.history(model).champion
        known(stores, model, challenger)
        if champion is None or champion == challenger:
            typer.echo(f"oi: {model}/{challenger} has no other champion to go beside.", err=True)
            raise typer.Exit(2)
        snapshot = open_current(settings.paths.published)
        found = beside(stores, spec_of(model), snapshot, challenger, champion, load_limits().minimum_region_rows)
    if as_json:
        print_json(found.as_dict())
    elif found.benefits:
        rows = [
            {
                **benefit.as_dict(),
                **dict(zip(("champion", "challenger", "change"), shown(benefit.as_dict()), strict=True)),
            }
            for benefit in found.benefits
        ]
        names = ("measure", "basis", "orders", "champion", "challenger", "change", "note")
        print_table(f"Version {challenger} beside version {champion}", rows, {name: name for name in names})
    else:
        typer.echo(f"Version {challenger} has scored nothing in shadow yet; `oi run score` lets the challenger score.")
    if not found.benefits:
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


def _shown(estimate: Any, digits: int = 4) -> str:
    if not estimate:
        return ""
    value, low, high = (estimate[name] for name in ("value", "low", "high"))
    return f"{value:.{digits}f}" if low is None else f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


app.add_typer(deciding.app)
