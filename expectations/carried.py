"""What held of files that lie there unchanged, kept so that the next validation reads only what was added.

Belongs here: which checks may be carried over, and the record of what held on which bytes. Does not belong here:
running checks (`runner.py`) or their results over runs (`report.py`).

A check is carried over only while every file that it held on has the same bytes, and the check and the code that runs
it are the same. A reference is, besides, only while no file of the table that it points to went or changed: what was
known stays known. A check that failed is run on all rows again.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from expectations.checks import Between, Check, InSet, Matches, NotNull, Reference, RowRule, UniqueKey
from expectations.report import CheckResult
from workspace.files import sha256_of_file, sha256_of_json, write_atomically
from workspace.settings import Settings

#: Names the landing of a row; a landing's files come together, so that such a key cannot meet one of another landing.
BATCH = "_batch"


@dataclass(frozen=True)
class TableRecord:
    """What is known of a table.

    Attributes:
        files: File, relative to the table's folder → SHA-256.
        held: Id of a check that held on all of them → digest of the check and its code.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    held: Mapping[str, str] = field(default_factory=dict)

    def is_part_of(self, files: Mapping[str, str]) -> bool:
        """Whether all of its files are among `files`, with the same bytes."""
        return self.files.items() <= files.items()


@dataclass(frozen=True)
class Carried:
    """The record of the last validation beside the files as they are.

    Attributes:
        folders: Table → folder of its files.
        files: Table → its files now, as in `TableRecord.files`.
        before: Table → record of the last validation.
    """

    folders: Mapping[str, Path] = field(default_factory=dict)
    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    before: Mapping[str, TableRecord] = field(default_factory=dict)

    def holds(self, check: Check) -> bool:
        """Whether a settled check held on all files of before, which lie there unchanged."""
        if not self._only_grew(check.table) or self.before[check.table].held.get(check.id) != _digest(check):
            return False
        return not isinstance(check.rule, Reference) or self._only_grew(check.rule.to_table)

    def added(self) -> dict[str, list[Path]]:
        """Table → files that came since, for tables that lost and changed none."""
        return {
            table: [self.folders[table] / f for f in files if f not in self.before[table].files]
            for table, files in self.files.items() if self._only_grew(table)
        }  # fmt: skip

    def _only_grew(self, table: str) -> bool:
        return table in self.before and self.before[table].is_part_of(self.files.get(table, {}))


def look(settings: Settings, boundary: str, folders: Mapping[str, Path]) -> Carried:
    """What the last validation of a boundary found, beside its files as they are.

    Args:
        settings: Whose data.
        boundary: A boundary whose files are added and never rewritten.
        folders: Table → folder of its Parquet files.
    """
    files = {
        table: {path.relative_to(folder).as_posix(): sha256_of_file(path) for path in sorted(folder.rglob("*.parquet"))}
        for table, folder in folders.items()
    }
    path = _path(settings, boundary)
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return Carried(folders, files, {table: TableRecord(**record) for table, record in before.items()})


def keep(
    settings: Settings, boundary: str, carried: Carried, settled: Sequence[Check], results: Sequence[CheckResult]
) -> None:
    """Record what holds now of the files that were looked at.

    Args:
        settings: Whose data.
        boundary: As in `look`.
        carried: What `look` gave before the validation.
        settled: The checks as they were run.
        results: What they found.
    """
    passed = {result.id for result in results if result.status == "passed"}
    record = {
        table: {
            "files": files,
            "held": {c.id: _digest(c) for c in settled if c.table == table and c.id in passed and _is_of_rows(c)},
        }
        for table, files in carried.files.items()
    }
    write_atomically(_path(settings, boundary), json.dumps(record, indent=1))


def _is_of_rows(check: Check) -> bool:
    """Whether what a check finds in files is the sum of what it finds in each landing's files."""
    match check.rule:
        case NotNull(at_least=at_least):
            return at_least >= 1
        case UniqueKey(columns=columns):
            return BATCH in columns
    return isinstance(check.rule, InSet | Between | Matches | RowRule | Reference)


def _digest(check: Check) -> str:
    return sha256_of_json([_code(), repr(check.rule), check.severity])


@cache
def _code() -> str:
    """Digest of this package, which decides what a check does."""
    return sha256_of_json({path.name: sha256_of_file(path) for path in Path(__file__).parent.rglob("*.py")})


def _path(settings: Settings, boundary: str) -> Path:
    return settings.paths.validations / f"{boundary}_carried.json"
