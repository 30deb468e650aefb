"""Sessions, form tokens and throttling as such, on a clock that a test turns."""

from collections.abc import Iterator

import pytest

from dashboards.access.sessions import IDLE_SECONDS, LIFETIME_SECONDS, SESSIONS_EACH, Sessions
from dashboards.access.throttle import Throttle
from dashboards.access.tokens import TOKEN_SECONDS, FormTokens
from dashboards.pages.signin import own_address


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Iterator[Clock]:
    return Clock()


def test_a_session_is_found_by_its_secret_until_it_is_ended(clock: Clock) -> None:
    sessions = Sessions(clock)
    secret = sessions.start("wang.li", "s")
    found = sessions.find(secret)
    assert found is not None
    assert found.name == "wang.li"
    assert sessions.find(secret + "x") is None
    sessions.end(secret)
    assert sessions.find(secret) is None


def test_a_session_ends_when_idle_and_in_any_case(clock: Clock) -> None:
    sessions = Sessions(clock)
    idle = sessions.start("wang.li", "s")
    clock.now += IDLE_SECONDS + 1
    assert sessions.find(idle) is None
    busy, began = sessions.start("wang.li", "s"), clock.now
    while clock.now < began + LIFETIME_SECONDS:
        assert sessions.find(busy)
        clock.now += IDLE_SECONDS / 2
    clock.now += 1
    assert sessions.find(busy) is None


def test_the_oldest_session_of_a_person_makes_room(clock: Clock) -> None:
    sessions = Sessions(clock)
    other = sessions.start("chen.yu", "s")
    secrets = [sessions.start("wang.li", "s") for _ in range(SESSIONS_EACH + 1)]
    assert sessions.find(secrets[0]) is None
    assert all(sessions.find(secret) for secret in secrets[1:])
    assert sessions.find(other)


def test_a_token_is_good_once_for_its_holder_and_form(clock: Clock) -> None:
    tokens = FormTokens(clock)
    token = tokens.issue("cookie", "/desk")
    assert not tokens.redeem(token, "other", "/desk")
    assert not tokens.redeem(token, "cookie", "/other")
    assert not tokens.redeem(token, "", "/desk")
    assert tokens.redeem(token, "cookie", "/desk")
    assert not tokens.redeem(token, "cookie", "/desk")


def test_a_token_expires_and_cannot_be_made_or_stretched(clock: Clock) -> None:
    tokens = FormTokens(clock)
    token = tokens.issue("cookie", "/desk")
    number, until, seal = token.split(".")
    for forged in ("", "..", f"{number}.{int(until) + 9}.{seal}", f"{number}x.{until}.{seal}", f"{number}.{until}.é",
                   f"{number}.{'9' * 5000}.{seal}", f"{number}.²{until}.{seal}"):  # fmt: skip
        assert not tokens.redeem(forged, "cookie", "/desk")
    assert not FormTokens(clock).redeem(token, "cookie", "/desk")
    clock.now += TOKEN_SECONDS + 1
    assert not tokens.redeem(token, "cookie", "/desk")


def test_a_throttle_counts_by_key_and_forgets_with_time(clock: Clock) -> None:
    throttle = Throttle(3, 60.0, clock)
    for _ in range(3):
        assert throttle.wait("a") == 0
        throttle.failed("a")
        clock.now += 10
    assert throttle.wait("a") == 30
    assert throttle.wait("b") == 0
    clock.now += 30
    assert throttle.wait("a") == 0
    throttle.failed("a")
    throttle.succeeded("a")
    assert throttle.wait("a") == 0


def test_a_throttle_keeps_a_bounded_number_of_keys(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboards.access.throttle.KEYS_KEPT", 2)
    throttle = Throttle(1, 60.0, clock)
    for key in "abc":
        throttle.failed(key)
    assert [throttle.wait(key) > 0 for key in "abc"] == [False, True, True]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("/desk?x=1#a", "/desk?x=1#a"), ("//evil.example", "/"), ("https://evil.example/", "/"), ("desk", "/"),
        ("/\\evil.example", "/"), ("/\t/evil.example", "/"), ("\\\\evil.example", "/"), ("", "/"),
        ("javascript:alert(1)", "/"), ("/desk\r\nSet-Cookie: a=b", "/"),
    ],
)  # fmt: skip
def test_only_addresses_of_the_console_are_gone_to_after_signing_in(address: str, expected: str) -> None:
    assert own_address(address) == expected
