"""What every page needs: the store, the evidence, the templates, access; and how a page becomes a response.

Belongs here: rendering, entity tags, retrying when a snapshot was collected meanwhile. Does not belong here: pages.
"""

import hashlib
import json
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import jinja2
from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from dashboards import formats
from dashboards.access.gate import visitor_of
from dashboards.access.people import People
from dashboards.access.state import Access
from dashboards.evidence import Evidence
from dashboards.languages import LANGUAGES, language_of
from dashboards.security import COMMON_HEADERS, PAGE_POLICY
from dashboards.store import Reader, Store, was_collected
from dashboards.texts.loader import Language, load_texts
from workspace.files import sha256_of_tree
from workspace.settings import Settings

HERE = Path(__file__).parent
STATIC = HERE / "static"

#: Sections of the navigation, each with its pages: keys in the texts and addresses, in the order shown.
NAVIGATION = {
    "operations": (("overview", "/"), ("orders", "/orders"), ("routing", "/routing"), ("stock", "/stock")),
    "data": (("quality", "/quality"), ("master", "/master")),
    "governance": (("models", "/models"), ("desk", "/desk")),
    "about": (("about", "/about"),),
}

#: Rendered pages kept; the largest are a few hundred KiB.
PAGES_KEPT = 64

Build = Callable[[Reader], dict[str, Any]]


class Console:
    """State of one running console."""

    def __init__(self, settings: Settings, people: People) -> None:
        self.settings = settings
        self.access = Access(settings, people)
        self.store = Store(settings)
        self.evidence = Evidence(settings)
        self._pages: dict[str, str] = {}
        self._lock = threading.Lock()
        self.build_digest = _digest_of_pages()
        self._texts = {language: load_texts(language) for language in LANGUAGES}
        self._templates = {
            language: _environment(texts, self.build_digest) for language, texts in self._texts.items()
        }  # fmt: skip

    def texts(self, request: Request) -> Language:
        """The words for whoever asks."""
        return self._texts[language_of(request)]

    def warm_up(self) -> None:
        """Do now what somebody's first page would wait for. About a second or two; tests do without."""
        duckdb.execute("select $day", {"day": date.min})  # imports pandas, to ask whether the value is of its making
        for templates in self._templates.values():
            for name in templates.list_templates():
                templates.get_template(name)

    def render(self, request: Request, template: str, **context: Any) -> str:
        """Fill a template in the language of whoever asks; names that it uses and nobody gave are an error."""
        return self._templates[language_of(request)].get_template(template).render(**context)

    def page(
        self, request: Request, template: str, active: str, build: Build, status: int = 200, moment: str = ""
    ) -> Response:
        """Answer one page of the current snapshot.

        Nobody's pages are kept and tagged, since all of them are the same. A person's carry their name and their
        forms' tokens; they are built each time and kept nowhere, so that nothing is left when they have signed out.

        Args:
            request: What was asked.
            template: File below `templates/`.
            active: Key of the page in the navigation.
            build: Gives the template's values from a reader. Called again when the snapshot's files were collected
                between opening and reading, which happens when publications come faster than a page is built.
            status: HTTP status; other than 200 where a form was refused and is shown again.
            moment: Time that the page speaks of, where it changes by the clock alone.
        """
        try:
            return self._page_of(self.store.open(), request, template, active, build, status, moment)
        except duckdb.Error as error:
            if not was_collected(error):
                raise
            self.store.forget()
            return self._page_of(self.store.open(), request, template, active, build, status, moment)

    def _page_of(
        self, reader: Reader, request: Request, template: str, active: str, build: Build, status: int, moment: str
    ) -> Response:
        visitor = visitor_of(request)
        if status != 200 or visitor is None or visitor.is_person:
            return self.own_page(request, template, active, status, reader, **build(reader))
        tag = self._tag(reader, request, moment)
        headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Cookie, Accept-Language"}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        html = self._pages.get(tag)
        if html is None:
            html = self.render(request, template, **self._context(request, active, reader), **build(reader))
            self._keep(tag, html)
        return HTMLResponse(html, headers=headers)

    def own_page(
        self, request: Request, template: str, active: str, status: int = 200, reader: Reader | None = None,
        **values: Any,
    ) -> HTMLResponse:  # fmt: skip
        """A page for this visitor alone, which no browser keeps; without a reader it needs no snapshot."""
        html = self.render(request, template, **self._context(request, active, reader), **values)
        return HTMLResponse(html, status_code=status, headers={"Cache-Control": "no-store"})

    def _context(self, request: Request, active: str, reader: Reader | None) -> dict[str, Any]:
        visitor = visitor_of(request)
        return {
            "company": self.settings.paths.company, "snapshot": reader.snapshot if reader else None, "active": active,
            "visitor": visitor, "notice": visitor.take_notice() if visitor else "", "address": address_of(request),
        }  # fmt: skip

    def _keep(self, tag: str, html: str) -> None:
        """Keep a page under its tag, which names everything that the page depends on."""
        with self._lock:
            while len(self._pages) >= PAGES_KEPT:
                del self._pages[next(iter(self._pages))]
            self._pages[tag] = html

    def _tag(self, reader: Reader, request: Request, moment: str) -> str:
        state = [
            self.settings.paths.company, reader.snapshot.version, self.evidence.token(), self.build_digest,
            language_of(request), address_of(request), moment,
        ]  # fmt: skip
        return f'W/"{hashlib.sha256(json.dumps(state).encode()).hexdigest()[:32]}"'

    def message(
        self, request: Request, status: int, title: str, text: str, remedy: str = "", command: str = ""
    ) -> HTMLResponse:
        """A page that says what is wrong and what to do about it."""
        context = self._context(request, "", None)
        html = self.render(
            request, "message.html", **context, title=title, text=text, remedy=remedy, command=command
        )  # fmt: skip
        # Named here too: the page of last resort is sent from outside the middleware that adds them elsewhere.
        headers = {**COMMON_HEADERS, "Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-store"}
        return HTMLResponse(html, status_code=status, headers=headers)


def console_of(request: Request) -> Console:
    """The console that answers this request."""
    console: Console = request.app.state.console
    return console


def address_of(request: Request) -> str:
    """Path and query of a request: where its page is found again."""
    return f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path


def _environment(texts: Language, build_digest: str) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(formats.FILTERS, word=texts.word, words=texts.words)
    environment.globals.update(t=texts, languages=LANGUAGES, navigation=NAVIGATION, build=build_digest)
    return environment


def _digest_of_pages() -> str:
    folders = ["static", "templates", *(f"texts/{language}" for language in LANGUAGES)]
    parts = [sha256_of_tree(HERE / folder) for folder in folders]
    return hashlib.sha256("".join(parts).encode()).hexdigest()[:12]
