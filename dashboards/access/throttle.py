"""Slowing down who guesses passwords.

Belongs here: counting failures by key. Does not belong here: what a key is; sign-in counts by name and by client.
"""

import math
import threading
import time
from collections.abc import Callable

#: Keys that are kept at most; the one that failed longest ago is forgotten first.
KEYS_KEPT = 10_000


class Throttle:
    """Allows `failures` in `seconds` for each key. Safe to share between threads."""

    def __init__(self, failures: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._failures = failures
        self._seconds = seconds
        self._clock = clock
        self._times: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    def wait(self, key: str) -> int:
        """Whole seconds until the key may try again; 0 if it may now."""
        with self._lock:
            times = self._recent(key)
            if len(times) < self._failures:
                return 0
            return max(1, math.ceil(times[0] + self._seconds - self._clock()))

    def failed(self, key: str) -> None:
        """Count a failure."""
        with self._lock:
            times = self._recent(key)
            self._times.pop(key, None)
            self._times[key] = [*times, self._clock()][-self._failures :]
            while len(self._times) > KEYS_KEPT:
                del self._times[next(iter(self._times))]

    def succeeded(self, key: str) -> None:
        """Forget the failures of a key."""
        with self._lock:
            self._times.pop(key, None)

    def _recent(self, key: str) -> list[float]:
        now = self._clock()
        return [at for at in self._times.get(key, []) if now - at < self._seconds]
