"""The console as an ASGI application.

Belongs here: putting pages, static files, headers and error pages together. Does not belong here: what a page shows.
"""

import logging
import uuid
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from dashboards.access.gate import Refused
from dashboards.access.people import People
from dashboards.console import STATIC, Console, address_of, console_of
from dashboards.pages import (
    about,
    desk,
    health,
    language,
    master,
    models,
    orders,
    overview,
    provider,
    quality,
    quality_days,
    routing,
    signin,
    stock,
)
from dashboards.security import RequestGuard, SecurityHeaders
from dashboards.store import TableMissing
from workspace.published import NothingPublished
from workspace.settings import Settings
from workspace.users import Users

log = logging.getLogger("dashboards")


class _Versioned(StaticFiles):
    """Static files; pages address them with the build's digest, so browsers may keep them."""

    async def get_response(self, path: str, scope: Any) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def create_app(settings: Settings, people: People | None = None) -> FastAPI:
    """The console for the company that `settings` work on. Opens nothing until the first request.

    Args:
        settings: Whose console.
        people: Who may sign in; those of the user store if not given.
    """
    app = FastAPI(title="Order intelligence console", docs_url=None, redoc_url=None, openapi_url=None)
    console = Console(settings, people or Users(settings.home))
    app.state.console = console
    app.add_middleware(RequestGuard, public_origin=settings.console_origin, journal=console.access.journal)
    app.add_middleware(SecurityHeaders)
    app.mount("/static", _Versioned(directory=STATIC), name="static")
    for page in (
        overview,
        quality,
        quality_days,
        models,
        desk,
        orders,
        routing,
        stock,
        master,
        about,
        health,
        signin,
        provider,
        language,
    ):
        app.include_router(page.router)
    app.add_exception_handler(NothingPublished, _nothing_published)
    app.add_exception_handler(TableMissing, _table_missing)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _wrong_address)
    app.add_exception_handler(Exception, _broken)
    return app


def _nothing_published(request: Request, _error: Exception) -> HTMLResponse:
    console = console_of(request)
    t = console.texts(request).errors.nothing
    company = console.settings.paths.company
    return console.message(request, 503, t.title, t.text.format(company=company), t.remedy, "oi run everything")


def _table_missing(request: Request, error: Exception) -> HTMLResponse:
    console = console_of(request)
    t = console.texts(request).errors.table
    assert isinstance(error, TableMissing)
    return console.message(request, 503, t.title, t.text.format(table=error.table), t.remedy, "oi run everything")


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    if error.rule == "signed_out" and request.method == "GET":
        return RedirectResponse(f"/sign-in?next={quote(address_of(request), safe='')}", status_code=303)
    console = console_of(request)
    t = console.texts(request).errors.access
    return console.message(request, error.status, t.titles[error.rule], t.texts[error.rule], t.remedies[error.rule])


def _http_error(request: Request, error: Exception) -> HTMLResponse:
    console = console_of(request)
    assert isinstance(error, HTTPException)
    t = console.texts(request).errors.missing if error.status_code == 404 else console.texts(request).errors.refused
    detail = error.detail if error.status_code == 404 and error.detail != "Not Found" else t.text
    return console.message(request, error.status_code, t.title, detail, t.remedy)


def _wrong_address(request: Request, error: Exception) -> HTMLResponse:
    console = console_of(request)
    t = console.texts(request).errors.address if request.method == "GET" else console.texts(request).errors.form
    assert isinstance(error, RequestValidationError)
    wrong = "; ".join(f"{'.'.join(map(str, e['loc'][1:]))}: {e['msg']}" for e in error.errors())
    return console.message(request, 400, t.title, wrong, t.remedy)


def _broken(request: Request, error: Exception) -> HTMLResponse:
    console = console_of(request)
    reference = uuid.uuid4().hex[:8]
    log.error("request %s to %s failed", reference, request.url.path, exc_info=error)
    t = console.texts(request).errors.broken
    return console.message(request, 500, t.title, t.text.format(reference=reference), t.remedy)
