"""Signing in and out with a password.

Belongs here: the form, its answers, the cookies. Does not belong here: sessions and throttling (`dashboards.access`),
signing in with a provider (`dashboards.pages.provider`).
"""

import secrets
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from dashboards.access.gate import require, visitor_of
from dashboards.access.people import Person
from dashboards.access.state import Access, NotAuthenticated, access_of, client_of
from dashboards.access.visitor import VISIT_SECONDS, Visitor
from dashboards.console import console_of

router = APIRouter()

ADDRESS = "/sign-in"
Anybody = Annotated[Visitor, require()]


@router.get(ADDRESS)
def sign_in_form(request: Request, visitor: Anybody, next: str = "/") -> Response:
    """The form; whoever is signed in already is sent on."""
    if visitor.is_person:
        return RedirectResponse(own_address(next), status_code=303)
    return show_form(request, next)


@router.post(ADDRESS)
def sign_in(
    request: Request, _visitor: Anybody, name: Annotated[str, Form(max_length=128)],
    password: Annotated[str, Form(max_length=1024)], next: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:  # fmt: skip
    """Begin a session; a wrong name and a wrong password are answered alike, and many of them slow down."""
    access, client = access_of(request), client_of(request)
    name = name.strip()
    try:
        person = access.authenticate(name, password, client, f"POST {ADDRESS}")
    except NotAuthenticated as error:
        if not error.wait:
            return show_form(request, next, status=401, problem="wrong", name=name)
        answer = show_form(request, next, status=429, problem="throttled", name=name, minutes=-(-error.wait // 60))
        answer.headers["Retry-After"] = str(error.wait)
        return answer
    return begin_session(request, person, next, "password")


@router.post("/sign-out")
def sign_out(request: Request, visitor: Anybody) -> Response:
    """End the session."""
    access = access_of(request)
    answer = RedirectResponse("/", status_code=303)
    if visitor.is_person:
        access.sessions.end(visitor.holder)
        access.journal.signed_out(visitor.name, client_of(request))
    access.cookies.drop(answer, access.cookies.session)
    return answer


def show_form(
    request: Request, next: str, status: int = 200, problem: str = "", name: str = "", minutes: int = 0
) -> Response:
    """The form, in a browser that holds a cookie for its token."""
    access, visitor = access_of(request), visitor_of(request)
    assert visitor is not None
    visit = visitor.holder or secrets.token_urlsafe(24)
    answer = console_of(request).own_page(
        request, "sign_in.html", "sign_in", status, next=own_address(next), problem=problem, name=name,
        minutes=minutes, token=access.tokens.issue(visit, ADDRESS), has_nobody=access.people.is_empty(),
        provider=urlsplit(access.settings.oidc_issuer).hostname if access.provider.is_configured else None,
    )  # fmt: skip
    access.cookies.set(answer, access.cookies.visit, visit, VISIT_SECONDS)
    return answer


def begin_session(request: Request, person: Person, next: str, method: str) -> Response:
    """A new session under a new secret, whatever cookie the browser came with."""
    access: Access = access_of(request)
    answer = RedirectResponse(own_address(next), status_code=303)
    before = request.cookies.get(access.cookies.session, "")
    if before:
        access.sessions.end(before)
    access.cookies.set(answer, access.cookies.session, access.sessions.start(person.name, person.stamp))
    access.cookies.drop(answer, access.cookies.visit)
    access.journal.signed_in(person.name, client_of(request), method)
    return answer


def own_address(address: str) -> str:
    """The address, if it is one of this console; else the first page. Browsers read a backslash as a slash."""
    parts = urlsplit(address)
    is_own = (
        address.startswith("/") and not address.startswith("//") and not parts.scheme and not parts.netloc
        and "\\" not in address and address.isprintable()
    )  # fmt: skip
    return address if is_own else "/"
