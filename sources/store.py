"""The store of landed rows: one version at a time, replaced as a whole by a single rename.

Belongs here: building the next version beside the current one, switching to it, clearing what a crash left.
Does not belong here: what is in the files (landing, record).

Layout: `<company>/.landed/v<n>/{landing,quarantine,landing_files}`; `.landed/current` is a symbolic link to one of
them and the only thing that changes; the company's `landing`, `quarantine` and `landing_files` are links through it.
A version holds every file of the one before as a hard link, so it costs names, not bytes. A reader that listed files
under the old version finds the same names under the new one.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workspace.locks import Busy, exclusive
from workspace.settings import CompanyPaths

PARTS = ("landing", "quarantine", "landing_files")
_LINK = "current"


class LandingBusy(Busy):
    """Another landing of the company is at work and did not end in time."""


@contextmanager
def landing_lock(paths: CompanyPaths, wait_seconds: float) -> Iterator[None]:
    """Hold the right to land for a company; the kernel takes it back from whoever dies.

    Raises:
        LandingBusy: another process kept it for longer than `wait_seconds`.
    """
    rule = f"One landing at a time for a company; {paths.company} is being landed"
    with exclusive(paths.landing_lock, "landing", wait_seconds, LandingBusy, rule):
        yield


@contextmanager
def next_version(paths: CompanyPaths) -> Iterator[Path]:
    """A hidden folder to write new files into; they become visible together when the block ends without an error.

    The caller holds `landing_lock`. New files go below `landing/`, `quarantine/` and `landing_files/` of the folder,
    under names that the current version does not have; a file that replaces one of the current version has its name.
    """
    store = paths.root / ".landed"
    _establish(paths, store)
    _clear_remains(store)
    building = store / f".building-{os.getpid()}"
    for part in PARTS:
        (building / part).mkdir(parents=True)
    try:
        yield building
        for part in PARTS:
            _carry_over(store / _LINK / part, building / part)
        _flush(building)
        number = max(_numbers(store)) + 1
        building.rename(store / f"v{number}")
        _point(store, number)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise


def _establish(paths: CompanyPaths, store: Path) -> None:
    """Turn the company's plain folders into links through the store, once; what lies in them is kept."""
    if not (store / _LINK).is_symlink():
        shutil.rmtree(store / "v0", ignore_errors=True)
        for part in PARTS:
            (store / "v0" / part).mkdir(parents=True)
            if (paths.root / part).is_dir():
                _carry_over(paths.root / part, store / "v0" / part)
        _point(store, 0)
    for part in PARTS:
        folder = paths.root / part
        if not folder.is_symlink():
            if folder.exists():
                folder.rename(store / f".retired-{part}")
            folder.symlink_to(f".landed/{_LINK}/{part}")


def _clear_remains(store: Path) -> None:
    """Remove half-built versions, and whole ones that never became or no longer are the current or the one before."""
    for remains in [*store.glob(".building-*"), *store.glob(".retired-*")]:
        shutil.rmtree(remains)
    current = _current_number(store)
    for number in _numbers(store):
        if number > current or number < current - 1:
            shutil.rmtree(store / f"v{number}")


def _carry_over(source: Path, target: Path) -> None:
    """Hard-link every file of the current version that the new one does not replace."""
    for folder, _, names in os.walk(source.resolve()):
        relative = target / Path(folder).relative_to(source.resolve())
        if names:
            relative.mkdir(parents=True, exist_ok=True)
        for name in names:
            if not name.startswith(".") and not (relative / name).exists():
                os.link(Path(folder, name), relative / name)


def _flush(building: Path) -> None:
    """Bring the new files to disk before the switch can make them count."""
    fresh = [p for p in building.rglob("*") if p.is_file() and p.stat().st_nlink == 1]
    if len(fresh) > 64:
        os.sync()
        return
    for path in fresh:
        with path.open("rb") as stream:
            os.fsync(stream.fileno())


def _point(store: Path, number: int) -> None:
    """Make a version the current one: the only step that readers can notice."""
    scratch = store / ".link"
    scratch.unlink(missing_ok=True)
    scratch.symlink_to(f"v{number}")
    scratch.replace(store / _LINK)


def _current_number(store: Path) -> int:
    return int((store / _LINK).readlink().name.removeprefix("v"))


def _numbers(store: Path) -> list[int]:
    return sorted(int(p.name[1:]) for p in store.glob("v*") if p.name[1:].isdigit())
