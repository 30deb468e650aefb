"""What a landing did, as values and as the JSON file that stays with the landed rows.

Belongs here: the report, its counts, writing and reading it. Does not belong here: printing it.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Status = Literal["landed", "already_landed", "refused", "replayed"]
Verdict = Literal["compatible", "needs_decision", "breaking"]


@dataclass(frozen=True)
class FileCount:
    """Rows of one file for one table: `read` is `landed` + `quarantined`, always."""

    read: int
    landed: int
    quarantined: int


@dataclass(frozen=True)
class Warned:
    """A warning that kept its rows: how many, and where the first ones are (`file:line`)."""

    count: int
    samples: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableReport:
    """One table of a landing.

    Attributes:
        files: Counts by file.
        reasons: Quarantined rows by reason; a row with two reasons counts under both.
        warnings: Landed rows by warning.
        first_day, last_day: ISO dates of the landed rows, for tables with a day column.
        inputs: Logical name → file → digest, of all that the SELECT reads.
        seen: File → digest, of the files whose rows have landed with the same adapter, contract and look-up inputs.
        skipped: Files whose rows had landed before.
    """

    files: Mapping[str, FileCount]
    reasons: Mapping[str, int]
    warnings: Mapping[str, Warned]
    first_day: str | None
    last_day: str | None
    inputs: Mapping[str, Mapping[str, str]]
    seen: Mapping[str, str]
    skipped: tuple[str, ...] = ()

    @property
    def total(self) -> FileCount:
        """Counts over all files."""
        counts = self.files.values()
        return FileCount(sum(c.read for c in counts), sum(c.landed for c in counts), sum(c.quarantined for c in counts))


@dataclass(frozen=True)
class SeenColumn:
    """What a column looked like, without its values.

    Attributes:
        type: `integer`, `number`, `time`, `text`, or `empty` where there was no value.
        form: The commonest form of its values, runs of letters as `a` and of digits as `9`: `a9@a.a`.
    """

    type: str
    form: str = ""


@dataclass(frozen=True)
class SeenFile:
    """The columns of one file of an input, by name."""

    input: str
    name: str
    columns: Mapping[str, SeenColumn]


@dataclass(frozen=True)
class ShapeChange:
    """One difference between what an input brings now and what it brought before, or what the adapter reads.

    Attributes:
        verdict: `compatible`: nothing that is read changed. `needs_decision`: a person has to say what it means.
            `breaking`: a required column of the contract can no longer be filled.
        kind: `new_column`, `missing_column`, `renamed_column` or `retyped_column`.
        input, file, column: Where.
        message, remedy: What was met, and what to do about it.
        suggestion: A change of the manifest, the SQL or the contract that would settle it; may be empty.
    """

    verdict: Verdict
    kind: str
    input: str
    file: str
    column: str
    message: str
    remedy: str
    suggestion: str = ""


@dataclass(frozen=True)
class LandedFile:
    """One input of a landing, with its rows and what was unusual about it."""

    logical: str
    name: str
    sha256: str
    size: int
    rows: int
    malformed: int
    new_columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class LandingReport:
    """One landing, or the refusal of one.

    Attributes:
        batch: Id of the landing; sorts by time.
        status: `landed`; `already_landed`: everything had landed before, nothing was written; `refused`: the extract
            cannot be trusted, nothing was landed; `replayed`: corrected rows of quarantine were landed.
        files: The files that were read; those that no table needed any more were not.
        problems: Why it was refused, one JSON object a problem (see `sources.problems.Problem`).
        unmatched: Files of the extract that the adapter does not read.
        observations: What the adapter noticed in the inputs, by name.
        adapter_folder: Where the adapter lies; empty in reports from before it was noted.
        columns: Logical name → column → what it looked like, over all files of the input.
        changes: How the inputs' columns changed since they last landed, worst first.
    """

    batch: str
    status: Status
    adapter: str
    company: str
    extract: str
    adapter_digest: str
    contract_digest: str
    started_at: str
    finished_at: str
    files: tuple[LandedFile, ...] = ()
    tables: Mapping[str, TableReport] = field(default_factory=dict)
    problems: tuple[Mapping[str, Any], ...] = ()
    unmatched: tuple[str, ...] = ()
    observations: Mapping[str, Warned] = field(default_factory=dict)
    adapter_folder: str = ""
    columns: Mapping[str, Mapping[str, SeenColumn]] = field(default_factory=dict)
    changes: tuple[ShapeChange, ...] = ()

    @property
    def total(self) -> FileCount:
        """Counts over all tables."""
        totals = [t.total for t in self.tables.values()]
        return FileCount(sum(c.read for c in totals), sum(c.landed for c in totals), sum(c.quarantined for c in totals))

    @property
    def brought_rows(self) -> bool:
        """Whether the landing wrote anything."""
        return self.status in ("landed", "replayed")

    @property
    def days(self) -> tuple[str, str] | None:
        """First and last day landed."""
        days = [d for t in self.tables.values() for d in (t.first_day, t.last_day) if d]
        return (min(days), max(days)) if days else None

    def as_json(self) -> str:
        """The report as indented JSON."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False)


def read_report(path: Path) -> LandingReport:
    """Read a report that `as_json` wrote."""
    given = json.loads(path.read_text(encoding="utf-8"))
    given["files"] = tuple(LandedFile(**{**f, "new_columns": tuple(f["new_columns"])}) for f in given["files"])
    given["columns"] = {
        name: {column: SeenColumn(**seen) for column, seen in columns.items()}
        for name, columns in given.get("columns", {}).items()
    }
    given["changes"] = tuple(ShapeChange(**c) for c in given.get("changes", ()))
    given["tables"] = {name: _table(t) for name, t in given["tables"].items()}
    given["problems"], given["unmatched"] = tuple(given["problems"]), tuple(given["unmatched"])
    given["observations"] = {n: Warned(w["count"], tuple(w["samples"])) for n, w in given["observations"].items()}
    return LandingReport(**given)


def read_reports(folder: Path) -> list[LandingReport]:
    """All reports of a company, oldest first."""
    return [read_report(path) for path in sorted(folder.glob("*.json"))]


def top_reasons(reasons: Mapping[str, int], limit: int = 3) -> list[tuple[str, int]]:
    """The most frequent reasons."""
    return Counter(dict(reasons)).most_common(limit)


def _table(given: dict[str, Any]) -> TableReport:
    return TableReport(**{
        **given,
        "files": {name: FileCount(**counts) for name, counts in given["files"].items()},
        "warnings": {name: Warned(w["count"], tuple(w["samples"])) for name, w in given["warnings"].items()},
        "skipped": tuple(given["skipped"]),
    })  # fmt: skip
