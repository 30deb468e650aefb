"""Telling somebody that a run failed.

Belongs here: the notifiers and how one is chosen. Does not belong here: when to notify (defs/sensors).
A new way of telling is one class here with `tell(message)` and one line in `notifier_for`.
"""

import json
import logging
import urllib.request
from dataclasses import asdict, dataclass
from typing import Protocol

from workspace.settings import Settings


@dataclass(frozen=True)
class FailureMessage:
    """What failed, in which company, and where to look."""

    company: str
    job: str
    run_id: str
    error: str


class Notifier(Protocol):
    """Anything that can tell a person about a failure."""

    def tell(self, message: FailureMessage) -> None:
        """Deliver one message; raises if it could not be delivered."""


class LogNotifier:
    """Writes the failure to the log at error level."""

    def tell(self, message: FailureMessage) -> None:
        """Log one line."""
        logging.getLogger("order_intelligence").error("run failed: %s", json.dumps(asdict(message)))


class WebhookNotifier:
    """Posts the failure as JSON to an address of the operator's choice."""

    def __init__(self, url: str, timeout_seconds: float = 10.0) -> None:
        self._url = url
        self._timeout = timeout_seconds

    def tell(self, message: FailureMessage) -> None:
        """Post one message; raises `urllib.error.URLError` when nobody takes it."""
        request = urllib.request.Request(
            self._url, data=json.dumps(asdict(message)).encode(), headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=self._timeout):
            pass


def notifier_for(settings: Settings) -> Notifier:
    """The notifier that the settings name.

    Raises:
        ValueError: `webhook` is named without an address.
    """
    if settings.notifier == "log":
        return LogNotifier()
    if not settings.notifier_url.startswith(("http://", "https://")):
        raise ValueError(
            f"OI_NOTIFIER=webhook needs an http(s) address in OI_NOTIFIER_URL; got {settings.notifier_url!r}. Set it."
        )
    return WebhookNotifier(settings.notifier_url)
