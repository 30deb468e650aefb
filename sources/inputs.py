"""Finding an extract's files, and making sure that they are complete before anything is read.

Belongs here: globs, digests, the signs that a writer is still at work. Does not belong here: what is in the files.
"""

import errno
import fcntl
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from sources.manifest import Adapter, RawFile
from sources.problems import ExtractRefused, Problem
from workspace.files import sha256_of_file

#: Siblings by which a writer says that a file is not finished.
UNFINISHED_SUFFIXES = (".part", ".tmp", ".filepart", ".crdownload", ".lock")
UNFINISHED_MARKER = "_INCOMPLETE"


@dataclass(frozen=True)
class InputFile:
    """One file of an extract.

    Attributes:
        logical: Logical name under which the SQL sees it.
        name: Path relative to the extract; files of the adapter's own begin with `adapter:`.
        spec: How the manifest says that it is read.
        modified_ns, size: State at the first look; it must not move while landing reads.
        sha256: Digest of the bytes.
    """

    logical: str
    name: str
    path: Path
    spec: RawFile
    modified_ns: int
    size: int
    sha256: str


@dataclass(frozen=True)
class Inputs:
    """All files of an extract, and the names of those that no glob matches."""

    files: tuple[InputFile, ...]
    unmatched: tuple[str, ...]

    def of(self, logical: str) -> tuple[InputFile, ...]:
        """The files under one logical name, in name order."""
        return tuple(f for f in self.files if f.logical == logical)


def find_inputs(adapter: Adapter, extract: Path, settle_seconds: float) -> Inputs:
    """Find, check and digest the files that the manifest asks for.

    Args:
        adapter: The adapter.
        extract: Folder of the extract.
        settle_seconds: A file younger than this is watched until it has this age.

    Raises:
        ExtractRefused: a file is missing, empty or still being written; it names all of them.
    """
    if not extract.is_dir():
        raise ExtractRefused([_no_folder(extract)])
    matches: dict[str, list[Path]] = {}
    problems: list[Problem] = []
    for logical, spec in adapter.manifest.files.items():
        root = extract if spec.origin == "extract" else adapter.folder
        matches[logical] = sorted(p for p in root.glob(spec.glob) if p.is_file() and not _is_unfinished_name(p))
        unfinished = [p for p in root.glob(spec.glob + "*") if p.is_file() and _is_unfinished_name(p)]
        problems += [_being_written(p, extract, "its name says so") for p in unfinished]
        if not matches[logical] and not spec.optional and not unfinished:
            problems.append(_missing(logical, spec, extract))
    paths = {p for found in matches.values() for p in found}
    problems += [p for path in sorted(paths) if (p := _unreadable_or_empty(path, extract))]
    problems += [p for path in sorted(paths) if (p := _signs_of_a_writer(path, extract))]
    if problems:
        raise ExtractRefused(problems)
    _settle(paths, extract, settle_seconds)
    files = [
        _describe(logical, path, adapter, extract) for logical, found in matches.items() for path in found
    ]  # fmt: skip
    unmatched = sorted(str(p.relative_to(extract)) for p in extract.rglob("*") if p.is_file() and p not in paths)
    return Inputs(tuple(files), tuple(unmatched))


def check_unmoved(inputs: Inputs) -> None:
    """Make sure that no file changed since it was found.

    Raises:
        ExtractRefused: one did: somebody was still writing.
    """
    moved = []
    for file in inputs.files:
        try:
            state = file.path.stat()
        except FileNotFoundError:
            moved.append(_problem_of_writer(file.name, "it vanished while it was read"))
            continue
        if (state.st_mtime_ns, state.st_size) != (file.modified_ns, file.size):
            moved.append(
                _problem_of_writer(file.name, f"it changed while it was read ({file.size} → {state.st_size} B)")
            )
    if moved:
        raise ExtractRefused(moved)


def _describe(logical: str, path: Path, adapter: Adapter, extract: Path) -> InputFile:
    spec = adapter.manifest.files[logical]
    name = str(path.relative_to(extract)) if spec.origin == "extract" else f"adapter:{path.relative_to(adapter.folder)}"
    state = path.stat()
    return InputFile(logical, name, path, spec, state.st_mtime_ns, state.st_size, sha256_of_file(path))


def _is_unfinished_name(path: Path) -> bool:
    return path.suffix in UNFINISHED_SUFFIXES or path.name.startswith((".~lock.", "~$"))


def _signs_of_a_writer(path: Path, extract: Path) -> Problem | None:
    for suffix in UNFINISHED_SUFFIXES:
        sibling = path.with_name(path.name + suffix)
        if sibling.exists():
            return _being_written(path, extract, f"{sibling.name} lies beside it")
    if (path.parent / UNFINISHED_MARKER).exists():
        return _being_written(path, extract, f"{UNFINISHED_MARKER} lies in its folder")
    if _is_open_for_writing(path):
        return _being_written(path, extract, "a process has it open for writing")
    return None


def _is_open_for_writing(path: Path) -> bool:
    """Ask the kernel for a read lease, which it refuses while anybody has the file open for writing (fcntl(2))."""
    with path.open("rb") as stream:
        try:
            # A lease that is broken before it is given back would send SIGIO, which kills; SIGURG is ignored.
            fcntl.fcntl(stream, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(stream, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            fcntl.fcntl(stream, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        except OSError as error:
            return error.errno == errno.EAGAIN
    return False


def _settle(paths: set[Path], extract: Path, settle_seconds: float) -> None:
    first = {path: path.stat() for path in paths}
    now = time.time()
    ages = [now - state.st_mtime for state in first.values()]
    youngest = min((age for age in ages if age >= 0), default=settle_seconds)
    if youngest < settle_seconds:
        time.sleep(settle_seconds - youngest)
    moving = [
        _being_written(path, extract, f"its size moves ({state.st_size} → {path.stat().st_size} B)")
        for path, state in sorted(first.items())
        if (path.stat().st_size, path.stat().st_mtime_ns) != (state.st_size, state.st_mtime_ns)
    ]
    if moving:
        raise ExtractRefused(moving)


def _unreadable_or_empty(path: Path, extract: Path) -> Problem | None:
    name = _name(path, extract)
    if not os.access(path, os.R_OK):
        return Problem(
            "unreadable_file", name, "The file may not be read.", "Give the platform's user read permission."
        )
    if path.stat().st_size == 0:
        return Problem("empty_file", name, "The file holds not a single byte.", "Export it again.", value="0 bytes")
    return None


def _name(path: Path, extract: Path) -> str:
    return str(path.relative_to(extract)) if path.is_relative_to(extract) else path.name


def _being_written(path: Path, extract: Path, sign: str) -> Problem:
    return _problem_of_writer(_name(path, extract), sign)


def _problem_of_writer(name: str, sign: str) -> Problem:
    return Problem(
        "still_being_written", name, f"The file is still being written: {sign}.",
        "Land again when its writer is done, or remove what an aborted writer left behind.",
    )  # fmt: skip


def _missing(logical: str, spec: RawFile, extract: Path) -> Problem:
    there = sorted(str(p.relative_to(extract)) for p in extract.rglob("*") if p.is_file())
    seen = ", ".join(there[:3]) + (f" and {len(there) - 3} more" if len(there) > 3 else "") or "nothing"
    return Problem(
        "missing_file", spec.glob, f"No file matches; the manifest needs it as {logical!r}. The extract holds {seen}.",
        "Add the file, correct `glob`, or set `optional: true`.",
    )  # fmt: skip


def _no_folder(extract: Path) -> Problem:
    what = "is a file, not a folder" if extract.exists() else "does not exist"
    return Problem("missing_extract", extract.name, f"The extract {extract} {what}.", "Give the folder of the extract.")
