"""Sessions of signed-in people, in the memory of the one process that serves the console.

Belongs here: starting, finding and ending sessions. Does not belong here: cookies, roles.

A session is found by the digest of its secret, holds no role (roles are read anew for every request) and dies with the
process: a stolen disk holds no session, and a restart signs everybody out.
"""

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

#: Seconds without a request after which a session ends, and seconds after which it ends in any case.
IDLE_SECONDS = 60 * 60.0
LIFETIME_SECONDS = 12 * 60 * 60.0
#: Sessions that one person may hold; the oldest ends when another begins.
SESSIONS_EACH = 10

Clock = Callable[[], float]


@dataclass
class Session:
    """One signed-in browser. `stamp` is the person's at sign-in; `notice` is shown on the next page, once."""

    name: str
    stamp: str
    started: float
    seen: float
    notice: str = ""


class Sessions:
    """All sessions of this process. Safe to share between threads."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def start(self, name: str, stamp: str) -> str:
        """Begin a session; returns its secret, which nobody has known before."""
        secret, now = secrets.token_urlsafe(32), self._clock()
        with self._lock:
            self._forget_ended(now)
            own = [key for key, session in self._sessions.items() if session.name == name]
            for key in own[: max(0, len(own) - SESSIONS_EACH + 1)]:
                del self._sessions[key]
            self._sessions[_key(secret)] = Session(name, stamp, now, now)
        return secret

    def find(self, secret: str) -> Session | None:
        """The session of this secret, if it has not ended; counts as a request."""
        now = self._clock()
        with self._lock:
            session = self._sessions.get(_key(secret))
            if session is None or _has_ended(session, now):
                self._sessions.pop(_key(secret), None)
                return None
            session.seen = now
            return session

    def end(self, secret: str) -> None:
        """End the session of this secret; nothing happens if there is none."""
        with self._lock:
            self._sessions.pop(_key(secret), None)

    def _forget_ended(self, now: float) -> None:
        for key in [key for key, session in self._sessions.items() if _has_ended(session, now)]:
            del self._sessions[key]


def _key(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _has_ended(session: Session, now: float) -> bool:
    return now - session.seen > IDLE_SECONDS or now - session.started > LIFETIME_SECONDS
