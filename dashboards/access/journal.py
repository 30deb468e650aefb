"""What is written down about access: every refusal, and who signed in and out.

Belongs here: the log line and the ledger event. Does not belong here: deciding what to refuse.

All of it goes to the log. What a signed-in person does goes to the ledger as well, in the stream `access`; what nobody
in particular does cannot, or strangers could fill the ledger.
"""

import logging
from contextlib import closing

from workspace.ledger import open_ledger
from workspace.settings import Settings

STREAM = "access"
log = logging.getLogger("dashboards.access")


class Journal:
    """Writes to the log and to the ledger of the company that is current."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def refused(self, rule: str, who: str, client: str, what: str, detail: str = "") -> None:
        """A request was refused.

        Args:
            rule: Short code of the rule, such as `form_token`.
            who: The signed-in person; empty for nobody.
            client: Address that the request came from.
            what: Method and path.
            detail: What was found, without secrets.
        """
        # Paths and names come from the client: written as literals, so that none can end the line and forge another.
        log.warning("refused %s: %r by %r from %s %r", rule, what[:300], who or "nobody", client, detail[:300])
        if who:
            self._append("refused", what, who, f"{rule} {detail}".strip())

    def signed_in(self, who: str, client: str, method: str) -> None:
        """Somebody signed in, by `password` or `oidc`."""
        log.info("signed in: %r from %s by %s", who, client, method)
        self._append("signed_in", "console", who, method)

    def signed_out(self, who: str, client: str) -> None:
        """Somebody signed out."""
        log.info("signed out: %r from %s", who, client)
        self._append("signed_out", "console", who, "asked")

    def _append(self, kind: str, subject: str, who: str, reason: str) -> None:
        with closing(open_ledger(self._settings)) as ledger:
            ledger.append(STREAM, kind, subject[:256], who[:128], reason[:500], {})
