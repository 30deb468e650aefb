"""Signing in with an OpenID Connect provider: the whole way, and every answer that must not be believed."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from dashboards.access.oidc import Provider, ProviderFailed
from ml.core.lifecycle import State
from tests.support.console_models import register_versions
from tests.support.console_people import Browser, browsing
from tests.support.oidc_provider import CLIENT, SECRET, OidcProvider, providing, query_of
from tests.support.people import PASSWORD, add_people, signer
from tests.unit.dashboards.test_desk import CASE, state_of, waiting_dossier
from workspace.grants import Role
from workspace.settings import Settings
from workspace.users import Users

PERSON = "wang.li@aster.example"


@pytest.fixture(scope="module")
def served() -> Iterator[OidcProvider]:
    with providing() as found:
        yield found


@pytest.fixture
def provider(served: OidcProvider) -> OidcProvider:
    """The provider, telling the truth."""
    served.lies.__init__()  # type: ignore[misc]
    served.person = PERSON
    return served


@pytest.fixture
def browser(settings: Settings, provider: OidcProvider) -> Iterator[Browser]:
    settings.paths.ensure()
    given = {"oidc_issuer": provider.origin, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET}
    users = Users(settings.home)
    users.add(PERSON, {Role.ADMIN, Role.REVIEWER}, PASSWORD)
    with browsing(Settings(**{**settings.model_dump(), **given}), users) as found:
        yield found


def go(browser: Browser) -> httpx.Response:
    """Follow the link to the provider, agree there, and come back."""
    there = browser.get("/sign-in/provider?next=/desk").headers["location"]
    back = httpx.get(there, trust_env=False).headers["location"]
    return browser.get(back.removeprefix(browser.origin))


def test_who_the_provider_vouches_for_is_signed_in_with_the_roles_of_the_user_store(
    browser: Browser, provider: OidcProvider
) -> None:
    assert f"sign in with {provider.origin.split('/')[2].split(':')[0]}" in browser.get("/sign-in").text
    answer = go(browser)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/desk"
    assert browser.get("/sign-in").status_code == 303
    assert provider.asked[-1]["redirect_uri"] == f"{browser.origin}/sign-in/provider/answer"


def test_who_has_no_account_is_not_let_in(browser: Browser, provider: OidcProvider) -> None:
    provider.person = "stranger@aster.example"
    answer = go(browser)
    assert answer.status_code == 403
    assert "this console has no account of that name" in answer.text
    assert "oi_session" not in browser.client.cookies


FOREIGN_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.mark.parametrize(
    ("lie", "why"),
    [
        ({"claims": {"nonce": "another"}}, "nonce"),
        ({"claims": {"aud": "another-client"}}, "not valid"),
        ({"claims": {"aud": [CLIENT, "another-client"]}}, "meant for others"),
        ({"claims": {"azp": "another-client"}}, "meant for others"),
        ({"claims": {"iss": "https://issuer.example"}}, "not valid"),
        ({"claims": {"exp": int(time.time()) - 3600}}, "not valid"),
        ({"claims": {"email_verified": False}}, "not verified"),
        ({"claims": {"email": None}}, "no claim"),
        ({"key": FOREIGN_KEY}, "not valid"),
        ({"key": "s" * 32, "algorithm": "HS256"}, "not valid"),
        ({"algorithm": "none"}, "not valid"),
        ({"issuer_of_answer": "https://issuer.example"}, "another issuer"),
    ],
)
def test_an_answer_that_is_wrong_in_one_thing_is_not_believed(
    browser: Browser, provider: OidcProvider, lie: dict[str, Any], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    for name, value in lie.items():
        setattr(provider.lies, name, value)
    answer = go(browser)
    assert answer.status_code == 401
    assert "oi_session" not in browser.client.cookies
    assert why in caplog.text
    assert why not in answer.text


def test_an_answer_counts_once_and_only_in_the_browser_that_asked(browser: Browser, provider: OidcProvider) -> None:
    there = browser.get("/sign-in/provider").headers["location"]
    back = httpx.get(there, trust_env=False).headers["location"].removeprefix(browser.origin)
    visit = browser.client.cookies["oi_visit"]
    browser.client.cookies.set("oi_visit", "of-another-browser", domain="127.0.0.1")
    assert browser.get(back).status_code == 401
    browser.client.cookies.clear()
    browser.client.cookies.set("oi_visit", visit, domain="127.0.0.1")
    assert browser.get(back).status_code == 401
    assert go(browser).status_code == 303


def test_a_stolen_code_is_worth_nothing_without_the_verifier(browser: Browser, provider: OidcProvider) -> None:
    stolen = query_of(
        httpx.get(browser.get("/sign-in/provider").headers["location"], trust_env=False).headers["location"]
    )
    mine = query_of(browser.get("/sign-in/provider").headers["location"])
    answer = browser.get(f"/sign-in/provider/answer?code={stolen['code']}&state={mine['state']}&iss={provider.origin}")
    assert answer.status_code == 401


def test_a_refusal_by_the_provider_is_told(browser: Browser) -> None:
    state = query_of(browser.get("/sign-in/provider").headers["location"])["state"]
    answer = browser.get(f"/sign-in/provider/answer?error=access_denied&state={state}")
    assert answer.status_code == 401
    assert "did not vouch" in answer.text


def test_an_unreachable_provider_does_not_break_the_console(settings: Settings) -> None:
    given = {"oidc_issuer": "http://127.0.0.1:9", "oidc_client_id": CLIENT}
    with browsing(Settings(**{**settings.model_dump(), **given})) as browser:
        assert browser.get("/sign-in/provider").status_code == 401
        assert browser.get("/sign-in").status_code == 200


def test_without_a_provider_there_is_no_such_page(settings: Settings) -> None:
    with browsing(settings) as browser:
        assert browser.get("/sign-in/provider").status_code == 404
        assert browser.get("/sign-in/provider/answer").status_code == 404
        assert "/sign-in/provider" not in browser.get("/sign-in").text


def test_a_provider_elsewhere_must_speak_https(settings: Settings) -> None:
    given = {"oidc_issuer": "http://login.example.com", "oidc_client_id": CLIENT}
    provider = Provider(Settings(**{**settings.model_dump(), **given}))
    with pytest.raises(ProviderFailed, match="not https"):
        provider.leave("cookie", "/", "http://127.0.0.1:8400/sign-in/provider/answer")


def test_who_signed_in_with_a_provider_signs_with_the_password_of_their_own_key(
    own_company: Settings, provider: OidcProvider, caplog: pytest.LogCaptureFixture
) -> None:
    register_versions(own_company)
    given = {"oidc_issuer": provider.origin, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET}
    users = add_people(own_company.home)
    users.add(PERSON, {Role.REVIEWER}, PASSWORD, signer(own_company.home, "sun.hao"))
    users = Users(own_company.home)  # another process, as it were: nobody gave it a password
    with browsing(Settings(**{**own_company.model_dump(), **given}), users) as browser:
        go(browser)
        page = browser.get(CASE).text
        assert "which the password of your account here opens" in page
        fields = {"decision": "approve", "dossier": waiting_dossier(own_company), "reason": "better in every region"}
        assert "sign in with it" in browser.send(CASE, CASE, **fields).text
        answer = browser.send(CASE, CASE, **fields, password="a guess of twelve")
        assert answer.status_code == 409
        assert "wrong password" in answer.text
        assert "refused password" in caplog.text
        assert state_of(own_company)[0] == State.PROPOSED
        assert browser.send(CASE, CASE, **fields, password=PASSWORD).status_code == 303
        assert state_of(own_company) == (State.APPROVED, PERSON)
        assert "which the password of your account here opens" not in browser.get(CASE).text
