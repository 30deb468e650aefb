"""The stewards' queue in the console: who sees what of a pair, and what a verdict does and refuses."""

import re
from collections.abc import Iterator
from datetime import datetime
from html import unescape

import polars as pl
import pytest

from ml.core.matching.products.entity import PRODUCT
from ml.io.matching import MatchingStore, State
from ml.io.verdicts import open_verdicts, subject_of
from ml.jobs.master import match_entity
from tests.support.articles import article
from tests.support.console_pairs import leave_pairs
from tests.support.console_people import Browser, browsing
from tests.support.people import signer
from tests.support.staged_records import stage
from tests.unit.dashboards.conftest import Open
from tests.unit.dashboards.test_overview import text_of
from workspace.settings import Settings

PAIR = f"/master/{subject_of('customer', 'crm|5', 'shop|4')}"
REASON = "Called both numbers; one person."


@pytest.fixture
def matched(own_company: Settings) -> Settings:
    """The test company after matching."""
    leave_pairs(own_company)
    return own_company


@pytest.fixture
def browser(matched: Settings) -> Iterator[Browser]:
    """A browser before the matched company."""
    with browsing(matched) as found:
        yield found


def given(settings: Settings) -> list[tuple[str, str]]:
    """Verdicts in the ledger, each with who gave it."""
    ledger = open_verdicts(settings)
    try:
        return [(event.kind, event.actor) for event in ledger.events("customer")]
    finally:
        ledger.close()


def words_of(page: str) -> str:
    return unescape(text_of(page))


def test_strangers_see_why_pairs_wait_but_no_customers_code(browser: Browser) -> None:
    page = browser.get("/master").text
    assert "Pairs that wait: 3, likeliest first" in words_of(page)
    shares = re.findall(r"(\d+\.\d)%", page)
    assert shares == ["90.0", "80.0", "70.0"]
    assert "phone, e-mail name" in words_of(page)
    for code in ("|5", "|4", "|1", "alert(1)", "crm%7C"):
        assert code not in page[page.index("<main") :]
    assert "as operator, reviewer to decide here" in words_of(page)
    assert "erp|w1" in browser.get("/master?entity=warehouse").text


def test_a_viewer_sees_the_records_and_no_form(browser: Browser) -> None:
    browser.sign_in("liu.fang")
    page = browser.get("/master").text
    assert "crm|5" in page
    assert "<script>alert(1)" not in page
    assert PAIR not in page
    assert browser.get(PAIR).status_code == 403


def test_a_pair_is_not_shown_to_who_has_not_signed_in(browser: Browser) -> None:
    assert browser.get(PAIR).headers["location"].startswith("/sign-in")


def test_a_verdict_is_signed_by_the_person_and_takes_the_pair_off_the_queue(
    browser: Browser, matched: Settings
) -> None:
    browser.sign_in("chen.yu")
    assert PAIR in browser.get("/master").text
    answer = browser.send(PAIR, PAIR, verdict="linked", reason=REASON)
    assert (answer.status_code, answer.headers["location"]) == (303, "/master?entity=customer")
    words = words_of(browser.get("/master?entity=customer").text)
    assert "crm|5 and shop|4 are the same. Ledger event" in words
    assert "Pairs that wait: 2" in words
    assert given(matched) == [("linked", "chen.yu")]
    assert browser.get(PAIR).status_code == 404


def test_a_steward_sees_both_golden_records_beside_each_other(browser: Browser) -> None:
    browser.sign_in("wang.li")
    page = browser.get(f"/master/{subject_of('warehouse', 'erp|w1', 'wms|w2')}").text
    assert "name Guangzhou DC Hangzhou DC" in words_of(page)
    assert '<tr class="faded"><th scope="row">kind</th>' in page


def test_a_contradiction_is_refused_with_its_chain_and_keeps_what_was_typed(
    browser: Browser, matched: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = open_verdicts(matched)
    by = signer(matched.home, "wang.li")
    ledger.give("customer", "linked", "crm|5", "shop|1", by, "first card")
    ledger.give("customer", "linked", "shop|1", "shop|4", by, "second card")
    ledger.close()
    browser.sign_in("chen.yu")
    answer = browser.send(PAIR, PAIR, verdict="apart", reason=REASON)
    assert answer.status_code == 409
    assert "crm|5 = shop|1 = shop|4 are linked by verdicts" in words_of(answer.text)
    assert REASON in words_of(answer.text)
    assert [kind for kind, _ in given(matched)] == ["linked", "linked"]
    assert browser.token(answer.text, PAIR)
    assert "refused verdict" in caplog.text
    assert "crm|5" not in caplog.text


def test_strangers_see_a_new_queue_after_a_new_matching(browser: Browser, matched: Settings) -> None:
    tag = browser.get("/master").headers["etag"]
    MatchingStore(matched.paths.matching).publish("matched_pairs", "customer", pl.DataFrame(
        [("customer", "a|1", "b|2", 0.5, "queue", "model", "{}")],
        schema=["entity", "left_record", "right_record", "probability", "zone", "match_rule", "evidence"], orient="row",
    ))  # fmt: skip
    page = browser.client.get("/master", headers={"If-None-Match": tag})
    assert "Pairs that wait: 1" in words_of(page.text)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_both_languages_have_every_word(browser: Browser, language: str) -> None:
    browser.client.headers["Accept-Language"] = language
    assert browser.get("/master").status_code == 200
    browser.sign_in("chen.yu")
    for address in ("/master", "/master?entity=product", PAIR):
        assert browser.get(address).status_code == 200


def test_a_steward_sees_of_two_products_what_both_say_and_why_a_person_must_decide(
    browser: Browser, matched: Settings
) -> None:
    packs = [{"source_system": "a", "code": "six", "title": "Cola 6 x 500 ml", "gtin": "4006381333931"},
             {"source_system": "b", "code": "one", "title": "Cola 0.5 l", "gtin": "4006381333931"}]  # fmt: skip
    stage(matched, product=[*(article(system, n) for system in "ab" for n in range(60)), *packs])
    match_entity(matched, PRODUCT)
    browser.sign_in("chen.yu")
    pair = f"/master/{subject_of('product', 'a|six', 'b|one')}"
    page = browser.get(pair).text
    words = words_of(page)
    assert "a person must decide, however likely" in words
    assert "one piece holds 500 ml 500 ml same" in words
    assert "pieces in a pack 6 – one does not say" in words
    assert '<svg class="weights"' in page
    browser.client.headers["Accept-Language"] = "zh"
    chinese = words_of(browser.get(pair).text)
    assert "每包件数 6 – 一方未说明" in chinese
    drawn = browser.get(pair).text.partition('<svg class="weights"')[2].partition(">")[2].partition("</svg>")[0]
    assert not re.search(r"[a-z]{4}", re.sub(r"<[^>]*>", "", drawn)), "every feature has a Chinese word"


def test_a_company_without_matching_says_so_and_nothing_is_written(own_company: Settings, open_console: Open) -> None:
    assert "No pair waits for a steward" in open_console(own_company).get("/master").text
    assert not list(own_company.paths.matching.rglob("*.parquet"))


def test_the_page_says_how_good_matching_is_and_what_agreements_weigh(matched: Settings, browser: Browser) -> None:
    rows = [
        ("records", "all", "all", 9.0, 9, None, None), ("duplicates_found", "all", "all", 2.0, 9, None, None),
        ("steward_precision", "all", "all", 0.75, 4, 0.301, 0.954),
        ("clusters_of_size", "size", "2", 3.0, 6, None, None),
        ("match_rate", "script", "latin", 0.5, 4, None, None), ("match_rate", "script", "chinese", 0.25, 4, None, None),
    ]  # fmt: skip
    measures = pl.DataFrame(
        rows, orient="row", schema=["measure", "segment_kind", "segment", "value", "count", "low", "high"]
    )
    measured = measures.with_columns(entity=pl.lit("customer"), measured_at=pl.lit(datetime(2026, 1, 1)))
    store = MatchingStore(matched.paths.matching)
    store.append("match_quality", "customer", "r1", measured)
    level = {"sql_condition": "ELSE", "label_for_charts": "different", "m_probability": 0.2, "u_probability": 0.8}
    store.save("customer", "r1", State(
        pl.DataFrame(), pl.DataFrame(), pl.DataFrame(),
        {"model": {"comparisons": [{"output_column_name": "phone", "comparison_levels": [level]}]}},
    ))  # fmt: skip
    page = browser.get("/master").text
    words = words_of(page)
    assert "75.0% [30.1%, 95.4%], n = 4" in words
    assert "no random sample" in words
    # The lowest rate first: whom links are missed for.
    assert words.index("chinese") < words.index("latin")
    assert '<svg class="weights"' in page
    assert "-2.0</text>" in page
    assert "不同" in browser.client.get("/master", headers={"accept-language": "zh"}).text
