"""Checks by day on the console: every cell says its state in words, a check's history by run, days in pages."""

import re

import httpx

from tests.unit.dashboards.conftest import Open
from tests.unit.dashboards.test_overview import text_of
from workspace.settings import Settings


def cells_of(page: str, check: str) -> list[str]:
    """What each cell of a check's row says to somebody who can't see it, by day."""
    row = re.search(rf"<code>{re.escape(check)}</code></a></th>(.*?)</tr>", page, re.DOTALL)
    assert row is not None
    return re.findall(r'title="([^"]*)"', row.group(1))


def test_each_day_shows_what_its_newest_run_found(console: httpx.Client) -> None:
    page = console.get("/quality/days?table=landing.orders").text
    adds_up = cells_of(page, "landing.orders.total_adds_up")
    assert len(adds_up) == 28
    assert adds_up[-3] == "2026-05-29: warning – 12 of 90 rows"
    assert adds_up[-1] == "2026-05-31: passed"
    # A day without rows breaks no rule about rows, and is no proof of one either; its volume is what is odd.
    assert adds_up[-2] == "2026-05-30: skipped"
    assert cells_of(page, "landing.orders.volume")[-2].startswith(
        "2026-05-30: warning – 0; median 90 of the last 30 days"
    )
    assert "landing.orders.has_rows" not in page  # speaks of the table, not of days


def test_a_check_shows_its_days_in_the_runs_before(console: httpx.Client) -> None:
    page = console.get("/quality/days?table=landing.orders&check=landing.orders.total_adds_up").text
    history = page[page.index('id="history"') :]
    runs = re.findall(r"<tr><th scope=\"row\" class=\"time\">(.*?)</tr>", history, re.DOTALL)
    assert len(runs) == 8
    of_the_29th = ["2026-05-29: warning" in run for run in runs]
    assert of_the_29th == [number in (3, 7) for number in range(7, -1, -1)]
    assert "12 of 90 rows" in text_of(history)


def test_earlier_days_stand_on_their_own_page(console: httpx.Client) -> None:
    page = console.get("/quality/days?table=landing.orders").text
    older = re.search(r'<a rel="prev" href="([^"]*)"', page)
    assert older is not None
    before = console.get(older.group(1).replace("&amp;", "&")).text
    assert cells_of(before, "landing.orders.volume")[0].startswith("2026-04-22: skipped – 90; insufficient history")
    assert 'rel="next"' in before
    assert 'rel="prev"' not in before


def test_the_quality_page_leads_to_the_days(console: httpx.Client, plain_company: Settings, open_console: Open) -> None:
    plain = open_console(plain_company)
    assert 'href="/quality/days"' in console.get("/quality").text
    assert 'href="/quality/days"' not in plain.get("/quality").text
    assert "No table has been judged by day yet." in plain.get("/quality/days").text


def test_an_address_that_names_no_table_or_day_is_explained(console: httpx.Client) -> None:
    assert console.get("/quality/days?table=<b>").status_code == 400
    assert console.get("/quality/days?until=tomorrow").status_code == 400
    assert console.get("/quality/days?table=landing.nothing").status_code == 200
    long_ago = console.get("/quality/days?table=landing.orders&until=1999-01-01").text
    assert cells_of(long_ago, "landing.orders.volume")[-1].startswith("2026-05-31")
