"""Choosing the language of the pages."""

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from dashboards.access.gate import require
from dashboards.access.state import access_of
from dashboards.languages import COOKIE, LANGUAGES
from dashboards.pages.signin import own_address

router = APIRouter(dependencies=[require()])

KEPT_SECONDS = 365 * 24 * 3600


@router.get("/language/{code}")
def choose(request: Request, code: str, next: str = "/") -> Response:
    """Remember a language in the browser, and go back to the page."""
    if code not in LANGUAGES:
        raise HTTPException(404)
    answer = RedirectResponse(own_address(next), status_code=303)
    access_of(request).cookies.set(answer, COOKIE, code, KEPT_SECONDS)
    return answer
