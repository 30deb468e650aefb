"""What a browser may do with the console's pages, and which requests are not even looked at.

Belongs here: response headers, host names, origins, sizes. Does not belong here: who may see what; that is
`dashboards.access`.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboards.access.journal import Journal

#: Names under which the loopback interface is reached. Others are refused, so that a foreign page cannot rebind its
#: own name to this machine and read the console.
LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})

#: Largest body of a request: the longest reason with room for the rest of its form.
MOST_BYTES = 64 * 1024

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

PAGE_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

#: Reports are self-contained documents written by jobs: styles and pictures inline, no script, no form, no origin.
REPORT_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

COMMON_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
}


class SecurityHeaders:
    """ASGI middleware that puts the headers on every response; one that sets its own policy keeps it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request with the headers added."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", PAGE_POLICY)
                for name, value in COMMON_HEADERS.items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, send_with_headers)


class RequestGuard:
    """ASGI middleware that refuses requests by what their headers say, before any page is asked.

    A request must name this console as its host. One that may change something must come from a page of this console,
    by the header `Origin`, which every browser sends with a POST and no page can forge. No body may be large.
    """

    def __init__(self, app: ASGIApp, public_origin: str, journal: Journal) -> None:
        self._app = app
        self._public_origin = public_origin
        self._hosts = LOOPBACK_NAMES | ({urlsplit(public_origin).hostname or ""} if public_origin else set())
        self._journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if _name_of(headers.get("host", "")) not in self._hosts:
            await self._refuse(scope, receive, send, 400, "host", headers.get("host", ""))
        elif scope["method"] not in SAFE_METHODS and headers.get("origin") not in self._origins(headers):
            await self._refuse(scope, receive, send, 403, "origin", headers.get("origin", "none"))
        elif headers.get("content-length", "0").isdigit() and int(headers.get("content-length", "0")) > MOST_BYTES:
            await self._refuse(scope, receive, send, 413, "size", headers["content-length"])
        else:
            await self._app(scope, self._limited(scope, receive), send)

    def _origins(self, headers: Headers) -> set[str]:
        return {self._public_origin} if self._public_origin else {f"http://{headers.get('host', '')}"}

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, status: int, rule: str, detail: str) -> None:
        self._note(scope, rule, detail)
        words = f"Refused: the {rule} of this request is not one that the console answers.\n"
        await PlainTextResponse(words, status)(scope, receive, send)

    def _note(self, scope: Scope, rule: str, detail: str) -> None:
        client = scope.get("client") or ("unknown", 0)
        self._journal.refused(rule, "", client[0], f"{scope['method']} {scope['path']}", detail)

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        """`receive` that stops a body without a stated length when it grows too large."""
        read = 0

        async def receive_some() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > MOST_BYTES:
                self._note(scope, "size", f"over {MOST_BYTES}")
                raise HTTPException(413)
            return message

        return receive_some


def _name_of(host: str) -> str:
    """The host's name without its port: `[::1]:8400` → `[::1]`."""
    end = host.rfind(":")
    return (host[:end] if end > host.rfind("]") else host).lower()
