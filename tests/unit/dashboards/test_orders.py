"""Finding an order and reading its page."""

import re
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml.io import lead_times
from tests.support.console_company import HOSTILE_CODE
from tests.unit.dashboards.conftest import Open
from tests.unit.dashboards.test_overview import ask, text_of
from workspace.published import publish
from workspace.settings import Settings


def test_an_exact_code_leads_to_the_order(console: httpx.Client, company: Settings) -> None:
    order_id, code = ask(company, "select order_id, order_code from {orders} where order_id = 'o0005000'")
    answer = console.get(f"/orders?q={str(code).lower()}", follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/orders/{order_id}"


def test_a_hostile_code_can_be_looked_up(console: httpx.Client) -> None:
    answer = console.get(f"/orders?q={quote(HOSTILE_CODE)}")
    assert answer.status_code == 200
    assert "Order W-&#34;&gt;&lt;img" in answer.text


def test_the_beginning_of_a_code_lists_matches(console: httpx.Client) -> None:
    words = text_of(console.get("/orders?q=W-0").text)
    assert re.search(r"“W-0” begins the code of [\d,]+ orders", words)
    assert re.search(r"1 – 50 of [\d,]+", words)


@pytest.mark.parametrize(
    ("state", "condition"),
    [
        ("open", "delivered_at is null and not is_cancelled and status not in ('delivered', 'unavailable')"),
        ("late", "is_late"),
        ("on_time", "is_late = false"),
        ("touched", "is_touched_by_person"),
        ("cancelled", "is_cancelled"),
    ],
)
def test_a_state_and_a_region_leave_the_orders_that_they_name(
    console: httpx.Client, company: Settings, state: str, condition: str
) -> None:
    (all_of_it,) = ask(company, f"select count(*) from {{orders}} where {condition}")
    (here,) = ask(company, f"select count(*) from {{orders}} where {condition} and region_code = 'CN-GD'")
    assert all_of_it > here
    for address, count in ((f"/orders?state={state}", all_of_it), (f"/orders?state={state}&region=CN-GD", here)):
        expected = f"{count:,} orders, newest first" if count else "No order is of this choice"
        assert expected in text_of(console.get(address).text)


def test_the_parts_of_a_list_hold_every_order_once(console: httpx.Client, company: Settings) -> None:
    (count,) = ask(company, "select count(*) from {orders} where is_cancelled")
    found: list[str] = []
    for page in range(1, -(-count // 50) + 1):
        text = console.get(f"/orders?state=cancelled&page={page}").text
        found += re.findall(r'<th scope="row" class="time"><a href="/orders/([^"]+)"', text)
    assert len(found) == len(set(found)) == count


def test_a_part_beyond_the_end_is_the_last_one(console: httpx.Client, company: Settings) -> None:
    (count,) = ask(company, "select count(*) from {orders}")
    assert f"– {count:,} of {count:,}" in text_of(console.get("/orders?page=99999999").text)


def test_no_match_says_how_matching_works(console: httpx.Client) -> None:
    words = text_of(console.get("/orders?q=%25").text)
    assert "No order matches “%”" in words
    assert "A match starts with the typed text" in words


def test_timeline_is_in_order_of_time_and_marks_interventions(console: httpx.Client, company: Settings) -> None:
    (order_id,) = ask(
        company, "select min(order_id) from {orders} where is_touched_by_person and is_late and count_shipments = 1"
    )
    page = console.get(f"/orders/{order_id}").text
    timeline = page[page.index('<ol class="timeline"') : page.index("</ol>")]
    times = re.findall(r'<span class="time">([^<]+)</span>', timeline)
    assert times == sorted(times)
    words = text_of(timeline)
    for expected in ("ordered", "held", "address check", "released", "intervention", "recorded 1.6 h later",
                     "handed to the carrier", "delivered", "promised delivery"):  # fmt: skip
        assert expected in words
    assert "Late by" in text_of(page)


def test_amounts_are_checked_against_the_stated_total(console: httpx.Client, company: Settings) -> None:
    (right,) = ask(company, "select min(order_id) from {orders} where total_amount = stated_total_amount")
    (wrong,) = ask(company, "select min(order_id) from {orders} where total_amount <> stated_total_amount")
    assert "equals the total that the source states" in console.get(f"/orders/{right}").text
    assert "differs from the parts by 5.00 CNY" in console.get(f"/orders/{wrong}").text


def test_an_open_scored_order_shows_its_risk_and_rank(console: httpx.Client, company: Settings) -> None:
    words = text_of(console.get("/orders/o0010740").text)
    assert "Risk of late delivery" in words
    assert "not known yet" in words
    assert "orders scored with it" in words
    assert "late-delivery-risk version 3" in words


def test_an_open_order_shows_its_lead_time_and_the_promise_that_a_service_level_allows(
    own_company: Settings, open_console: Open, tmp_path: Path
) -> None:
    row = {
        "order_id": "o0010740", "region_code": "CN-GD", "model_name": "lead-time", "model_version": "2",
        "as_of": datetime(2026, 5, 31), "scored_at": datetime(2026, 5, 31, 1), "ordered_at": datetime(2026, 5, 30, 8),
        "promised_at": datetime(2026, 6, 1), "lower_hours": 20.0, "median_hours": 41.5, "upper_hours": 90.0,
        "service_level": 0.95, "promise_hours": 81.5, "suggested_promise_at": datetime(2026, 6, 2, 18),
        "is_beyond_interval": False, "data_snapshot": "s1",
    }  # fmt: skip
    file = tmp_path / "lead_times.parquet"
    pq.write_table(pa.Table.from_pylist([row], schema=lead_times.SCHEMA), file)
    publish(own_company.paths.published, {lead_times.TABLE: file}, {}, keep=3)
    console = open_console(own_company)
    words = text_of(console.get("/orders/o0010740").text)
    assert "Expected, from order to door 41.5 h" in words
    assert "20.0 h to 90.0 h" in words
    assert "Promise that is kept in 95% 2026-06-02 18:00" in words
    assert "It was promised earlier than that" in words
    assert "open longer than" not in words
    assert "lead-time version 2" in words
    assert "Nine of ten" not in text_of(console.get("/orders/o0000001").text)


def test_an_order_without_events_lines_or_predictions_still_has_a_page(
    plain_company: Settings, open_console: Open
) -> None:
    words = text_of(open_console(plain_company).get("/orders/o0000001").text)
    assert "No predictions are published" in words
    assert "Timeline" in words


def test_an_open_order_says_what_raises_and_what_lowers_its_risk(console: httpx.Client, company: Settings) -> None:
    (order_id,) = ask(
        company,
        "select min(order_id) from {orders} where delivered_at is null and status <> 'cancelled' "
        "and promised_at > (select max(ordered_at) + interval 1 day from {orders})",
    )
    words = text_of(console.get(f"/orders/{order_id}").text)
    assert "promise hours 40 ▲ × 2.00" in words
    assert "main category none ▼ × 0.50" in words
