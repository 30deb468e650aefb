"""Signing in with the configured OpenID Connect provider: leaving for it, and coming back.

Belongs here: the two addresses. Does not belong here: the protocol (`dashboards.access.oidc`).
"""

import secrets
from typing import Annotated

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from dashboards.access.gate import require
from dashboards.access.oidc import ProviderFailed
from dashboards.access.state import access_of, client_of
from dashboards.access.visitor import VISIT_SECONDS, Visitor
from dashboards.pages.signin import begin_session, own_address, show_form

router = APIRouter()

ADDRESS = "/sign-in/provider"
ANSWER = f"{ADDRESS}/answer"
Anybody = Annotated[Visitor, require()]


@router.get(ADDRESS)
def leave(request: Request, visitor: Anybody, next: str = "/") -> Response:
    """Send the browser to the provider."""
    access = access_of(request)
    if not access.provider.is_configured:
        raise HTTPException(404)
    visit = request.cookies.get(access.cookies.visit) or secrets.token_urlsafe(24)
    try:
        address = access.provider.leave(visit, own_address(next), access.origin(request) + ANSWER)
    except ProviderFailed as error:
        return _not_believed(request, str(error))
    answer = RedirectResponse(address, status_code=303)
    access.cookies.set(answer, access.cookies.visit, visit, VISIT_SECONDS)
    return answer


@router.get(ANSWER)
def come_back(request: Request, visitor: Anybody) -> Response:
    """Believe the provider's answer, or not; then begin a session if the person has an account here."""
    access = access_of(request)
    if not access.provider.is_configured:
        raise HTTPException(404)
    visit = request.cookies.get(access.cookies.visit, "")
    try:
        name, next = access.provider.come_back(visit, access.origin(request) + ANSWER, dict(request.query_params))
    except ProviderFailed as error:
        return _not_believed(request, str(error))
    person = access.people.find(name)
    if person is None:
        access.journal.refused("stranger", "", client_of(request), f"GET {ANSWER}", name)
        return show_form(request, next, status=403, problem="stranger")
    return begin_session(request, person, next, "oidc")


def _not_believed(request: Request, why: str) -> Response:
    access_of(request).journal.refused("provider", "", client_of(request), f"GET {request.url.path}", why)
    return show_form(request, "/", status=401, problem="provider")
