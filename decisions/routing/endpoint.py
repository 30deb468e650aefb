"""Single orders over HTTP: what `oi route one` answers on a pipe, for programs that can only reach a port.

Belongs here: the requests that are let in, and going on to a newer plan. Does not belong here: the decision
(`service`), starting the server (orchestration.cli.route).

    POST /route      one JSON order a line, as many answers in the same order; NDJSON
    GET  /healthz    the plan that answers come from, and why a newer one cannot be opened, where one cannot

Whoever asks names this machine as its host, so that no foreign page can rebind a name to it, and carries the token of
the company's folder: who may read that folder may ask, as on the pipe.
"""

import asyncio
import hmac
import json
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from decisions.routing.service import LiveRouter, read_order
from workspace.keys import write_secret

#: Names of the loopback interface; others are refused.
LOOPBACK_NAMES = frozenset({b"127.0.0.1", b"localhost", b"[::1]"})
#: Largest body: some hundreds of orders.
MOST_BYTES = 256 * 1024
#: Seconds between two looks for a newer plan.
LOOK_SECONDS = 5.0

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def company_token(file: Path) -> str:
    """The token in `file`, which only its owner reads; made when there is none."""
    if not file.is_file():
        write_secret(file, secrets.token_urlsafe(32))
    return file.read_text(encoding="utf-8").strip()


class Endpoint:
    """ASGI application. Orders are decided one after the other on the event loop, so that no unit is sold twice.

    Args:
        router: What answers at first.
        newer: Gives a router of a plan that is newer than the named one, None where there is none; called in a thread.
        token: What a request must carry as `Authorization: Bearer`.
    """

    def __init__(self, router: LiveRouter, newer: Callable[[str], LiveRouter | None], token: str) -> None:
        self.router = router
        self.problem = ""
        self._newer = newer
        self._bearer = f"Bearer {token}".encode()

    async def follow(self, seconds: float = LOOK_SECONDS) -> None:
        """Go on to newer plans as they are made, for ever; one that cannot be opened is told, and the old one stays."""
        while True:
            await asyncio.sleep(seconds)
            try:
                found = await asyncio.to_thread(self._newer, self.router.plan)
            except (ValueError, OSError) as error:
                self.problem = str(error)
                continue
            self.problem = ""
            if found is not None:
                self.router = found

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request; newer plans are followed for as long as the server runs."""
        if scope["type"] == "lifespan":
            return await self._live(receive, send)
        headers = dict(scope["headers"])
        refused = self._refusal(scope["method"], scope["path"], headers)
        if refused:
            return await _answer(send, *refused)
        if scope["path"] == "/healthz":
            state = {"status": "stale" if self.problem else "ok", "plan": self.router.plan, "problem": self.problem}
            return await _answer(send, 200, json.dumps(state).encode() + b"\n")
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if len(body) > MOST_BYTES:
                return await _answer(send, 413, _said(f"a body may have {MOST_BYTES} bytes; send fewer orders at once"))
            if not message.get("more_body"):
                break
        answers = [self.router.route(read_order(line)) for line in body.splitlines() if line.strip()]
        lines = "".join(json.dumps(answer, ensure_ascii=False) + "\n" for answer in answers)
        return await _answer(send, 200, lines.encode())

    async def _live(self, receive: Receive, send: Send) -> None:
        """From start to end of the server."""
        await receive()
        following = asyncio.ensure_future(self.follow())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        following.cancel()
        await send({"type": "lifespan.shutdown.complete"})

    def _refusal(self, method: str, path: str, headers: dict[bytes, bytes]) -> tuple[int, bytes] | None:
        """Status and reason of a request that is not looked at further."""
        host = headers.get(b"host", b"")
        end = host.rfind(b":")
        if (host[:end] if end > host.rfind(b"]") else host).lower() not in LOOPBACK_NAMES:
            return 400, _said("the request names another host than this machine's loopback")
        wanted = {"/route": "POST", "/healthz": "GET"}.get(path)
        if wanted is None:
            return 404, _said("there are POST /route and GET /healthz")
        if method != wanted:
            return 405, _said(f"{path} takes {wanted}")
        if not hmac.compare_digest(headers.get(b"authorization", b""), self._bearer):
            return 401, _said("carry the company's token as Authorization: Bearer")
        return None


def _said(error: str) -> bytes:
    return json.dumps({"error": error}).encode() + b"\n"


async def _answer(send: Send, status: int, body: bytes) -> None:
    kind = b"application/x-ndjson" if status == 200 else b"application/json"
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
