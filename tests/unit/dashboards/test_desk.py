"""The promotion desk: what waits, what a case shows, and what signing a decision does and refuses."""

import html
from collections.abc import Iterator

import pytest

from ml.core.lifecycle import State
from ml.io.promotions import open_promotions
from ml.io.registry import aliases
from ml.io.stores import open_stores
from tests.support.console_models import MODEL, PERSON, register_versions
from tests.support.console_people import Browser, browsing
from tests.support.people import signer
from tests.unit.dashboards.test_overview import text_of
from workspace.settings import Settings

CASE = f"/desk/{MODEL}/4"
REASON = "Better by the paired interval; the gap in Jiangsu is watched."


@pytest.fixture
def browser(own_company: Settings) -> Iterator[Browser]:
    """A browser before a company whose desk may be used."""
    with browsing(own_company) as found:
        yield found


def waiting_dossier(settings: Settings) -> str:
    ledger = open_promotions(settings)
    try:
        return ledger.history(MODEL).version("4").dossier or ""
    finally:
        ledger.close()


def state_of(settings: Settings, version: str = "4") -> tuple[State | None, str | None]:
    ledger = open_promotions(settings)
    try:
        found = ledger.history(MODEL).version(version)
        return found.state, found.approved_by
    finally:
        ledger.close()


def words_of(page: str) -> str:
    return html.unescape(text_of(page))


def test_the_queue_shows_what_waits_and_hides_names_from_strangers(browser: Browser) -> None:
    page = browser.get("/desk").text
    waiting = words_of(page[page.index('id="waiting"') : page.index('id="approved"')])
    assert f"{MODEL} version 4" in waiting
    assert "version 3" not in waiting
    assert "system:gates" in waiting


def test_a_case_asks_then_shows_worst_region_changes_gaps_and_the_dossier(
    browser: Browser, own_company: Settings
) -> None:
    page = browser.get(CASE).text
    order = [page.index(f'id="{part}"') for part in ("asked", "worst", "unknown", "changed", "sign", "ledger")]
    assert order == sorted(order)
    words = words_of(page)
    assert "May version 4 take the place of version 3?" in words
    assert waiting_dossier(own_company) in page
    assert "CN-JS" in words_of(page[order[0] : order[2]])


def test_only_a_reviewer_is_given_the_form(browser: Browser) -> None:
    assert "as reviewer to decide here" in words_of(browser.get(CASE).text)
    for name, has_form in (("liu.fang", False), ("sun.hao", False), ("zhao.min", False), (PERSON, True)):
        browser.client.cookies.clear()
        browser.sign_in(name)
        assert ('name="decision"' in browser.get(CASE).text) is has_form


def test_an_approval_is_entered_under_the_persons_name_and_the_alias_follows(
    browser: Browser, own_company: Settings
) -> None:
    register_versions(own_company)
    browser.sign_in(PERSON)
    answer = browser.send(
        CASE, CASE, decision="approve", dossier=waiting_dossier(own_company), reason=REASON
    )  # fmt: skip
    assert answer.status_code == 303
    assert state_of(own_company) == (State.APPROVED, PERSON)
    page = browser.get(answer.headers["location"]).text
    assert "Version 4 is approved. Ledger event" in page
    assert REASON in words_of(page)
    assert "Version 4 is approved." not in browser.get(CASE).text
    with open_stores(own_company) as stores:
        assert aliases(stores, MODEL) == {"champion": "3", "challenger": "4"}


def test_a_rejection_ends_the_case(browser: Browser, own_company: Settings) -> None:
    register_versions(own_company)
    browser.sign_in(PERSON)
    browser.send(CASE, CASE, decision="reject", dossier=waiting_dossier(own_company), reason=REASON)
    assert state_of(own_company)[0] == State.REJECTED
    assert "Nothing is asked any more; the version was rejected." in words_of(browser.get(CASE).text)


def test_a_refused_decision_says_why_keeps_what_was_typed_and_writes_nothing(
    browser: Browser, own_company: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    browser.sign_in(PERSON)
    answer = browser.send(CASE, CASE, decision="approve", dossier="0" * 64, reason=REASON)
    assert answer.status_code == 409
    words = words_of(answer.text)
    assert "Read the dossier anew" in words
    assert REASON in words
    assert state_of(own_company)[0] == State.PROPOSED
    assert "refused decision" in caplog.text
    assert browser.token(answer.text, CASE)


def test_who_proposed_a_version_may_not_approve_it(browser: Browser, own_company: Settings) -> None:
    ledger = open_promotions(own_company)
    dossier = waiting_dossier(own_company)
    ledger.move(MODEL, "4", State.PROPOSED, signer(own_company.home, PERSON), "my own work", {"dossier": dossier})
    ledger.close()
    browser.sign_in(PERSON)
    page = browser.get(CASE).text
    assert "You made or proposed this version" in page
    fields = {"decision": "approve", "dossier": dossier, "reason": REASON}
    browser.client.cookies.clear()
    browser.sign_in(PERSON)
    token = browser.token(browser.get("/desk").text, "/sign-out")
    assert browser.post(CASE, {"form_token": token, **fields}).status_code == 403
    assert state_of(own_company)[0] == State.PROPOSED


def test_a_reason_is_demanded_in_words(browser: Browser, own_company: Settings) -> None:
    browser.sign_in(PERSON)
    answer = browser.send(CASE, CASE, decision="approve", dossier=waiting_dossier(own_company), reason="ok")
    assert answer.status_code == 400
    assert "The form holds a value that cannot be taken" in answer.text
    assert "reason: String should have at least 10 characters" in words_of(answer.text)


def test_a_dossier_is_served_as_filed(browser: Browser, own_company: Settings) -> None:
    digest = waiting_dossier(own_company)
    answer = browser.get(f"/dossiers/{digest}")
    assert answer.json()["version"] == "4"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert browser.get(f"/dossiers/{'0' * 64}").status_code == 404


CHAMPION = f"/desk/{MODEL}/3"


def test_each_form_is_for_who_may_send_it(browser: Browser) -> None:
    shown = {"chen.yu": {"/rollback"}, "zhao.min": {"/rollback"}, "sun.hao": set(), "liu.fang": set()}
    for name, forms in shown.items():
        browser.client.cookies.clear()
        browser.sign_in(name)
        page = browser.get(CHAMPION).text
        assert "Take out of service" in page
        found = {form for form in ("/rollback", "/service", "/confirmation") if f'action="{CHAMPION}{form}"' in page}
        assert found == forms, name
        token = browser.token(browser.get("/desk").text, "/sign-out")
        for form in ("/service", "/confirmation", *({"/rollback"} - forms)):
            if form == "/service" and name == "zhao.min":
                continue
            answer = browser.post(CHAMPION + form, {"form_token": token, "decision": "promote", "reason": REASON})
            assert answer.status_code == 403, (name, form)


def test_an_approval_under_a_condition_waits_for_another_reviewer(browser: Browser, own_company: Settings) -> None:
    register_versions(own_company)
    browser.sign_in(PERSON)
    dossier = waiting_dossier(own_company)
    browser.send(CASE, CASE, decision="approve", dossier=dossier, reason=REASON, condition="watch Jiangsu for a week")
    queue = words_of(browser.get("/desk").text)
    assert "To be confirmed" in queue
    assert "watch Jiangsu for a week" in queue
    assert "another reviewer must confirm it" in words_of(browser.get(CASE).text)
    browser.client.cookies.clear()
    browser.sign_in("grace")
    answer = browser.send(CASE, f"{CASE}/confirmation", reason=REASON)
    assert answer.headers["location"] == CASE
    assert "To be confirmed" not in words_of(browser.get("/desk").text)


def test_what_cannot_be_put_in_service_or_taken_back_says_why(browser: Browser, own_company: Settings) -> None:
    register_versions(own_company)
    browser.sign_in(PERSON)
    browser.send(CASE, CASE, decision="approve", dossier=waiting_dossier(own_company), reason=REASON)
    answer = browser.send(CASE, f"{CASE}/service", decision="promote", reason=REASON)
    assert answer.status_code == 409
    assert "Restore them first" in words_of(answer.text)
    answer = browser.send(CHAMPION, f"{CHAMPION}/rollback", reason=REASON)
    assert answer.status_code == 409
    assert "Restore them first" in words_of(answer.text)
    assert state_of(own_company, "3")[0] == State.CHAMPION
