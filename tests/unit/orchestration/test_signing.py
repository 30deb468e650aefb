"""Passwords at the command line: wrong ones are kept in the ledger, and several of them make the name wait."""

from contextlib import closing

import pytest

from orchestration.cli.signing import ACCESS, sign_in
from tests.support.people import PASSWORD, add_people
from workspace.failures import MOST, SECONDS, Failures
from workspace.ledger import open_ledger
from workspace.settings import Settings
from workspace.users import UserRefused


def test_wrong_passwords_are_kept_and_make_the_name_wait(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    users = add_people(settings.home)
    monkeypatch.setenv("OI_HOME", str(settings.home))
    monkeypatch.setenv("OI_COMPANY", settings.company)
    monkeypatch.setenv("OI_PASSWORD", "a guess of twelve")
    for _ in range(MOST):
        with pytest.raises(UserRefused, match="has this password"):
            sign_in(users, "wang.li")
    monkeypatch.setenv("OI_PASSWORD", PASSWORD)
    with pytest.raises(UserRefused, match="Too many wrong passwords"):
        sign_in(users, "wang.li")
    assert sign_in(users, "ada").name == "ada"
    with closing(open_ledger(settings)) as ledger:
        kept = [event.reason for event in ledger.events(ACCESS)]
    assert kept == ["wrong password for 'wang.li'"] * MOST


def test_failures_are_forgotten_with_time_and_with_the_right_password(settings: Settings) -> None:
    now = [1000.0]
    failures = Failures(settings.home, lambda: now[0])
    for _ in range(MOST):
        failures.failed("ada")
        now[0] += 10
    assert Failures(settings.home, lambda: now[0]).wait("ada") == round(SECONDS) - 10 * MOST
    assert failures.wait("grace") == 0
    now[0] += SECONDS - 10 * MOST
    assert failures.wait("ada") == 0
    failures.failed("ada")
    failures.succeeded("ada")
    for _ in range(MOST - 1):
        failures.failed("ada")
    assert failures.wait("ada") == 0
