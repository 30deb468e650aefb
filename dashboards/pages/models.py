"""Models and their fairness: registered versions, what they were judged by, and the ledger that says so."""

from typing import Any

from fastapi import APIRouter, Request, Response

from dashboards.console import Console, console_of
from dashboards.store import Reader

router = APIRouter()

EVENTS_SHOWN = 40


@router.get("/models")
def models(request: Request) -> Response:
    """Versions, gates, regions and the promotion ledger."""
    console = console_of(request)
    return console.page(request, "models.html", "models", lambda reader: _values(console, reader))


def _values(console: Console, _reader: Reader) -> dict[str, Any]:
    ledger = console.evidence.ledger()
    return {"ledger": ledger, "events": list(reversed(ledger.events))[:EVENTS_SHOWN] if ledger else []}
