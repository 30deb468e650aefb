"""Signing in and out over HTTP: cookies, fixation, throttling, what nobody may do."""

import logging
from collections.abc import Iterator

import pytest

from tests.support.console_people import Browser, browsing
from tests.support.people import PASSWORD, ROLES, add_people, signer
from tests.unit.dashboards.conftest import Open
from workspace.ledger import open_ledger
from workspace.settings import Settings
from workspace.users import Users


@pytest.fixture
def people(settings: Settings) -> Users:
    return add_people(settings.home)


@pytest.fixture
def browser(settings: Settings, people: Users) -> Iterator[Browser]:
    settings.paths.ensure()
    with browsing(settings, people) as found:
        yield found


def access_events(settings: Settings) -> list[tuple[str, str]]:
    ledger = open_ledger(settings)
    try:
        return [(event.kind, event.actor) for event in ledger.events(stream="access")]
    finally:
        ledger.close()


def test_signing_in_gives_a_new_secret_in_a_guarded_cookie_and_is_filed(settings: Settings, browser: Browser) -> None:
    browser.client.cookies.set("oi_session", "chosen-by-somebody-else", domain="127.0.0.1")
    answer = browser.sign_in("wang.li", next="/desk")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/desk"
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("oi_session="))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "chosen-by-somebody-else" not in cookie
    assert access_events(settings) == [("signed_in", "wang.li")]


def test_behind_https_cookies_are_bound_to_the_host_and_sent_encrypted_only(settings: Settings) -> None:
    public = Settings(**{**settings.model_dump(), "console_origin": "https://orders.example.com"})
    with browsing(public) as browser:
        browser.client.headers["Host"] = "orders.example.com"
        answer = browser.get("/sign-in")
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-oi_visit=")
        assert "Secure" in cookie
        fields = {"form_token": browser.token(answer.text, "/sign-in"), "name": "wang.li", "password": "x"}
        assert browser.post("/sign-in", fields).status_code == 403


def test_signing_out_ends_the_session_for_good(own_company: Settings) -> None:
    with browsing(own_company) as browser:
        browser.sign_in("wang.li")
        secret = browser.client.cookies["oi_session"]
        assert browser.send("/orders", "/sign-out").status_code == 303
        browser.client.cookies.set("oi_session", secret, domain="127.0.0.1")
        assert browser.get("/sign-in").status_code == 200
    assert access_events(own_company) == [("signed_in", "wang.li"), ("signed_out", "wang.li")]


def test_wrong_names_and_wrong_passwords_are_answered_alike_and_logged(
    browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    answers = [browser.sign_in("wang.li", "guess"), browser.sign_in("nobody.here", "guess")]
    assert [answer.status_code for answer in answers] == [401, 401]
    pages = [a.text.replace("nobody.here", "wang.li").split("form_token")[0] for a in answers]
    assert pages[0] == pages[1]
    assert "guess" not in "".join(a.text for a in answers)
    assert caplog.text.count("refused password") == 2
    assert "guess" not in caplog.text


def test_guessing_is_slowed_down_by_name_even_when_the_guess_is_right(browser: Browser) -> None:
    for _ in range(5):
        assert browser.sign_in("wang.li", "guess").status_code == 401
    answer = browser.sign_in("wang.li")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 900
    assert "oi_session" not in browser.client.cookies
    assert browser.sign_in("chen.yu").status_code == 303


def test_guessing_over_many_names_is_slowed_down_by_client(browser: Browser) -> None:
    statuses = [browser.sign_in(f"name{number}", "guess").status_code for number in range(31)]
    assert statuses == [401] * 30 + [429]


def test_a_session_ends_with_the_account_or_the_password(browser: Browser, people: Users, settings: Settings) -> None:
    browser.sign_in("wang.li")
    assert browser.get("/sign-in").status_code == 303
    Users(settings.home).change_password("wang.li", PASSWORD, "another long password")
    assert browser.get("/sign-in").status_code == 200
    browser.sign_in("wang.li", "another long password")
    people.disable("wang.li", signer(settings.home, "sun.hao"))
    assert browser.get("/sign-in").status_code == 200


def test_nobody_may_look_unless_the_settings_forbid_it(company: Settings) -> None:
    with browsing(company) as browser:
        assert browser.get("/about").status_code == 200
    closed = Settings(**{**company.model_dump(), "console_anonymous": "none"})
    with browsing(closed) as browser:
        answer = browser.get("/orders?q=W-0")
        assert answer.status_code == 303
        assert answer.headers["location"] == "/sign-in?next=%2Forders%3Fq%3DW-0"
        assert browser.get("/healthz").status_code == 200


def test_a_persons_pages_carry_their_name_and_are_kept_nowhere(own_company: Settings) -> None:
    with browsing(own_company) as browser:
        browser.sign_in("liu.fang")
        answer = browser.get("/about")
        assert "liu.fang" in answer.text
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers
        browser.client.cookies.clear()
        assert "liu.fang" not in browser.get("/about").text


def test_before_the_first_account_the_form_says_how_to_make_one(settings: Settings, open_console: Open) -> None:
    page = open_console(settings).get("/sign-in").text
    assert "oi users add NAME --role admin" in page
    assert not settings.paths.ledger.exists()


def test_log_lines_cannot_be_forged(browser: Browser, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    browser.sign_in("x\nrefused password: forged", "guess")
    assert "\nrefused password: forged" not in caplog.text


def test_every_role_may_look(own_company: Settings) -> None:
    closed = Settings(**{**own_company.model_dump(), "console_anonymous": "none"})
    with browsing(closed) as browser:
        for name in ROLES:
            browser.sign_in(name)
            assert browser.get("/about").status_code == 200
            browser.client.cookies.clear()
