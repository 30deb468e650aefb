"""Reading all inputs of an extract into raw tables.

Belongs here: which reader takes which format, and all problems of an extract told together.
Does not belong here: the readers themselves (csvfiles, otherfiles, remote).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sources.csvfiles import read_csv, read_header
from sources.inputs import InputFile, Inputs
from sources.manifest import Manifest, RawFile
from sources.otherfiles import (
    jsonl_header,
    parquet_header,
    read_jsonl,
    read_parquet,
    read_sqlite,
    sqlite_header,
    stage_lines,
)
from sources.problems import ExtractRefused, Problem
from sources.raw import RawTables, merge_columns, missing_columns
from sources.record import LandedFile, SeenColumn, SeenFile
from sources.textfiles import prepare_text

#: Files of one input, the last by name, whose rows are looked at for the types of their columns.
_LOOKED_AT = 30


@dataclass(frozen=True)
class _Opened:
    file: InputFile
    header: list[str]
    read: Callable[[], None]


def read_inputs(
    raw: RawTables, manifest: Manifest, inputs: Inputs, wanted: Mapping[str, Collection[str]], scratch: Path,
    progress: Callable[[str], None],
) -> tuple[list[LandedFile], list[SeenFile]]:  # fmt: skip
    """Read files into raw tables, and show the tables to the SQL.

    Args:
        raw: Where to.
        manifest: How the inputs are read.
        inputs: The files of the extract.
        wanted: Logical name → files to read; the others landed before and are not opened.
        scratch: Folder for what is decoded.
        progress: Told what is being done.

    Returns:
        One entry a file that was read, with the rows and malformed lines met, and one with its columns.

    Raises:
        ExtractRefused: with the problems of all files.
    """
    problems: list[Problem] = []
    opened: dict[str, list[_Opened]] = {name: [] for name in manifest.files}
    for file in inputs.files:
        if file.name not in wanted[file.logical]:
            continue
        progress(f"look at {file.name}")
        try:
            opened[file.logical].append(_open(raw, file, scratch))
        except ExtractRefused as refusal:
            problems += refusal.problems
    if problems:
        raise ExtractRefused(problems)
    # A file that lacks a column is read all the same: its other columns tell whether one was renamed.
    problems += [p for each in opened.values() for o in each for p in _lacking(o)]
    landed: list[LandedFile] = []
    seen: list[SeenFile] = []
    for logical, spec in manifest.files.items():
        headers = [o.header for o in opened[logical] if o.header] or [list(spec.columns)]
        raw.create(logical, merge_columns([*headers, spec.optional_columns]))
        for one in opened[logical]:
            if not one.header:
                continue
            progress(f"read {one.file.name}")
            try:
                one.read()
            except ExtractRefused as refusal:
                problems += refusal.problems
        raw.expose(logical)
        counted = _count(raw, logical, spec, opened[logical])
        problems += [p for p in _without_rows(spec, counted) if p.file not in {q.file for q in problems}]
        landed += counted
        seen += _look(raw, logical, opened[logical])
    if problems:
        raise ExtractRefused(problems, seen)
    return landed, seen


def _look(raw: RawTables, logical: str, opened: Sequence[_Opened]) -> list[SeenFile]:
    """Columns of every file; of an input with very many files, only the last ones' rows are looked at."""
    unseen = len(opened) - _LOOKED_AT
    return [
        SeenFile(logical, o.file.name, dict.fromkeys(o.header, SeenColumn("empty")) if n < unseen
                 else raw.look(logical, o.file.name, o.header))
        for n, o in enumerate(opened)
    ]  # fmt: skip


def _lacking(opened: _Opened) -> list[Problem]:
    return missing_columns(opened.file.name, opened.header, opened.file.spec.columns)


def _open(raw: RawTables, file: InputFile, scratch: Path) -> _Opened:
    match file.spec.format:
        case "csv":
            text = prepare_text(file, scratch)
            header = read_header(file, text)
            return _Opened(file, header, lambda: read_csv(raw, file, text, header))
        case "jsonl":
            lines = stage_lines(raw, file, prepare_text(file, scratch))
            header = jsonl_header(raw, file, lines)
            return _Opened(file, header, lambda: read_jsonl(raw, file, lines, header))
        case "parquet":
            header = parquet_header(file)
            return _Opened(file, header, lambda: read_parquet(raw, file, header))
        case "sqlite":
            header = sqlite_header(file)
            return _Opened(file, header, lambda: read_sqlite(raw, file, header))


def _count(raw: RawTables, logical: str, spec: RawFile, opened: Sequence[_Opened]) -> list[LandedFile]:
    rows = raw.count(logical)
    malformed = raw.count_malformed(logical)
    return [
        LandedFile(
            logical, o.file.name, o.file.sha256, o.file.size, rows.get(o.file.name, 0), malformed.get(o.file.name, 0),
            tuple(c for c in o.header if c not in (*spec.columns, *spec.optional_columns)),
        )
        for o in opened
    ]  # fmt: skip


def _without_rows(spec: RawFile, files: Sequence[LandedFile]) -> list[Problem]:
    if spec.may_be_empty:
        return []
    return [
        Problem("no_rows", f.name, "The file has a header and no rows.",
                "Export it again, or set `may_be_empty: true` if that is normal.", value="0 rows")
        for f in files if not f.rows and not f.malformed
    ]  # fmt: skip
