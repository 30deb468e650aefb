"""The overview: figures agree with the orders, and what is missing says so."""

import re

import duckdb
import httpx

from dashboards.pages.overview import _rate
from tests.unit.dashboards.conftest import Open
from workspace.published import open_current
from workspace.settings import Settings

WINDOW = "order_date between date '2026-05-04' and date '2026-05-31'"


def ask(settings: Settings, sql: str) -> tuple[object, ...]:
    """One row straight from the published orders."""
    row = duckdb.execute(sql.format(orders=f"'{open_current(settings.paths.published).path('fct_orders')}'")).fetchone()
    assert row is not None
    return row


def text_of(html: str) -> str:
    """The page's words, one space between them."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_tiles_show_what_the_orders_say(console: httpx.Client, company: Settings) -> None:
    on_time, judged, median, p90, touched, followed, score, reviews = ask(
        company,
        f"""select count(*) filter (where not is_late), count(is_late), quantile_cont(handling_hours, .5),
               quantile_cont(handling_hours, .9), count(*) filter (where is_touched_by_person),
               count(is_touched_by_person), avg(review_score), count(review_score)
            from {{orders}} where {WINDOW}""",
    )
    words = text_of(console.get("/").text)
    assert f"{100 * on_time / judged:.1f}%" in words  # type: ignore[operator]
    assert f"{judged:,} orders with an outcome" in words
    assert f"{median:.1f} h" in words
    assert f"90th percentile {p90:.1f} h" in words
    assert f"{100 * touched / followed:.1f}%" in words  # type: ignore[operator]
    assert f"{score:.2f}" in words
    assert f"{reviews:,} reviews" in words
    assert "2026-05-04 to 2026-05-31" in words
    assert "Change against 2026-04-06 to 2026-05-03" in words


def test_region_filter_narrows_every_figure(console: httpx.Client, company: Settings) -> None:
    (judged,) = ask(company, f"select count(is_late) from {{orders}} where {WINDOW} and region_code = 'CN-GD'")
    words = text_of(console.get("/?region=CN-GD").text)
    assert f"{judged:,} orders with an outcome" in words


def test_regions_table_counts_every_order_and_the_unknown_region(console: httpx.Client, company: Settings) -> None:
    orders, unknown = ask(
        company, f"select count(*), count(*) filter (where region_code = 'unknown') from {{orders}} where {WINDOW}"
    )
    words = text_of(console.get("/").text)
    assert f"{unknown} of {orders:,} orders carry no known region" in words


def test_regions_below_support_are_listed_after_the_judged_ones(console: httpx.Client) -> None:
    page = console.get("/").text
    assert page.index("Guangdong <span") < page.index("Tibet <span", page.index('class="regions"'))


def test_risk_lists_open_orders_by_falling_probability(console: httpx.Client) -> None:
    page = console.get("/").text
    risk = page[page.index('id="risk-title"') :]
    shown = [int(match) for match in re.findall(r"</svg>\s*(\d+)%", risk)]
    assert len(shown) == 12
    assert shown == sorted(shown, reverse=True)


def test_days_with_open_outcomes_are_marked(console: httpx.Client) -> None:
    assert "fewer than 90% of the orders have an outcome" in console.get("/").text


def test_every_figure_that_the_company_lacks_says_why(plain_company: Settings, open_console: Open) -> None:
    page = open_console(plain_company).get("/").text
    words = text_of(page)
    assert words.count("Not available") == 3
    assert "No reviews are landed" in words
    assert "No event by a person was ever recorded" in words
    assert "No order has a handling time" in words
    assert "No predictions are published" in words
    assert 'href="/models">Models' in page[page.index('id="risk-title"') :]
    assert "On-time rate" in words


def test_trend_of_a_missing_figure_gives_the_reason(plain_company: Settings, open_console: Open) -> None:
    page = open_console(plain_company).get("/?metric=satisfaction").text
    assert 'id="trend-data"' not in page
    assert page.count("No reviews are landed") == 2


def test_a_period_without_outcomes_is_widened_unless_it_was_asked_for(
    console: httpx.Client, company: Settings, open_console: Open
) -> None:
    assert "a longer period is shown" not in console.get("/").text
    demanding = Settings(home=company.home, company=company.company, minimum_support=3000)
    words = text_of(open_console(demanding).get("/").text)
    assert "fewer than 3000 orders with an outcome, so a longer period is shown" in words
    assert "2026-03-03 to 2026-05-31" in words
    assert "a longer period is shown" not in open_console(demanding).get("/?days=28").text


def test_points_of_few_cases_are_left_out() -> None:
    assert _rate([(4, 4)], 100.0, 5) is None
    assert _rate([(4, 5)], 100.0, 5) == 80.0


def test_all_days_have_no_period_to_compare_with(console: httpx.Client) -> None:
    words = text_of(console.get("/?days=0").text)
    assert "No earlier period of equal length" in words
    assert "vs previous" not in words


def test_an_unknown_region_is_an_empty_choice_and_no_error(console: httpx.Client) -> None:
    answer = console.get("/?region=nowhere")
    assert answer.status_code == 200
    assert "No order of this choice has the data" in answer.text
