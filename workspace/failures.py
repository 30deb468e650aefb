"""Wrong passwords that commands were given, kept over processes so that guessing slows down.

Belongs here: counting them by name in a file of the home. Does not belong here: what a console's process counts in its
memory (`dashboards.access.throttle`), checking passwords (`workspace.users`).
"""

import fcntl
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

#: Wrong passwords of a name within these seconds, before the next try has to wait: as at the console.
MOST, SECONDS = 5, 15 * 60.0


class Failures:
    """The newest wrong passwords by name. Safe to share between processes."""

    def __init__(self, home: Path, clock: Callable[[], float] = time.time) -> None:
        self._file = home / "password-failures.json"
        self._clock = clock

    def wait(self, name: str) -> int:
        """Whole seconds until this name may be tried again; 0 if it may now."""
        times = self._recent(self._read(), name)
        return 0 if len(times) < MOST else max(1, round(times[0] + SECONDS - self._clock()))

    def failed(self, name: str) -> None:
        """Count a wrong password."""
        self._change(lambda kept: {**kept, name: [*self._recent(kept, name), self._clock()][-MOST:]})

    def succeeded(self, name: str) -> None:
        """Forget the failures of a name."""
        if name in self._read():
            self._change(lambda kept: {other: times for other, times in kept.items() if other != name})

    def _recent(self, kept: dict[str, list[float]], name: str) -> list[float]:
        return [at for at in kept.get(name, []) if self._clock() - at < SECONDS]

    def _read(self) -> dict[str, list[float]]:
        try:
            found: dict[str, list[float]] = json.loads(self._file.read_text(encoding="utf-8") or "{}")
        except FileNotFoundError:
            return {}
        return found

    def _change(self, change: Callable[[dict[str, list[float]]], dict[str, list[float]]]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+", encoding="utf-8") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            kept = change(json.loads(stream.read() or "{}"))
            stream.seek(0)
            stream.truncate()
            stream.write(json.dumps({name: times for name, times in kept.items() if self._recent(kept, name)}))
