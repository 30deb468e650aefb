"""Reading what jobs leave beside the snapshot: validation reports, landing records, the promotion ledger, reports.

Belongs here: finding and reading those files, and a token that changes when any of them does. Does not belong here:
writing any of them, or drawing them.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from sqlalchemy.engine import make_url

from decisions.routing.kept import newest_outcomes, newest_plan
from expectations.report import ValidationReport, boundaries_with_reports, load_report
from sources.quarantine import count_states
from sources.record import LandingReport, read_report
from workspace.files import sha256_of_json
from workspace.ledger import Finding, open_ledger
from workspace.links import Event
from workspace.settings import Settings

PROMOTIONS = "promotions"
DIGEST = re.compile(r"[0-9a-f]{64}")
#: Files of an audit report that are served, by name.
AUDIT_FILES = {"report.en.html": "text/html", "report.zh.html": "text/html", "audit.json": "application/json",
               "groups.csv": "text/csv", "report.en.pdf": "application/pdf",
               "report.zh.pdf": "application/pdf"}  # fmt: skip


@dataclass(frozen=True)
class LedgerView:
    """What the promotion ledger holds, and whether its chain is whole.

    Attributes:
        events: Events of the promotion stream, in order of time.
        findings: Places where the chain over *all* streams does not hold.
        count_all: Events of all streams.
    """

    events: tuple[Event, ...]
    findings: tuple[Finding, ...]
    count_all: int


@dataclass(frozen=True)
class Found:
    """A JSON file of evidence, or why it cannot be shown: `absent`, or `changed` since its digest was recorded."""

    content: dict[str, Any] | None
    problem: Literal["", "absent", "changed"] = ""


class Evidence:
    """Files and ledgers of the current company."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def token(self) -> str:
        """Changes whenever a file of evidence is added, replaced or removed, or an event is appended."""
        paths = self._settings.paths
        digest = hashlib.sha256()
        for folder in (paths.validations, paths.landing_files, paths.reports, paths.matching / "matched_pairs"):
            for file in _files(folder):
                status = file.stat()
                digest.update(f"{file}\0{status.st_mtime_ns}\0{status.st_size}\n".encode())
        plan = newest_plan(paths.plans)
        digest.update(f"{plan.folder if plan else ''}\n{newest_outcomes(paths.plans)}\n".encode())
        digest.update(self._ledger_token().encode())
        return digest.hexdigest()[:32]

    def boundaries(self) -> list[str]:
        """Boundaries that were ever validated."""
        return boundaries_with_reports(self._settings)

    def validations(self, boundary: str, last: int) -> list[ValidationReport]:
        """The last reports of a boundary, oldest first."""
        files = sorted(
            (p for p in (self._settings.paths.validations / boundary).glob("*.json") if not p.name.startswith(".")),
            key=lambda path: (path.stat().st_mtime_ns, path.name),
        )
        found = [_validation(path, path.stat().st_mtime_ns) for path in files[-last:]]
        return sorted(found, key=lambda report: (report.started, report.name))

    def landings(self) -> list[LandingReport]:
        """All landings and refusals, newest first."""
        files = [p for p in self._settings.paths.landing_files.glob("*.json") if not p.name.startswith(".")]
        found = [_landing(path, path.stat().st_mtime_ns) for path in files]
        return sorted(found, key=lambda report: report.batch, reverse=True)

    def refused_rows(self) -> Mapping[tuple[str, str], Mapping[str, int]]:
        """Refused rows by state, for each contract table and file."""
        return count_states(self._settings)

    def audit_file(self, digest: str, name: str) -> Path | None:
        """A file of the audit report with this digest; None for digests and names that are none."""
        if not DIGEST.fullmatch(digest) or name not in AUDIT_FILES:
            return None
        path = self._settings.paths.reports / "audits" / digest / name
        return path if path.is_file() else None

    def version_file(self, model: str, version: str, name: str, digest: str | None = None) -> Found:
        """A JSON file of evidence about a version, verified where its digest is given."""
        return _read(self._settings.paths.reports / "models" / model / version / name, digest)

    def audit(self, digest: str) -> Found:
        """The audit with this digest, as JSON values."""
        path = self.audit_file(digest, "audit.json")
        return _read(path, None) if path else Found(None, "absent")

    def dossier(self, digest: str) -> Found:
        """The dossier with this SHA-256, verified."""
        if not DIGEST.fullmatch(digest):
            return Found(None, "absent")
        found = _read(self._settings.paths.reports / "dossiers" / f"{digest}.json", None)
        if found.content is not None and sha256_of_json(found.content) != digest:
            return Found(None, "changed")
        return found

    def ledger(self) -> LedgerView | None:
        """The promotion ledger, verified; None when nothing was ever written to it."""
        return _ledger(self._settings, self._ledger_token()) if self._ledger_exists() else None

    def _ledger_url(self) -> str:
        return self._settings.paths.ledger_url(self._settings)

    def _ledger_file(self) -> Path | None:
        url = make_url(self._ledger_url())
        return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None

    def _ledger_exists(self) -> bool:
        file = self._ledger_file()
        return file is None or file.is_file()

    def _ledger_token(self) -> str:
        file = self._ledger_file()
        if file is None:
            return _head(self._settings)
        # The accounts as well: who may sign for whom decides which events are believed.
        parts = [file, file.with_name(f"{file.name}-wal"), self._settings.home / "users.jsonl"]
        return repr([(p.stat().st_mtime_ns, p.stat().st_size) for p in parts if p.is_file()])


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


@lru_cache(maxsize=512)
def _validation(path: Path, _changed: int) -> ValidationReport:
    return load_report(path)


@lru_cache(maxsize=4_096)
def _landing(path: Path, _changed: int) -> LandingReport:
    return read_report(path)


def _read(path: Path, digest: str | None) -> Found:
    if not path.is_file():
        return Found(None, "absent")
    return _parsed(path, path.stat().st_mtime_ns, digest)


@lru_cache(maxsize=256)
def _parsed(path: Path, _changed: int, digest: str | None) -> Found:
    content = path.read_bytes()
    if digest is not None and hashlib.sha256(content).hexdigest() != digest:
        return Found(None, "changed")
    return Found(json.loads(content))


@lru_cache(maxsize=4)
def _ledger(settings: Settings, _token: str) -> LedgerView:
    ledger = open_ledger(settings)
    try:
        events = ledger.events()
        promotions = tuple(event for event in events if event.stream == PROMOTIONS)
        return LedgerView(promotions, tuple(ledger.verify()), len(events))
    finally:
        ledger.close()


def _head(settings: Settings) -> str:
    with closing(open_ledger(settings)) as ledger:
        newest = ledger.newest()
        return newest.hash if newest else ""
