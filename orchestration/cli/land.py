"""`oi land`: land an extract, list adapters, run an adapter's cases.

Belongs here: the command and how its report is shown. Does not belong here: landing (sources.landing).
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from sources.manifest import Adapter
    from sources.record import LandingReport
    from workspace.settings import Settings

app = typer.Typer()

_SECRET = "OI_SECRET_"


@app.command()
def land(
    adapter: Annotated[str, typer.Argument(help="Adapter by name, or a folder with a manifest.yaml.")] = "",
    extract: Annotated[Path | None, typer.Argument(help="Folder of the extract.")] = None,
    company: Annotated[str, typer.Option(help="Company to land for, instead of the adapter's.")] = "",
    as_list: Annotated[bool, typer.Option("--list", help="List the adapters that ship.")] = False,
    test: Annotated[bool, typer.Option("--test", help="Run the adapter's cases.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Land an extract: cast, check, quarantine, write Parquet by day. The home then works on its company."""
    if as_list:
        _list(as_json)
        return
    from sources.manifest import AdapterError, load_adapter

    try:
        if not adapter:
            raise typer.BadParameter("name an adapter (`oi land --list` shows them) and the folder of an extract")
        loaded = load_adapter(adapter)
        if test:
            _test(loaded, as_json)
            return
        if extract is None:
            raise typer.BadParameter(f"name the folder of the extract: oi land {adapter} EXTRACT")
        _land(loaded, extract, company, as_json)
    except AdapterError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


def _land(adapter: "Adapter", extract: Path, company: str, as_json: bool) -> None:
    from orchestration.cli.printing import print_json
    from sources.landing import LandingFailed
    from sources.landing import land as land_extract
    from sources.store import LandingBusy
    from workspace.settings import load_settings, use_company

    settings = load_settings()
    name = company or adapter.manifest.company or settings.paths.company
    settings = type(settings)(**{**settings.model_dump(), "company": name})
    secrets = {k.removeprefix(_SECRET): v for k, v in os.environ.items() if k.startswith(_SECRET)}
    try:
        with _progress(as_json) as told:
            report = land_extract(settings, adapter, extract, progress=told, secrets=secrets)
    except LandingBusy as busy:
        typer.echo(str(busy), err=True)
        raise typer.Exit(4) from busy
    except LandingFailed as failure:
        typer.echo(str(failure), err=True)
        raise typer.Exit(1) from failure
    if report.status != "refused":
        use_company(settings, name)
    if as_json:
        print_json(_summary(report))
    else:
        _show(report, settings)
    raise typer.Exit(1 if report.status == "refused" else 0)


def _progress(as_json: bool) -> Any:
    from contextlib import contextmanager

    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from orchestration.cli.printing import MESSAGES

    @contextmanager
    def shown() -> Any:
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=MESSAGES, transient=True, disable=as_json) as progress:
            task = progress.add_task("start", total=1.0)
            yield lambda what, share: progress.update(task, description=what, completed=share)

    return shown()


def _summary(report: "LandingReport") -> dict[str, Any]:
    from dataclasses import asdict

    tables = {
        name: {**asdict(t.total), "reasons": dict(t.reasons), "warnings": {n: w.count for n, w in t.warnings.items()},
               "first_day": t.first_day, "last_day": t.last_day, "skipped_files": list(t.skipped)}
        for name, t in report.tables.items()
    }  # fmt: skip
    return {
        "batch": report.batch, "status": report.status, "company": report.company, "adapter": report.adapter,
        "total": asdict(report.total), "days": report.days, "tables": tables,
        "files": [asdict(f) for f in report.files], "problems": list(report.problems),
        "observations": {n: w.count for n, w in report.observations.items()}, "unmatched_files": list(report.unmatched),
        "changes": [asdict(c) for c in report.changes],
    }  # fmt: skip


def _show(report: "LandingReport", settings: "Settings") -> None:
    from orchestration.cli.printing import MESSAGES, RESULTS, format_cell, print_table

    if report.status == "refused":
        MESSAGES.print(f"[red]Refused.[/red] Nothing of this extract landed for {report.company}:")
        for problem in report.problems:
            MESSAGES.print(f"  • {format_cell(_sentence(problem))}")
        _show_changes(report, MESSAGES)
        return
    if report.status == "already_landed":
        RESULTS.print(
            f"Already landed: all files of this extract, with this adapter and contract. {report.company} is unchanged."
        )
        return
    print_table(f"Landed for {report.company} as {report.batch}", _table_rows(report), {
        "table": "table", "read": "read", "landed": "landed", "quarantined": "quarantined",
        "first_day": "first day", "last_day": "last day",
    })  # fmt: skip
    if refused := _refused_rows(report):
        print_table(
            "Quarantined, most frequent reasons", refused, {"table": "table", "reason": "reason", "rows": "rows"}
        )
    if noticed := _noticed_rows(report):
        print_table("Noticed, kept", noticed, {"where": "in", "what": "what", "rows": "rows", "first": "first at"})
    _show_changes(report, RESULTS)
    if report.unmatched:
        RESULTS.print(f"Not read by this adapter: {format_cell(report.unmatched)}")
    if report.total.quarantined:
        RESULTS.print(f"Refused rows, with values, file and line: {settings.paths.quarantine}", soft_wrap=True)


def _show_changes(report: "LandingReport", console: "Console") -> None:
    if report.changes:
        console.print("Changed since the columns last landed:")
    for c in report.changes:
        verdict = c.verdict.replace("_", " ")
        told = f"  • {verdict}: {c.file} (column {c.column}): [{c.kind}] {c.message} {c.remedy}"
        console.print(told + (f" Suggested: {c.suggestion}" if c.suggestion else ""), markup=False, soft_wrap=True)


def _table_rows(report: "LandingReport") -> list[dict[str, Any]]:
    from dataclasses import asdict

    rows: list[dict[str, Any]] = [
        {"table": name, **asdict(table.total), "first_day": table.first_day, "last_day": table.last_day}
        for name, table in report.tables.items()
    ]
    return [*rows, {"table": "all", **asdict(report.total)}]


def _refused_rows(report: "LandingReport") -> list[dict[str, Any]]:
    from sources.record import top_reasons

    return [
        {"table": name, "reason": reason, "rows": count}
        for name, table in report.tables.items() for reason, count in top_reasons(table.reasons)
    ]  # fmt: skip


def _noticed_rows(report: "LandingReport") -> list[dict[str, Any]]:
    found = [(name, what, w) for name, table in report.tables.items() for what, w in table.warnings.items()]
    found += [("files", what, w) for what, w in report.observations.items()]
    return [
        {"where": where, "what": what, "rows": w.count, "first": w.samples[0].rpartition("/")[2] if w.samples else ""}
        for where, what, w in found
    ]  # fmt: skip


def _sentence(problem: Any) -> str:
    from sources.problems import Problem

    return str(Problem(**problem))


def _list(as_json: bool) -> None:
    from orchestration.cli.printing import print_json, print_table
    from sources.manifest import list_adapters, load_adapter

    found = [load_adapter(name).manifest for name in list_adapters()]
    rows = [
        {"name": m.name, "company": m.company, "description": m.description,
         "tables": sorted(m.tables), "notes": m.notes} for m in found
    ]  # fmt: skip
    if as_json:
        print_json(rows)
        return
    print_table(
        "Adapters", rows, {"name": "name", "company": "company", "description": "description", "tables": "tables"}
    )


def _test(adapter: "Adapter", as_json: bool) -> None:
    from orchestration.cli.printing import RESULTS, format_cell, print_json
    from sources.cases import list_cases, run_case

    results = {case: run_case(adapter, case) for case in list_cases(adapter)}
    if as_json:
        print_json(results)
    for case, differences in {} if as_json else results.items():
        RESULTS.print(f"{'[green]ok[/green]  ' if not differences else '[red]differs[/red]'} {adapter.name}/{case}")
        for difference in differences:
            RESULTS.print(f"  • {format_cell(difference)}")
    if not results:
        typer.echo(f"{adapter.name} has no cases; put one below {adapter.folder / 'cases'}.", err=True)
    raise typer.Exit(1 if not results or any(results.values()) else 0)
