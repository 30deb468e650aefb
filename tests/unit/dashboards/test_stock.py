"""The stock-out alerts in the console."""

import re
from html import unescape
from pathlib import Path

import pytest

from tests.support.console_stock import NO_TRANSFER, publish_alerts
from tests.unit.dashboards.conftest import Open
from tests.unit.dashboards.test_overview import text_of
from workspace.settings import Settings

HOSTILE = "<script>alert(1)</script>"


def rows_of(page: str) -> list[str]:
    """The words of each row of the list."""
    body = page[page.index("<tbody>") : page.index("</tbody>")]
    return [unescape(text_of(row)).strip() for row in body.split("<tr>")[1:]]


def test_an_alert_says_all_that_an_operator_decides_on(
    own_company: Settings, open_console: Open, tmp_path: Path
) -> None:
    publish_alerts(own_company, tmp_path, {})
    page = open_console(own_company).get("/stock").text
    assert rows_of(page) == [
        "Washing machine 207 p0001 Guangzhou DC 40% 50% 60% 3 7 on hand 4.2 8 6 due in time next in 30.0 h "
        "Move 4 from Hangzhou DC in time: 93% 1.5 1,200.00 CNY 0.2 200.00 CNY Tell them 5 units wait"
    ]
    words = text_of(page)
    assert "Alerts: 1, most urgent first" in words
    assert "Counted at 2026-05-31 06:00" in words
    assert "stockout-risk version 2" in words
    assert "1.5 units; 0.2 with the transfers" in words


def test_an_alert_without_a_transfer_or_a_price_says_so(
    own_company: Settings, open_console: Open, tmp_path: Path
) -> None:
    unknown = {"product_id": HOSTILE, "inbound_units": 0, "inbound_units_due": 0, "inbound_next_due_hours": None}
    publish_alerts(own_company, tmp_path, {**NO_TRANSFER, **unknown})
    page = open_console(own_company).get("/stock").text
    assert HOSTILE not in page
    assert rows_of(page) == [f"{HOSTILE} Guangzhou DC 40% 50% 60% 3 7 on hand 4.2 0 None pays 1.5 – Not needed"]


def test_what_may_run_out_first_comes_first_and_a_node_leaves_its_own(
    own_company: Settings, open_console: Open, tmp_path: Path
) -> None:
    publish_alerts(
        own_company, tmp_path, {"product_id": "p0001", "stockout_probability": 0.3},
        {"product_id": "p0002", "stockout_probability": 0.8, "warehouse_id": "w3"},
        {"product_id": "p0003", "stockout_probability": 0.3, "expected_lost_units": 9.0},
    )  # fmt: skip
    console = open_console(own_company)
    order = [re.findall(r"p\d{4}", row)[0] for row in rows_of(console.get("/stock").text)]
    assert order == ["p0002", "p0003", "p0001"]
    chosen = console.get("/stock?node=w3").text
    assert len(rows_of(chosen)) == 1
    assert '<option value="w3" selected>Nanjing DC</option>' in chosen
    assert "w2" not in re.findall(r'<option value="(w\d)"', chosen)
    assert "No stock-out is foreseen" in console.get("/stock?node=nowhere").text


def test_the_parts_of_a_long_list_hold_every_alert_once(
    own_company: Settings, open_console: Open, tmp_path: Path
) -> None:
    publish_alerts(own_company, tmp_path, *({"product_id": f"q{n:04d}"} for n in range(60)))
    console = open_console(own_company)
    pages = [console.get(address).text for address in ("/stock?node=w1", "/stock?node=w1&page=2")]
    assert "/stock?node=w1&amp;page=2" in pages[0]
    found = [re.findall(r"q\d{4}", row)[0] for page in pages for row in rows_of(page)]
    assert len(found) == len(set(found)) == 60


@pytest.mark.parametrize(("language", "words"), [("en", "No alert has been published yet"), ("zh", "尚未发布任何预警")])
def test_both_languages_have_every_word(
    own_company: Settings, open_console: Open, tmp_path: Path, language: str, words: str
) -> None:
    console = open_console(own_company)
    ask = {"Accept-Language": language}
    assert words in console.get("/stock", headers=ask).text
    publish_alerts(own_company, tmp_path, {}, {"product_id": "p0002", **NO_TRANSFER})
    assert console.get("/stock", headers=ask).status_code == 200
