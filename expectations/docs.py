"""Data Docs that open offline: self-contained HTML over the kept reports, free of scripts and of any other host.

Belongs here: drawing reports as pages. Does not belong here: results themselves (`report.py`). Why these are not Great
Expectations' own pages: docs/adr/0003-data-docs-offline.md.

Layout: `validations/docs/index.html`, one page a boundary, and `runs/<boundary>/<run>.html`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from expectations.boundaries import BOUNDARIES, suite_for
from expectations.report import CheckResult, ValidationReport, boundaries_with_reports, reports
from workspace.files import write_atomically
from workspace.settings import Settings

#: Runs whose pages are kept, and runs shown as columns of a boundary's page.
RUNS_KEPT, RUNS_SHOWN = 50, 20


@dataclass(frozen=True)
class _Cell:
    """One mark of a history strip."""

    kind: str
    label: str
    href: str


def build_docs(settings: Settings) -> Path:
    """Draw all pages anew from the kept reports; returns the index.

    Pages of runs beyond the newest `RUNS_KEPT` of a boundary are removed; their reports stay.
    """
    folder = settings.paths.validations / "docs"
    found = {boundary: reports(settings, boundary, RUNS_KEPT) for boundary in _in_order(settings)}
    environment = _environment(settings, list(found))
    for boundary, kept in found.items():
        _write_runs(environment, folder, boundary, kept)
        _write_boundary(environment, folder / f"{boundary}.html", boundary, kept)
    index = folder / "index.html"
    write_atomically(index, _index(environment, found))
    return index


def _in_order(settings: Settings) -> list[str]:
    present = boundaries_with_reports(settings)
    return [b for b in BOUNDARIES if b in present] + [b for b in present if b not in BOUNDARIES]


def _environment(settings: Settings, boundaries: list[str]) -> Environment:
    environment = Environment(
        loader=PackageLoader("expectations"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters.update(moment=_moment, rows=_rows, percent=_percent, breakable=_breakable)
    style = environment.loader.get_source(environment, "style.css")[0] if environment.loader else ""
    environment.globals.update(company=settings.paths.company, boundaries=boundaries, style=Markup(style), root="")
    return environment


def _index(environment: Environment, found: Mapping[str, list[ValidationReport]]) -> str:
    rows = [
        {"boundary": boundary, "title": _title(boundary), "latest": kept[-1],
         "cells": [_run_cell(boundary, report) for report in kept[-RUNS_SHOWN:]]}
        for boundary, kept in found.items()
    ]  # fmt: skip
    failing: list[dict[str, Any]] = [
        {"boundary": boundary, "check": check, "href": _run_href(boundary, kept[-1])}
        for boundary, kept in found.items()
        for check in kept[-1].failed()
    ]
    failing.sort(key=lambda item: item["check"].severity)
    page = environment.get_template("index.html")
    return page.render(page="index", title="Overview", headline=_headline(found), rows=rows, failing=failing)


def _headline(found: Mapping[str, list[ValidationReport]]) -> str:
    latest = {boundary: kept[-1] for boundary, kept in found.items()}
    blocking = [boundary.replace("_", " ") for boundary, report in latest.items() if not report.success]
    if not latest:
        return "Nothing was validated yet"
    if blocking:
        return f"{len(blocking)} of {len(latest)} boundaries block: {', '.join(blocking)}"
    warnings = sum(report.count("failed") for report in latest.values())
    return f"All {len(latest)} boundaries pass" + (f", with {_plural(warnings, 'warning')}" if warnings else "")


def _write_boundary(environment: Environment, path: Path, boundary: str, kept: list[ValidationReport]) -> None:
    shown, latest = kept[-RUNS_SHOWN:], kept[-1]
    by_run = [(report, {check.id: check for check in report.checks}) for report in shown]
    lines = [
        {"check": check, "cells": [_check_cell(boundary, report, ids.get(check.id)) for report, ids in by_run]}
        for check in sorted(latest.checks, key=lambda check: _first_seen(latest, check.table))
    ]  # fmt: skip
    tables = [(table, list(group)) for table, group in groupby(lines, key=lambda line: _table_of(line))]
    html = environment.get_template("boundary.html").render(
        page=boundary, title=_title(boundary), heading=_title(boundary), latest=latest,
        latest_href=_run_href(boundary, latest), tables=tables, runs=len(kept),
    )  # fmt: skip
    write_atomically(path, html)


def _write_runs(environment: Environment, folder: Path, boundary: str, kept: list[ValidationReport]) -> None:
    runs = folder / "runs" / boundary
    for report in kept:
        html = environment.get_template("run.html").render(
            page="run", root="../../", title=f"{_title(boundary)}, {_moment(report.started)}",
            heading=_title(boundary), report=report, skipped=_skipped(report.checks), passed=_passed(report),
        )  # fmt: skip
        write_atomically(runs / f"{report.name}.html", html)
    names = {f"{report.name}.html" for report in kept}
    for stale in runs.glob("*.html"):
        if stale.name not in names:
            stale.unlink()


def _skipped(checks: Iterable[CheckResult]) -> list[tuple[str, list[str]]]:
    by_reason: dict[str, list[str]] = {}
    for check in checks:
        if check.status == "skipped":
            by_reason.setdefault(check.observed.split(";")[0], []).append(check.id)
    return list(by_reason.items())


def _passed(report: ValidationReport) -> list[tuple[str, list[CheckResult]]]:
    by_table: dict[str, list[CheckResult]] = {}
    for check in report.checks:
        if check.status == "passed":
            by_table.setdefault(check.table, []).append(check)
    return list(by_table.items())


def _run_cell(boundary: str, report: ValidationReport) -> _Cell:
    errors, warnings = report.count("failed", "error"), report.count("failed", "warning")
    kind = "error" if errors else "warning" if warnings else "passed"
    label = f"{_moment(report.started)}: {_plural(errors, 'error')}, {_plural(warnings, 'warning')}"
    return _Cell(kind, label, _run_href(boundary, report))


def _check_cell(boundary: str, report: ValidationReport, check: CheckResult | None) -> _Cell:
    if check is None:
        return _Cell("absent", f"{_moment(report.started)}: not checked", "")
    kind = check.severity if check.status == "failed" else check.status
    href = _run_href(boundary, report) + (f"#{check.id}" if check.status == "failed" else "")
    return _Cell(kind, f"{_moment(report.started)}: {check.status}, {check.observed}", href)


def _run_href(boundary: str, report: ValidationReport) -> str:
    return f"runs/{quote(boundary)}/{quote(report.name, safe='')}.html"


def _title(boundary: str) -> str:
    return suite_for(boundary).title if boundary in BOUNDARIES else boundary.replace("_", " ").capitalize()


def _table_of(line: Mapping[str, Any]) -> str:
    return str(line["check"].table)


def _first_seen(report: ValidationReport, table: str) -> int:
    return next(i for i, check in enumerate(report.checks) if check.table == table)


def _moment(started: str) -> str:
    return datetime.fromisoformat(started).strftime("%Y-%m-%d %H:%M:%S UTC")


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"


def _percent(share: float) -> str:
    return f"{share:.2f} %" if share >= 0.01 or share == 0 else "< 0.01 %"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _breakable(name: str) -> Markup:
    """A long identifier that may break after its dots and underscores."""
    return Markup(str(escape(name)).replace(".", ".<wbr>").replace("_", "_<wbr>"))
