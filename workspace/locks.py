"""The right to write a store, held by one process at a time, with the owner's name on the door.

Belongs here: taking such a right, waiting for it, saying who holds it. Does not belong here: which stores have one
(warehouse, the landing store).

A lock is the kernel's (`flock`): it goes with its owner however the owner ends, so a lock cannot be left behind. Only
its note can, and a note whose lock is free is known as stale by just that.
"""

import fcntl
import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

log = logging.getLogger(__name__)

POLL_SECONDS = 0.05


class Busy(RuntimeError):
    """Another process holds a store and did not let go in time; trying again later may do."""


@dataclass(frozen=True)
class Owner:
    """Who holds a lock: process id, since when (UTC), for what."""

    pid: int
    since: datetime
    purpose: str

    def __str__(self) -> str:
        seconds = (datetime.now(UTC) - self.since).total_seconds()
        age = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
        return f"process {self.pid} since {age} ({self.purpose})"


@contextmanager
def exclusive(path: Path, purpose: str, wait_seconds: float, busy: type[Busy], rule: str) -> Iterator[None]:
    """Hold the lock at `path`; whoever comes second waits, says so once in the log, and is refused in the end.

    Args:
        path: File of the lock, made where it is missing.
        purpose: What it is taken for, for those who wait.
        wait_seconds: Longest wait.
        busy: Error to raise when the wait was in vain.
        rule: First sentence of its message.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as note:
        _wait(note, path, wait_seconds, busy, rule)
        note.truncate(0)
        note.write(json.dumps({"pid": os.getpid(), "since": datetime.now(UTC).isoformat(), "purpose": purpose}))
        note.flush()
        try:
            yield
        finally:
            note.truncate(0)


def owner_of(path: Path) -> Owner | None:
    """Who holds the lock at `path` now; None when it is free, whatever a dead owner's note says."""
    if not path.exists():
        return None
    with path.open("r", encoding="utf-8") as note:
        try:
            fcntl.flock(note.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read(path)
    return None


def refusal(rule: str, holder: object, waited: float) -> str:
    """The message of a wait that was in vain."""
    return f"{rule}; it is held by {holder}. Waited {waited:g} s. Let that end, or raise OI_WRITER_WAIT_SECONDS."


def _wait(note: TextIO, path: Path, seconds: float, busy: type[Busy], rule: str) -> None:
    deadline, told = time.monotonic() + seconds, False
    while True:
        try:
            fcntl.flock(note.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            holder = _read(path) or "an owner that left no note"
            if time.monotonic() >= deadline:
                raise busy(refusal(rule, holder, seconds)) from None
            if not told:
                log.warning("Waiting up to %g s for %s, which %s holds", seconds, path.name, holder)
                told = True
            time.sleep(POLL_SECONDS)


def _read(path: Path) -> Owner | None:
    """The note on a lock; None while its owner has not written it yet."""
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
        return Owner(int(note["pid"]), datetime.fromisoformat(note["since"]), str(note["purpose"]))
    except (ValueError, KeyError):
        return None
