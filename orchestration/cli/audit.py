"""`oi audit`: audit anybody's table, or show the latest audit of the champion.

Belongs here: the commands, their options and how a verdict is shown. Does not belong here: the audit
(ml.core.fairness).

Exit codes: 0 no gap found · 1 gap · 2 wrong usage or a table that breaks a rule · 3 insufficient evidence or undefined.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli.audit_replay import EXIT_BY_VERDICT, replay

if TYPE_CHECKING:
    from ml.core.fairness.results import AuditResult, MetricResult
    from ml.io.audit_reports import SavedReport

app = typer.Typer(no_args_is_help=True)

MOST_GROUPS = 12


@app.callback()
def _root() -> None:
    """Regional bias audits: of a company's models, or of any table."""


@app.command("table")
def audit_table(
    file: Annotated[Path, typer.Option("--file", help="CSV, TSV, Parquet or JSON.")],
    group: Annotated[list[str], typer.Option("--group", help="Column of the group; further ones are crossed with it.")],
    y: Annotated[str, typer.Option("--y", help="Column of the outcome: 0, 1 or empty while not known.")] = "",
    score: Annotated[str, typer.Option("--score", help="Column of a probability.")] = "",
    pred: Annotated[str, typer.Option("--pred", help="Column of the decision: 0 or 1.")] = "",
    control: Annotated[list[str] | None, typer.Option("--control", help="Compare within this column's values.")] = None,
    weight: Annotated[str, typer.Option("--weight", help="Column of sampling weights.")] = "",
    count: Annotated[str, typer.Option("--count", help="Column that says how many rows a row stands for.")] = "",
    metric: Annotated[list[str] | None, typer.Option("--metric", help="Judge only these metrics.")] = None,
    outcome: Annotated[
        str, typer.Option("--outcome", help="What outcome 1 is to people: harm, benefit, neutral.")
    ] = "harm",
    minimum_support: Annotated[int, typer.Option("--minimum-support", help="Fewest rows to judge a group.")] = 100,
    tolerance: Annotated[float, typer.Option("--tolerance", help="Differences up to this do not matter.")] = 0.0,
    alpha: Annotated[float, typer.Option("--alpha", help="Error of false alarms over all groups and metrics.")] = 0.05,
    resamples: Annotated[int, typer.Option("--resamples", help="Draws under the null hypothesis.")] = 2000,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the draws.")] = 0,
    out: Annotated[Path, typer.Option("--out", help="Folder for the report.")] = Path("audit_reports"),
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no report.")] = False,
    pdf: Annotated[bool, typer.Option("--pdf", help="Also print the report to PDF.")] = False,
    title: Annotated[str, typer.Option("--title", help="Heading of the report; the file's name if empty.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Audit the outcomes, decisions and scores of a table by group, and write a report.

    Exit codes: 0 no gap found; 1 gap; 2 wrong usage or a table that breaks a rule; 3 insufficient evidence or
    undefined. With --json: `verdict` at the top (gap, no_gap_found, insufficient_evidence, undefined); `metrics` by
    name, each with its own `verdict` and its `groups`; `digest`, `report`.
    """
    from ml.core.fairness.errors import UnusableTable
    from ml.io.audit_cells import AuditColumns

    columns = AuditColumns(label=y or None, score=score or None, prediction=pred or None, group=group,
                           control=tuple(control or ()), weight=weight or None, count=count or None)  # fmt: skip
    settings = {"metrics": metric or None, "outcome": outcome, "minimum_support": minimum_support,
                "tolerance": tolerance, "alpha": alpha, "seed": seed, "resamples": resamples}  # fmt: skip
    try:
        result = _audit(file, columns, settings)
    except UnusableTable as problem:
        typer.echo(f"oi: {problem}", err=True)
        raise typer.Exit(2) from problem
    saved = None if no_report else _save(out, result, title or file.name)
    printed = _print_pdfs(saved) if pdf and saved else {}
    if as_json:
        from orchestration.cli.printing import print_json

        print_json({**result.to_dict(), "digest": result.digest, "report": _report_paths(saved, printed)})
    else:
        _show(result, saved, printed)
    raise typer.Exit(EXIT_BY_VERDICT[result.verdict])


app.command()(replay)


@app.command()
def show(
    model: Annotated[str, typer.Option("--model", help="Registered model.")] = "late-delivery-risk",
    version: Annotated[str, typer.Option("--version", help="Version; the champion if empty.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Show the latest audit of a version, checked against its digest."""
    from ml.io.audit_reports import read_report
    from ml.io.champion import NoChampion
    from ml.io.stores import open_stores
    from ml.io.version_files import AUDITS, NothingToAudit, read_fairness
    from orchestration.cli.printing import print_json
    from workspace.settings import load_settings

    with open_stores(load_settings()) as stores:
        chosen = version or stores.promotions.history(model).champion
        if chosen is None:
            raise NoChampion(f"{model} has no champion. Name a version: oi audit show --version N; `oi models list`.")
        found = read_fairness(stores.report_folder(model, chosen))
        reports = stores.paths.reports
    if found is None:
        raise NothingToAudit(f"{model}/{chosen} has no audit. Make one: `oi run train_and_audit`.")
    record = read_report(reports / AUDITS, found["sha256"])
    if as_json:
        print_json({"model": model, "version": chosen, **record["audit"], "judged": found, "digest": found["sha256"],
                    "report": str(reports / found["page"])})  # fmt: skip
    else:
        _show_stored(model, chosen, found, record["audit"], str(reports / found["page"]))
    raise typer.Exit(EXIT_BY_VERDICT[found["verdict"]])


def _show_stored(model: str, version: str, found: dict[str, Any], audit: dict[str, Any], page: str) -> None:
    from orchestration.cli.printing import RESULTS, format_cell, print_table

    RESULTS.print(
        f"[bold]{model} {version}[/]: {found['verdict']} in {found['measure']}. {format_cell(found['reason'])}"
    )
    rows = [
        {"metric": name, "layer": m["layer"], "verdict": m["verdict"], "overall": m["overall"], "p": m["adjusted_p"],
         "worst": m["worst"], "named": [g["group"] for g in m["groups"] if g["named"]][:5]}
        for name, m in audit["metrics"].items()
    ]  # fmt: skip
    headings = {"metric": "metric", "layer": "layer", "verdict": "verdict", "overall": "overall", "p": "p over all",
                "worst": "worst group", "named": "groups that differ"}  # fmt: skip
    print_table("Metrics", rows, headings)
    _show_layers(found)
    for said in audit["not_assessed"]:
        RESULTS.print(f"not assessed: {format_cell(said['text'])}", style="dim")
    RESULTS.print(f"report: {page}", soft_wrap=True, markup=False)


def _show_layers(found: dict[str, Any]) -> None:
    """Labels, decisions and alarms, where orders were published."""
    from orchestration.cli.printing import RESULTS, format_cell

    if label := found.get("label"):
        named = "; ".join(f"{part}: {', '.join(groups)}" for part, groups in label["named"].items() if groups)
        RESULTS.print(f"labels: {label['verdict']}. {format_cell(named)}")
    if decision := found.get("decision"):
        RESULTS.print(f"decisions: {decision['verdict']}. {format_cell(', '.join(decision['gaps']))}")
    if alarms := found.get("alarms"):
        rung = ", ".join(f"{group} since {week}" for group, week in sorted(alarms.items()))
        RESULTS.print(f"weekly alarm: {format_cell(rung)}")


def _audit(file: Path, columns: Any, settings: dict[str, Any]) -> "AuditResult":
    from dataclasses import replace

    from ml.core.fairness.audit import audit_with_intersections
    from ml.core.fairness.cells import JOINT
    from ml.io.audit_cells import cells_of_file
    from workspace.settings import load_settings
    from workspace.warehouse import scratch_connection

    connection = scratch_connection(load_settings())
    try:
        first, *others = columns.group
        main = cells_of_file(connection, file, replace(columns, group=(first,)))
        crossed = {
            f"{first}{JOINT}{other}": cells_of_file(connection, file, replace(columns, group=(first, other)))
            for other in others
        }
    finally:
        connection.close()
    return audit_with_intersections(main, crossed, columns=columns.to_dict(), **settings)


def _save(out: Path, result: "AuditResult", title: str) -> "SavedReport":
    from ml.io.audit_reports import save_report

    return save_report(out, result, {"title": title})


def _print_pdfs(saved: "SavedReport") -> dict[str, Path]:
    from ml.io.audit_reports import NoBrowser, print_pdf

    try:
        return {language: print_pdf(page, page.with_suffix(".pdf")) for language, page in saved.pages.items()}
    except NoBrowser as problem:
        typer.echo(f"oi: {problem}", err=True)
        return {}


def _report_paths(saved: "SavedReport | None", printed: dict[str, Path]) -> dict[str, Any] | None:
    if saved is None:
        return None
    return {"digest": saved.digest, "folder": str(saved.folder), "pages": {k: str(v) for k, v in saved.pages.items()},
            "pdf": {k: str(v) for k, v in printed.items()}}  # fmt: skip


def _show(result: "AuditResult", saved: "SavedReport | None", printed: dict[str, Path]) -> None:
    from orchestration.cli.printing import RESULTS, format_cell, print_table

    colour = {"gap": "red", "no_gap_found": "green"}.get(result.verdict, "yellow")
    RESULTS.print(f"[bold {colour}]{result.verdict}[/]  {format_cell(str(result.reason))}")
    rows = [
        {"metric": m.name, "layer": m.layer, "verdict": m.verdict, "overall": m.overall, "p": m.adjusted_p,
         "excess": m.range.excess if m.range else None, "named": list(m.named)[:5]}
        for m in result.metrics.values()
    ]  # fmt: skip
    headings = {"metric": "metric", "layer": "layer", "verdict": "verdict", "overall": "overall", "p": "p over all",
                "excess": "excess range", "named": "groups that differ"}  # fmt: skip
    print_table("Metrics", rows, headings)
    if result.worst:
        _show_groups(result.metrics[result.worst.metric])
    for said in result.not_assessed:
        RESULTS.print(f"not assessed: {format_cell(str(said))}", style="dim")
    for name, audit in result.intersections.items():
        RESULTS.print(f"{format_cell(name)}: {audit.verdict}. {format_cell(str(audit.reason))}")
    for page in [*(saved.pages.values() if saved else ()), *printed.values()]:
        RESULTS.print(f"report: {page}", soft_wrap=True, markup=False)


def _show_groups(metric: "MetricResult") -> None:
    from orchestration.cli.printing import print_table

    groups = sorted(metric.groups, key=lambda g: (not g.named, -abs(g.difference or 0.0)))[:MOST_GROUPS]
    rows = [
        {"group": g.group, "status": "differs" if g.named else g.status, "n": g.n, "value": g.rate,
         "low": g.interval[0] if g.interval else None, "high": g.interval[1] if g.interval else None,
         "difference": g.difference, "p": g.adjusted_p}
        for g in groups
    ]  # fmt: skip
    print_table(f"{metric.name}: groups farthest from the others ({len(groups)} of {len(metric.groups)})", rows,
                {"group": "group", "status": "status", "n": "n", "value": "value", "low": "low", "high": "high",
                 "difference": "difference", "p": "p over groups"})  # fmt: skip
