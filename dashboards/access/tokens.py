"""Tokens of forms: proof that a POST comes from a form that this console showed to this very browser.

Belongs here: issuing and redeeming. Does not belong here: the hidden field (`templates/forms.html`).

A token is bound to the holder's cookie and to the form's address, lasts two hours and is good for one POST. So one that
leaked is worth nothing in another browser or on another form, and a form that is sent twice acts once.
"""

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable

#: Seconds that a form may be filled in.
TOKEN_SECONDS = 2 * 60 * 60

FIELD = "form_token"


class FormTokens:
    """Tokens under a key that this process made and keeps to itself. Safe to share between threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._redeemed: dict[str, int] = {}
        self._lock = threading.Lock()

    def issue(self, holder: str, address: str) -> str:
        """A token for one POST to `address` by the browser whose cookie is `holder`."""
        number, until = secrets.token_urlsafe(12), int(self._clock()) + TOKEN_SECONDS
        return f"{number}.{until}.{self._seal(number, until, holder, address)}"

    def redeem(self, token: str, holder: str, address: str) -> bool:
        """Whether the token is one of these, for this holder and address, in time and unused; it is used then."""
        number, _, rest = token.partition(".")
        until_text, _, seal = rest.partition(".")
        if not holder or not (until_text.isascii() and until_text.isdigit() and len(until_text) < 16):
            return False
        until, now = int(until_text), self._clock()
        if not hmac.compare_digest(seal.encode(), self._seal(number, until, holder, address).encode()) or now > until:
            return False
        with self._lock:
            self._redeemed = {key: end for key, end in self._redeemed.items() if end >= now}
            if number in self._redeemed:
                return False
            self._redeemed[number] = until
        return True

    def _seal(self, number: str, until: int, holder: str, address: str) -> str:
        content = "\0".join((number, str(until), holder, address))
        return hmac.new(self._key, content.encode(), hashlib.sha256).hexdigest()
