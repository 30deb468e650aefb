"""Every attack of the corpus on the console: refused, logged, and nothing decided."""

from collections.abc import Iterator

import pytest

from ml.core.lifecycle import State
from tests.corpus.attacks import BY_REQUEST, SCRIPT, Request
from tests.support.console_models import PERSON, register_versions
from tests.support.console_people import Browser, browsing
from tests.unit.dashboards.test_desk import CASE, state_of, waiting_dossier
from workspace.settings import Settings


@pytest.fixture
def browser(own_company: Settings) -> Iterator[Browser]:
    with browsing(own_company) as found:
        yield found


@pytest.mark.parametrize("attack", BY_REQUEST, ids=lambda attack: attack.name)
def test_a_request_is_refused_and_logged(
    browser: Browser, own_company: Settings, caplog: pytest.LogCaptureFixture, attack: Request
) -> None:
    browser.sign_in(PERSON)
    answer = attack.run(browser, CASE, waiting_dossier(own_company))
    assert answer.status_code == attack.status
    assert f"refused {attack.rule}" in caplog.text
    assert state_of(own_company) == (State.PROPOSED, None)


def test_a_script_in_a_reason_is_kept_as_text(browser: Browser, own_company: Settings) -> None:
    register_versions(own_company)
    browser.sign_in(PERSON)
    answer = browser.send(CASE, CASE, decision="approve", dossier=waiting_dossier(own_company), reason=SCRIPT)
    page = browser.get(answer.headers["location"]).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
