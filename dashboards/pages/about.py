"""The about page: what the console shows, its definitions and its sources."""

from typing import Any

from fastapi import APIRouter, Request, Response

from dashboards.access.gate import require
from dashboards.access.people import Role
from dashboards.console import console_of
from dashboards.store import Reader

router = APIRouter(dependencies=[require(Role.VIEWER)])


@router.get("/about")
def about(request: Request) -> Response:
    """Definitions of every figure, and the tables of the snapshot."""
    return console_of(request).page(request, "about.html", "about", _values)


def _values(reader: Reader) -> dict[str, Any]:
    return {"tables": sorted(reader.snapshot.tables.items())}
