"""What every page needs: the store, the evidence, the templates; and how a page becomes a response.

Belongs here: rendering, entity tags, retrying when a snapshot was collected meanwhile. Does not belong here: pages.
"""

import hashlib
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import jinja2
from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from dashboards import formats
from dashboards.evidence import Evidence
from dashboards.security import COMMON_HEADERS, PAGE_POLICY
from dashboards.store import Reader, Store, was_collected
from dashboards.texts.loader import load_texts
from workspace.files import sha256_of_tree
from workspace.settings import Settings

HERE = Path(__file__).parent
STATIC = HERE / "static"

#: Pages, in the order of the navigation: key in the texts, address.
NAVIGATION = [
    ("overview", "/"),
    ("quality", "/quality"),
    ("models", "/models"),
    ("orders", "/orders"),
    ("about", "/about"),
]

#: Rendered pages kept; the largest are a few hundred KiB.
PAGES_KEPT = 64

Build = Callable[[Reader], dict[str, Any]]


class Console:
    """State of one running console."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = Store(settings)
        self.evidence = Evidence(settings)
        self.texts = load_texts()
        self._pages: dict[str, str] = {}
        self._lock = threading.Lock()
        self.build_digest = _digest_of_pages()
        self.templates = _environment()
        self.templates.globals.update(t=self.texts, navigation=NAVIGATION, build=self.build_digest)

    def render(self, template: str, **context: Any) -> str:
        """Fill a template; names that it uses and nobody gave are an error."""
        return self.templates.get_template(template).render(**context)

    def page(self, request: Request, template: str, active: str, build: Build) -> Response:
        """Answer one page of the current snapshot.

        Args:
            request: What was asked.
            template: File below `templates/`.
            active: Key of the page in the navigation.
            build: Gives the template's values from a reader. Called again when the snapshot's files were collected
                between opening and reading, which happens when publications come faster than a page is built.
        """
        try:
            return self._page_of(self.store.open(), request, template, active, build)
        except duckdb.Error as error:
            if not was_collected(error):
                raise
            self.store.forget()
            return self._page_of(self.store.open(), request, template, active, build)

    def _page_of(self, reader: Reader, request: Request, template: str, active: str, build: Build) -> Response:
        tag = self._tag(reader, request)
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        html = self._pages.get(tag)
        if html is None:
            context = {"company": self.settings.paths.company, "snapshot": reader.snapshot, "active": active}
            html = self.render(template, **context, **build(reader))
            self._keep(tag, html)
        return HTMLResponse(html, headers=headers)

    def _keep(self, tag: str, html: str) -> None:
        """Keep a page under its tag, which names everything that the page depends on."""
        with self._lock:
            while len(self._pages) >= PAGES_KEPT:
                del self._pages[next(iter(self._pages))]
            self._pages[tag] = html

    def _tag(self, reader: Reader, request: Request) -> str:
        state = [
            self.settings.paths.company, reader.snapshot.version, self.evidence.token(), self.build_digest,
            request.url.path, request.url.query,
        ]  # fmt: skip
        return f'W/"{hashlib.sha256(json.dumps(state).encode()).hexdigest()[:32]}"'

    def message(self, status: int, title: str, text: str, remedy: str = "", command: str = "") -> HTMLResponse:
        """A page that says what is wrong and what to do about it."""
        context = {"company": self.settings.paths.company, "snapshot": None, "active": ""}
        html = self.render("message.html", **context, title=title, text=text, remedy=remedy, command=command)
        # Named here too: the page of last resort is sent from outside the middleware that adds them elsewhere.
        headers = {**COMMON_HEADERS, "Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-store"}
        return HTMLResponse(html, status_code=status, headers=headers)


def console_of(request: Request) -> Console:
    """The console that answers this request."""
    console: Console = request.app.state.console
    return console


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(formats.FILTERS)
    return environment


def _digest_of_pages() -> str:
    parts = [sha256_of_tree(HERE / folder) for folder in ("static", "templates")]
    parts.append(hashlib.sha256((HERE / "texts" / "en.yaml").read_bytes()).hexdigest())
    return hashlib.sha256("".join(parts).encode()).hexdigest()[:12]
