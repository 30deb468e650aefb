"""A small OpenID Connect provider on loopback: it checks what a real one checks, and can be told to lie."""

import base64
import hashlib
import json
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

CLIENT, SECRET = "order-console", "a shared secret"


class Lies:
    """What the provider does wrong, for a test to set."""

    claims: dict[str, Any]
    key: Any
    algorithm: str
    issuer_of_answer: str | None

    def __init__(self) -> None:
        self.claims = {}
        self.key = None
        self.algorithm = "RS256"
        self.issuer_of_answer = None


class OidcProvider:
    """One provider; `person` is who sits before it."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.person = "wang.li@aster.example"
        self.lies = Lies()
        self.asked: list[dict[str, str]] = []
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._codes: dict[str, dict[str, str]] = {}

    def describe(self) -> dict[str, Any]:
        return {
            "issuer": self.origin, "authorization_endpoint": f"{self.origin}/authorize",
            "token_endpoint": f"{self.origin}/token", "jwks_uri": f"{self.origin}/keys",
            "authorization_response_iss_parameter_supported": True,
        }  # fmt: skip

    def keys(self) -> dict[str, Any]:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [{**public, "kid": "k1", "use": "sig", "alg": "RS256"}]}

    def authorize(self, query: dict[str, str]) -> str:
        """The person agrees; gives the address that the browser is sent back to."""
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        self.asked.append(query)
        code = secrets.token_urlsafe(16)
        self._codes[code] = query
        answer = {"code": code, "state": query["state"], "iss": self.lies.issuer_of_answer or self.origin}
        return f"{query['redirect_uri']}?{urlencode(answer)}"

    def exchange(self, form: dict[str, str], authorization: str) -> Response:
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        query = self._codes.pop(form.get("code", ""), None)
        if authorization != f"Basic {basic}" or query is None or form["redirect_uri"] != query["redirect_uri"]:
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != query["code_challenge"]:
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        now = int(time.time())
        claims = {
            "iss": self.origin, "aud": CLIENT, "sub": "u-1", "iat": now, "exp": now + 300, "nonce": query["nonce"],
            "email": self.person, "email_verified": True, **self.lies.claims,
        }  # fmt: skip
        key = None if self.lies.algorithm == "none" else self.lies.key or self.key
        token = jwt.encode(claims, key, algorithm=self.lies.algorithm, headers={"kid": "k1"})
        return JSONResponse({"id_token": token, "access_token": "x", "token_type": "Bearer"})


def _app_of(provider: OidcProvider) -> FastAPI:
    app = FastAPI()

    @app.get("/.well-known/openid-configuration")
    def describe() -> dict[str, Any]:
        return provider.describe()

    @app.get("/keys")
    def keys() -> dict[str, Any]:
        return provider.keys()

    @app.get("/authorize")
    def authorize(request: Request) -> RedirectResponse:
        return RedirectResponse(provider.authorize(dict(request.query_params)), status_code=302)

    @app.post("/token")
    async def token(request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        return provider.exchange(form, request.headers.get("authorization", ""))

    return app


@contextmanager
def providing() -> Iterator[OidcProvider]:
    """Serve a provider on a free port."""
    listener = socket.create_server(("127.0.0.1", 0))
    provider = OidcProvider(f"http://127.0.0.1:{listener.getsockname()[1]}")
    server = uvicorn.Server(uvicorn.Config(_app_of(provider), log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield provider
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()


def query_of(address: str) -> dict[str, str]:
    """The query of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
