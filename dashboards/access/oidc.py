"""Signing in with an OpenID Connect provider: authorization code flow with PKCE.

Belongs here: what is sent to the provider, and what of its answer is believed. Does not belong here: the pages
(`dashboards.pages.provider`), or what a person may do: the provider says who somebody is, the user store what they may.

Sources: OpenID Connect Core 1.0 (3.1.3.7, validation of ID tokens), RFC 7636 (PKCE), RFC 9207 (`iss` of the answer),
RFC 9700 (best current practice). Signatures by `none` or a shared secret are never believed.
"""

import base64
import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import jwt

from workspace.settings import Settings

ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
SCOPES = "openid email profile"
#: Seconds between leaving for the provider and coming back; most of those who leave at once.
ANSWER_SECONDS, WAITING_AT_MOST = 10 * 60.0, 1000
TIMEOUT_SECONDS, LEEWAY_SECONDS = 10.0, 60
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class ProviderFailed(Exception):
    """The provider's answer is not believed; the message says why, for the log."""


@dataclass(frozen=True)
class Leaving:
    """A browser that went to the provider: what its answer must match."""

    holder: str
    next: str
    verifier: str
    nonce: str
    started: float


class Provider:
    """The configured provider. Safe to share between threads."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._leaving: dict[str, Leaving] = {}
        self._metadata: dict[str, Any] | None = None
        self._keys: dict[str, jwt.PyJWK] = {}
        self._lock = threading.Lock()

    @property
    def is_configured(self) -> bool:
        """Whether there is one."""
        return bool(self._settings.oidc_issuer and self._settings.oidc_client_id)

    def leave(self, holder: str, next: str, redirect_uri: str) -> str:
        """Address at the provider to send a browser to; remembers what the answer must match.

        Args:
            holder: The browser's cookie; another browser cannot bring the answer.
            next: Address of this console to go to in the end.
            redirect_uri: Where the provider sends the browser back to.

        Raises:
            ProviderFailed: the provider does not describe itself as it must.
        """
        endpoint = self._describe()["authorization_endpoint"]
        state, now = secrets.token_urlsafe(24), self._clock()
        leaving = Leaving(holder, next, secrets.token_urlsafe(48), secrets.token_urlsafe(24), now)
        with self._lock:
            self._leaving = {key: each for key, each in self._leaving.items() if now - each.started <= ANSWER_SECONDS}
            while len(self._leaving) >= WAITING_AT_MOST:
                self._leaving.pop(min(self._leaving, key=lambda key: self._leaving[key].started))
            self._leaving[state] = leaving
        challenge = base64.urlsafe_b64encode(hashlib.sha256(leaving.verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code", "client_id": self._settings.oidc_client_id, "redirect_uri": redirect_uri,
            "scope": SCOPES, "state": state, "nonce": leaving.nonce, "code_challenge": challenge,
            "code_challenge_method": "S256",
        }  # fmt: skip
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(query)}"

    def come_back(self, holder: str, redirect_uri: str, answer: Mapping[str, str]) -> tuple[str, str]:
        """Name of the person that the provider vouches for, and the address to go to.

        Raises:
            ProviderFailed: the answer is not to a question of this very browser, or is not believed.
        """
        with self._lock:
            leaving = self._leaving.pop(answer.get("state", ""), None)
        if leaving is None or self._clock() - leaving.started > ANSWER_SECONDS:
            raise ProviderFailed("no question with this state is open")
        if not holder or not hmac.compare_digest(holder.encode(), leaving.holder.encode()):
            raise ProviderFailed("another browser asked")
        if answer.get("error"):
            raise ProviderFailed(f"the provider says {answer['error']}")
        metadata = self._describe()
        wants_issuer = bool(metadata.get("authorization_response_iss_parameter_supported"))
        if answer.get("iss", "" if wants_issuer else self._settings.oidc_issuer) != self._settings.oidc_issuer:
            raise ProviderFailed("the answer names another issuer")
        token = self._exchange(metadata["token_endpoint"], answer.get("code", ""), leaving.verifier, redirect_uri)
        return self._name_in(self._claims_of(token, leaving.nonce)), leaving.next

    def _exchange(self, endpoint: str, code: str, verifier: str, redirect_uri: str) -> str:
        secret, client = self._settings.oidc_client_secret.get_secret_value(), self._settings.oidc_client_id
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier,
        }  # fmt: skip
        if secret:
            found = self._ask("POST", endpoint, data=form, auth=(client, secret))
        else:
            found = self._ask("POST", endpoint, data={**form, "client_id": client})
        if not isinstance(found.get("id_token"), str):
            raise ProviderFailed("the token endpoint gave no id_token")
        return str(found["id_token"])

    def _claims_of(self, token: str, nonce: str) -> dict[str, Any]:
        client = self._settings.oidc_client_id
        try:
            key = self._key(str(jwt.get_unverified_header(token).get("kid", "")))
            claims: dict[str, Any] = jwt.decode(
                token, key, algorithms=ALGORITHMS, audience=client, issuer=self._settings.oidc_issuer,
                leeway=LEEWAY_SECONDS, options={"require": ["iss", "sub", "aud", "exp", "iat"]},
            )  # fmt: skip
        except jwt.PyJWTError as error:
            raise ProviderFailed(f"the id_token is not valid: {error}") from error
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise ProviderFailed("the id_token answers another question (nonce)")
        if claims.get("azp", client) != client or (isinstance(claims["aud"], list) and claims["aud"] != [client]):
            raise ProviderFailed("the id_token is meant for others too")
        return claims

    def _name_in(self, claims: Mapping[str, Any]) -> str:
        claim = self._settings.oidc_name_claim
        name = claims.get(claim)
        if not isinstance(name, str) or not name.strip():
            raise ProviderFailed(f"the id_token holds no claim {claim!r}; set OI_OIDC_NAME_CLAIM to one that it holds")
        if claim == "email" and claims.get("email_verified") is not True:
            raise ProviderFailed("the provider has not verified the e-mail address")
        return name.strip()

    def _key(self, kid: str) -> jwt.PyJWK:
        """The provider's key of this id; asked for anew when it is unknown, as providers change their keys."""
        if kid not in self._keys:
            found = jwt.PyJWKSet.from_dict(self._ask("GET", self._describe()["jwks_uri"]))
            self._keys = {str(key.key_id or ""): key for key in found.keys}
        if kid not in self._keys:
            raise ProviderFailed("the id_token is signed by a key that the provider does not publish")
        return self._keys[kid]

    def _describe(self) -> dict[str, Any]:
        """The provider's own description, asked for once."""
        if self._metadata is None:
            issuer = self._settings.oidc_issuer
            found = self._ask("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != issuer:
                raise ProviderFailed(f"{issuer} describes itself as {found.get('issuer')!r}")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                _require_private(str(found.get(name, "")))
            self._metadata = found
        return self._metadata

    def _ask(self, method: str, address: str, **more: Any) -> dict[str, Any]:
        _require_private(address)
        is_local = urlsplit(address).hostname in LOOPBACK
        try:
            with httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=not is_local) as client:
                answer = client.request(method, address, headers={"Accept": "application/json"}, **more)
            answer.raise_for_status()
            found = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ProviderFailed(f"{method} {address}: {error}") from error
        if not isinstance(found, dict):
            raise ProviderFailed(f"{method} {address} gave no object")
        return found


def _require_private(address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ProviderFailed(f"{address!r} is not https; only a provider on this machine may do without")
