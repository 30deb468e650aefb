"""Audit reports on disk: immutable folders named by the digest of what they say, and PDF by a browser.

Belongs here: writing, finding and printing reports. Does not belong here: their content (ml.core.fairness.report).

Layout: `<folder>/<digest>/report.en.html`, `report.zh.html`, `audit.json`, `groups.csv`. The digest covers audit and
context; saving the same again changes nothing, and a folder is never written over.
"""

import csv
import io
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.core.fairness.report.context import ReportContext, context_of
from ml.core.fairness.report.page import content_digest, render_html
from ml.core.fairness.results import AuditResult, digest_of
from workspace.files import write_atomically

LANGUAGES = ("en", "zh")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PRINT_SECONDS = 120
#: Where a PDF states when it was printed, and what is put there: as long, so that no offset in the file moves.
PRINT_TIME, NO_TIME = (
    re.compile(rb"(/(?:CreationDate|ModDate) \()D:\d{14}(?:[+-]\d\d'\d\d'|Z)?"),
    b"D:20000101000000+00'00'",
)
#: A spreadsheet takes a cell that begins with one of these for a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
CSV_COLUMNS = ("metric", "layer", "group", "status", "n", "positives", "rate", "low", "high", "shrunken", "difference",
               "difference_low", "difference_high", "impact_ratio", "adjusted_p", "named", "detectable")  # fmt: skip


class ReportChanged(RuntimeError):
    """A stored report no longer holds what its name says."""


class NoBrowser(RuntimeError):
    """No browser that can print a page is installed."""


@dataclass(frozen=True)
class SavedReport:
    """A report on disk: its content digest, its folder, and its pages by language."""

    digest: str
    folder: Path
    pages: Mapping[str, Path]
    data: Path


def save_report(
    folder: Path,
    result: AuditResult,
    context: ReportContext | Mapping[str, Any] | None = None,
    languages: Sequence[str] = LANGUAGES,
) -> SavedReport:
    """Write a report under the digest of its content.

    Raises:
        ReportChanged: the folder of this digest holds other bytes.
    """
    given = context_of(context)
    digest = content_digest(result, given)
    files = {f"report.{language}.html": render_html(result, given, language) for language in languages}
    record = {"digest": digest, "audit": result.to_dict(), "context": given.to_dict()}
    files["audit.json"] = json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    files["groups.csv"] = groups_csv(result)
    target = folder / digest
    for name, content in files.items():
        _write_once(target / name, content.encode("utf-8"))
    return SavedReport(
        digest, target, {lang: target / f"report.{lang}.html" for lang in languages}, target / "audit.json"
    )


def _write_once(path: Path, content: bytes) -> None:
    if not path.exists():
        write_atomically(path, content)
    elif path.read_bytes() != content:
        raise ReportChanged(
            f"A report is never written over, and {path} holds other bytes than its digest stands for: it was edited, "
            f"or made by another version. Move its folder away, then save again."
        )


def read_report(folder: Path, digest: str) -> dict[str, Any]:
    """The stored audit with its context, after its digest was checked.

    Returns:
        `digest`, `audit` and `context`.

    Raises:
        ReportChanged: it is absent or is not what its digest stands for.
    """
    path = folder / digest / "audit.json"
    if not path.is_file():
        raise ReportChanged(f"There is no report {digest} in {folder}. Audit again to make it.")
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if digest_of({"audit": record["audit"], "context": record["context"]}) != digest:
        raise ReportChanged(f"{path} is not what its digest stands for: it was edited. Move it away, audit again.")
    return record


def groups_csv(result: AuditResult) -> str:
    """All groups and crossed groups as CSV; a name that a spreadsheet takes for a formula gets a leading apostrophe."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for metric in [m for audit in (result, *result.intersections.values()) for m in audit.metrics.values()]:
        for g in metric.groups:
            name = text_cell(g.group)
            ends, gap = g.interval or ("", ""), g.difference_interval or ("", "")
            writer.writerow([metric.name, metric.layer, name, g.status, g.n, g.positives, g.rate, *ends, g.shrunken,
                             g.difference, *gap, g.impact_ratio, g.adjusted_p, g.named, g.detectable])  # fmt: skip
    return stream.getvalue()


def text_cell(value: object) -> object:
    """A value for a CSV cell; a text that a spreadsheet takes for a formula gets a leading apostrophe."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def print_report(saved: SavedReport) -> dict[str, Path]:
    """The report's PDFs by language, printed once beside its pages; empty where no browser is installed."""
    printed = {}
    for language, page in saved.pages.items():
        pdf = page.with_suffix(".pdf")
        if not pdf.exists():
            try:
                print_pdf(page, pdf)
            except NoBrowser:
                return {}
        printed[language] = pdf
    return printed


def print_pdf(page: Path, pdf: Path, browser: str | None = None) -> Path:
    """Print a report page to PDF with a headless browser.

    The same page printed twice by the same browser gives the same bytes: the times of printing, which the browser
    writes into the file, are set to `NO_TIME`.

    Raises:
        NoBrowser: none of `BROWSERS` is installed.
    """
    command = browser or next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if command is None:
        raise NoBrowser(
            f"A PDF is printed by one of {', '.join(BROWSERS)}; none is installed. Install one, or print {page}."
        )
    pdf.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        done = subprocess.run(
            [command, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
             "--disable-component-update", "--no-first-run", "--no-pdf-header-footer", f"--user-data-dir={profile}",
             f"--print-to-pdf={pdf}", page.resolve().as_uri()],
            capture_output=True, text=True, timeout=PRINT_SECONDS, check=False,
        )  # fmt: skip
    if done.returncode != 0 or not pdf.exists():
        raise NoBrowser(
            f"{command} did not print {page}: {done.stderr.strip()[-300:]}. Open the page and print it there."
        )
    write_atomically(pdf, PRINT_TIME.sub(rb"\1" + NO_TIME, pdf.read_bytes()))
    return pdf
