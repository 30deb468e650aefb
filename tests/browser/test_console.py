"""The console in a real browser: what a person sees, by mouse, by keyboard, on a desk and on a phone."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESKTOP, PHONE, Visit
from tests.support.console_company import HOSTILE_CODE, HOSTILE_REGION
from tests.support.console_models import register_versions
from tests.support.console_server import serving
from tests.support.people import PASSWORD, add_people
from workspace.settings import Settings

ACCESSIBILITY = (Path(__file__).parent / "accessibility.js").read_text(encoding="utf-8")
WIDEST = "document.documentElement.scrollWidth"
OVERFLOWING = """[...document.querySelectorAll("main *")].filter((n) => !n.closest(".scroll") &&
    n.getBoundingClientRect().right > innerWidth).map((n) => `${n.tagName}.${n.className}`).slice(0, 5)"""
PAGES = [
    "/",
    "/?metric=handling&days=90",
    "/quality",
    "/quality/days?table=landing.orders&check=landing.orders.total_adds_up",
    "/models",
    "/models/late-delivery-risk/2",
    "/desk",
    "/desk/late-delivery-risk/4",
    "/sign-in",
    "/orders?state=overdue",
    "/orders/o0010740",
    "/stock",
    "/master",
    "/about",
]


@pytest.mark.parametrize("address", PAGES)
def test_page_is_sound_on_desk_and_phone_by_day_and_night(visit: Visit, address: str) -> None:
    page = visit().open(address)
    page.evaluate("for (const node of document.querySelectorAll('details')) node.open = true")
    for viewport in (DESKTOP, PHONE):
        page.set_viewport_size(viewport)  # type: ignore[arg-type]
        assert page.evaluate(WIDEST) <= viewport["width"], page.evaluate(OVERFLOWING)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            assert page.evaluate(ACCESSIBILITY) == []


@pytest.mark.parametrize("address", ["/", "/quality", "/desk/late-delivery-risk/4", "/orders?state=late"])
def test_page_is_sound_in_chinese(visit: Visit, address: str) -> None:
    page = visit(locale="zh-CN", viewport=PHONE).open(address)
    assert page.evaluate("document.documentElement.lang") == "zh"
    assert page.evaluate(WIDEST) <= PHONE["width"], page.evaluate(OVERFLOWING)
    assert page.evaluate(ACCESSIBILITY) == []


def test_a_language_is_chosen_on_the_page_and_stays(visit: Visit) -> None:
    page = visit().open("/orders?state=late")
    page.get_by_role("link", name="中文").click()
    expect(page.locator("h1")).to_have_text("订单")
    assert page.locator("#state").input_value() == "late"
    page.locator("nav.pages a", has_text="总览").click()
    expect(page.locator("h1")).to_have_text("总览")
    page.get_by_role("link", name="English").click()
    expect(page.locator("h1")).to_have_text("Overview")


def test_orders_are_filtered_and_paged_without_losing_the_choice(visit: Visit) -> None:
    page = visit().open("/orders")
    page.focus("#state")
    page.select_option("#state", "late")
    page.wait_for_url("**state=late**")
    expect(page.locator("#state")).to_be_focused()
    everywhere = page.locator("#found").inner_text()
    page.get_by_role("link", name="Next").click()
    page.wait_for_url("**page=2**")
    assert page.locator("#state").input_value() == "late"
    assert page.locator("#found").inner_text() == everywhere
    expect(page.locator(".pager span")).to_contain_text("51 – 100")


def test_a_reviewer_signs_a_decision_by_keyboard_alone(visit: Visit, own_company: Settings) -> None:
    register_versions(own_company)
    with serving(own_company, add_people(own_company.home)) as origin:
        page = visit(origin).open("/desk")
        page.get_by_role("link", name="late-delivery-risk version 4").focus()
        page.keyboard.press("Enter")
        page.locator("#sign ~ .locked a").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/sign-in**")
        page.locator("#name").focus()
        page.keyboard.type("wang.li")
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/desk/late-delivery-risk/4")
        page.locator("#decision-approve").focus()
        page.keyboard.press("Space")
        page.keyboard.press("Tab")
        page.keyboard.type("Better by the paired interval; Jiangsu is watched.")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator(".notice")).to_contain_text("Version 4 is approved", timeout=20_000)
        expect(page.locator("h1")).to_contain_text("approved")
        assert page.evaluate(ACCESSIBILITY) == []


def test_a_steward_decides_on_a_pair(visit: Visit, own_company: Settings) -> None:
    with serving(own_company, add_people(own_company.home)) as origin:
        page = visit(origin, viewport=PHONE).open("/master?entity=warehouse")
        page.locator(".locked a").click()
        page.locator("#name").fill("chen.yu")
        page.locator("#password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Decide").click()
        expect(page.locator("table")).to_contain_text("Guangzhou DC")
        assert page.evaluate(WIDEST) <= PHONE["width"], page.evaluate(OVERFLOWING)
        assert page.evaluate(ACCESSIBILITY) == []
        page.locator("#verdict-apart").check()
        page.locator("#reason").fill("Two buildings, a street apart.")
        page.get_by_role("button", name="Sign the verdict").click()
        expect(page.locator(".notice")).to_contain_text("erp|w1 and wms|w2 are not the same")
        expect(page.locator("#waiting")).to_have_text("No pair waits for a steward")


def test_changing_the_period_replaces_the_figures_without_a_new_page(visit: Visit) -> None:
    page = visit().open("/")
    page.evaluate("window.stays = true")
    before = page.locator("#tile-on_time ~ .value").inner_text()
    page.focus("#days")
    page.select_option("#days", "7")
    expect(page.locator(".sub")).to_contain_text("2026-05-25 to 2026-05-31")
    assert page.locator("#tile-on_time ~ .value").inner_text() != before
    assert page.evaluate("window.stays") is True
    assert "days=7" in page.url
    expect(page.locator("#days")).to_be_focused()
    assert page.locator(".chart canvas").count() == 1


def test_region_and_figure_keep_each_other(visit: Visit) -> None:
    page = visit().open("/")
    page.select_option("#region", "CN-GD")
    page.wait_for_url("**region=CN-GD**")
    page.locator("label[for=metric-touched]").click()
    expect(page.locator("#trend-title")).to_have_text("Share of orders touched by a person, by day")
    assert page.locator("#region").input_value() == "CN-GD"
    page.go_back(wait_until="load")
    expect(page.locator("#trend-title")).to_have_text("On-time rate by day")


def test_a_second_choice_replaces_one_that_is_still_loading(visit: Visit) -> None:
    watched = visit()
    watched.allowed += ["htmx:sendAbort", "htmx:afterRequest"]
    page = watched.open("/")
    page.evaluate("""() => {
        document.getElementById("region").value = "CN-GD";
        document.getElementById("region").dispatchEvent(new Event("change", { bubbles: true }));
        document.getElementById("metric-touched").click();
    }""")
    expect(page.locator("#trend-title")).to_have_text("Share of orders touched by a person, by day")
    assert page.locator("#region").input_value() == "CN-GD"


def test_charts_tell_a_day_under_the_pointer_as_text(visit: Visit) -> None:
    page = visit().open("/")
    page.locator(".chart canvas").hover(position={"x": 400, "y": 120})
    expect(page.locator(".tip .day")).to_contain_text("2026-05-")
    expect(page.locator(".tip .row").nth(1)).to_contain_text("%")


def test_charts_follow_the_theme(visit: Visit) -> None:
    page = visit(color_scheme="light").open("/")
    light = page.locator(".chart canvas").screenshot()
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(200)
    assert page.locator(".chart canvas").screenshot() != light


def test_keyboard_alone_reaches_content_navigation_and_figures(visit: Visit) -> None:
    page = visit().open("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "days"
    page.locator("#metric-on_time").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#trend-title")).to_have_text("Order handling time by day")
    expect(page.locator("#metric-handling")).to_be_focused()
    page.get_by_role("navigation").get_by_role("link", name="Data", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Data quality")


def test_every_stop_of_the_keyboard_shows_where_it_is(visit: Visit) -> None:
    page = visit().open("/orders")
    for _ in range(14):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", page.evaluate("document.activeElement.outerHTML.slice(0, 80)")


def test_an_order_is_found_by_its_code(visit: Visit) -> None:
    page = visit().open("/")
    page.fill("#find", HOSTILE_CODE)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(f"Order {HOSTILE_CODE}")
    assert page.locator("main img").count() == 0


def test_names_from_the_data_are_shown_as_they_are(visit: Visit) -> None:
    page = visit().open("/?days=0")
    expect(page.locator("#region")).to_contain_text(HOSTILE_REGION)
    expect(page.locator("table.regions")).to_contain_text(HOSTILE_REGION)
    assert page.locator("main script").count() == page.locator("main script[type='application/json']").count() == 1


def test_a_report_is_shown_as_filed_and_runs_nothing(visit: Visit, company: Settings) -> None:
    path = next((company.paths.reports / "audits").glob("*/report.en.html"))
    watched = visit()
    page = watched.open("/models")
    page.locator(".links a", has_text="in English").click()
    expect(page.locator("h1")).to_contain_text("late-delivery-risk")
    assert page.evaluate("origin") == "null"
    assert path.is_file()


def test_a_script_in_a_report_does_not_run(visit: Visit, tmp_path: Path, settings: Settings) -> None:
    digest = "a" * 64
    folder = settings.paths.reports / "audits" / digest
    folder.mkdir(parents=True)
    (folder / "report.en.html").write_text("<title>t</title><h1>before</h1><script>document.body.innerHTML=''</script>")
    with serving(settings) as origin:
        watched = visit(origin)
        watched.allowed += ["policy violation: script-src-elem", "Blocked script execution", "Executing inline script"]
        page = watched.open(f"/reports/{digest}/report.en.html")
        expect(page.locator("h1")).to_have_text("before")


def test_without_scripts_the_page_still_answers(visit: Visit) -> None:
    page = visit(java_script_enabled=False).open("/")
    page.select_option("#days", "90")
    page.locator(".controls button").click()
    expect(page.locator(".sub")).to_contain_text("2026-03-03 to 2026-05-31")
    expect(page.locator("#trend-title")).to_have_text("On-time rate by day")


def test_before_the_first_publication_the_page_says_what_to_run(visit: Visit, settings: Settings) -> None:
    with serving(settings) as origin:
        watched = visit(origin)
        watched.allowed.append("503")
        page = watched.open("/")
        expect(page.locator("h1")).to_have_text("Nothing is published yet")
        expect(page.locator("pre")).to_have_text("oi run everything")
        assert page.evaluate(ACCESSIBILITY) == []
