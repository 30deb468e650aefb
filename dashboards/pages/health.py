"""`/healthz`: whether the console serves, and which snapshot. For supervisors, not for people."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from dashboards.access.gate import require
from dashboards.console import console_of
from workspace.published import find_current

router = APIRouter(dependencies=[require()])


@router.get("/healthz")
def healthz(request: Request) -> JSONResponse:
    """State of the console. 200 also before the first publication: the console itself is well."""
    console = console_of(request)
    snapshot = find_current(console.settings.paths.published)
    return JSONResponse(
        {
            "status": "ok",
            "company": console.settings.paths.company,
            "snapshot": snapshot.version if snapshot else None,
            "published_at": snapshot.published_at if snapshot else None,
        },
        headers={"Cache-Control": "no-store"},
    )
