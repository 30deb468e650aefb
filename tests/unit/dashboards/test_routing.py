"""The plan and the explanation of a decision in the console."""

import json
from pathlib import Path

import duckdb
import httpx
import pytest

from tests.unit.dashboards.conftest import Open
from workspace.settings import Settings

HOSTILE = "<script>alert(1)</script>"
SUMMARY = {
    "plan": "20261031T160000-abcd", "as_of": "2026-10-31T16:00:00", "model": "order-routing", "model_version": "3",
    "rule": None, "reason": "", "orders": 3, "routed": 1, "unfilled": 1, "excluded": 1, "objective": 42.5, "gap": 0.004,
    "on_time": 0.9, "split": 0, "automatic": 1, "person": 0, "confidence_threshold": 0.85, "tolerance": 0.05,
    "window_hours": 12.0, "checks": {"no_oversell": {"passed": True, "met": "0 cells sold beyond their stock"}},
}  # fmt: skip


def keep_plan(settings: Settings, **changes: object) -> Path:
    """A kept plan of three orders: one ships from `w1`, one from nowhere, one is excluded."""
    folder = settings.paths.plans / "20261031T160000-abcd"
    folder.mkdir(parents=True)
    flips = json.dumps([{"warehouse_id": "w2", "what": "shipping price", "now": 9.0, "then": 7.5}])
    duckdb.execute(
        f"""copy (select 'p' as plan, *, 1 as count_parcels, 12.5 as cost_amount, 0.91 as on_time from (values
        ('o1', 'R1', 'filled', '', '', ['w1'], ['ground'], 0.97, 'automatic', '', 'nearest_out_of_stock', '{flips}'),
        ('{HOSTILE}', 'R1', 'unfilled', 'out_of_stock', 'no node has any', [], [], null, 'none', '', '', '[]'),
        ('o3', null, 'excluded', 'unknown_region', 'not known', [], [], null, 'none', '', '', '[]'))
        t(order_id, region_code, status, reason, reason_text, warehouse_ids, service_levels, confidence, handling,
        why_split, why_farther, flips)) to '{folder}/decisions.parquet' (format parquet)"""
    )
    stock = json.dumps([{"product_id": "p1", "requested": 2, "on_hand": 5, "reserved": 1, "available": 4,
                         "left_after_batch": 2}])  # fmt: skip
    parts = json.dumps([{"name": "shipping", "raw": 8.0, "weighted": 8.0, "unit": "money"},
                        {"name": "lateness", "raw": 0.09, "weighted": 4.5, "unit": "P(late)"}])  # fmt: skip
    fence = json.dumps([{"name": "disabled", "kind": "hard", "passed": False}])
    duckdb.execute(
        f"""copy (select 'o1' as order_id, * from (values
        ('w1', 1, 'chosen', '[]', '[]', '{stock}', 'ground', 300.0, 0.09, '{parts}', 12.5, 12.5),
        ('w2', null, 'rejected', '["fenced"]', '{fence}', '{stock}', null, 10.0, null, '[]', 0.0, 0.0))
        t(warehouse_id, rank, verdict, reasons, fences, stock, service_level, distance_km, late_probability, components,
        total_amount, priced_total_amount)) to '{folder}/nodes.parquet' (format parquet)"""
    )
    (folder / "summary.json").write_text(json.dumps({**SUMMARY, **changes}), encoding="utf-8")
    return folder


def test_without_a_plan_the_page_says_how_to_make_one(console: httpx.Client) -> None:
    page = console.get("/routing").text
    assert "No plan has been made yet" in page
    assert "oi route plan" in page


def test_a_new_plan_is_shown_at_once_with_figures_checks_and_decisions(
    own_company: Settings, open_console: Open
) -> None:
    console = open_console(own_company)
    before = console.get("/routing")
    keep_plan(own_company)
    page = console.get("/routing", headers={"If-None-Match": before.headers["etag"]})
    assert page.status_code == 200
    assert "3: 1 routed, 1 unfilled, 1 excluded" in page.text
    assert "at most 0.40% of the cost could be saved" in page.text
    assert "0 cells sold beyond their stock" in page.text
    assert HOSTILE not in page.text
    assert "97%" in page.text
    chosen = console.get("/routing?handling=automatic").text
    assert "/routing/o1" in chosen
    assert "/routing/o3" not in chosen
    assert "/routing/o3" in console.get("/routing?handling=whatever").text


def test_whether_confidence_holds_is_shown_by_band_and_region(own_company: Settings, open_console: Open) -> None:
    group = {"name": "95% – 100%", "choices": 40, "said": 0.99, "right": 0.97}
    trusted = {"bands": [group], "regions": [{**group, "name": "R7"}], "ece": 0.02, "threshold": 0.85, "certain": 40,
               "certain_right": 0.97, "certain_low": 0.81, "is_certified": False}  # fmt: skip
    passes = [{"orders": 3}, {"orders": 2}]
    keep_plan(own_company, reliability=trusted, passes=passes)
    page = open_console(own_company).get("/routing").text
    assert "Of 40 decisions at 85% or more, 97.0% are right; in 19 of 20 draws at least 81.0%" in page
    assert "Not certified" in page
    assert "R7" in page
    assert "soft fences were dropped for 2 orders" in page


def test_how_decisions_came_out_is_shown_beside_what_was_said(own_company: Settings, open_console: Open) -> None:
    folder = keep_plan(own_company)
    console = open_console(own_company)
    assert "How decisions came out" not in console.get("/routing").text
    group = {"name": "95% – 100%", "choices": 40, "said": 0.99, "right": 0.913}
    held = {"bands": [group], "regions": [{**group, "name": "R8"}], "ece": 0.077, "threshold": 0.85, "certain": 40,
            "certain_right": 0.913, "certain_low": 0.8, "is_certified": False}  # fmt: skip
    followed = {"name": "", "orders": 31, "on_time_said": 0.95, "on_time": 0.842, "price_said": 5.0, "price": 6.25}
    told = {"until": "2026-11-14T16:00:00", "parcels": 1234, "lanes": 56, "days": 14, "held": held,
            "followed": [followed]}  # fmt: skip
    (folder / "outcomes.json").write_text(json.dumps(told), encoding="utf-8")
    for language, title in (("en", "How decisions came out"), ("zh", "决定的实际结果")):
        page = console.get("/routing", headers={"Accept-Language": language}).text
        assert title in page
        for shown in ("1,234", "R8", "91.3%", "84.2%", "6.25"):
            assert shown in page


def test_a_plan_by_the_rule_says_so(own_company: Settings, open_console: Open) -> None:
    keep_plan(own_company, rule="nearest", reason="no version was promoted yet", gap=None, on_time=None)
    page = open_console(own_company).get("/routing").text
    assert "By the rule “nearest”" in page
    assert "no version was promoted yet" in page
    assert "not proven" in page


def test_why_this_node(own_company: Settings, open_console: Open) -> None:
    keep_plan(own_company)
    console = open_console(own_company)
    page = console.get("/routing/o1").text
    assert "97% that no single node would be better by more than 5%" in page
    assert "nearest out of stock" in page
    assert "would do as well if shipping price went from 9.00 to 7.50" in page
    assert "2 of 4" in page
    assert "5 on hand, 1 reserved, 2 left after the plan" in page
    assert "disabled: failed" in page
    assert "0.090 P(late), before its weight" in page
    assert "No node was looked at" in console.get("/routing/o3").text
    assert console.get("/routing/nobody").status_code == 404


@pytest.mark.parametrize("language", ["en", "zh"])
def test_both_languages_have_every_word(own_company: Settings, open_console: Open, language: str) -> None:
    keep_plan(own_company)
    console = open_console(own_company)
    for address in ("/routing", "/routing/o1", "/routing/o3"):
        assert console.get(address, headers={"Accept-Language": language}).status_code == 200


def test_a_long_plan_comes_in_parts_and_keeps_its_filter(own_company: Settings, open_console: Open) -> None:
    folder = keep_plan(own_company)
    duckdb.execute(
        f"""copy (select * replace ('o' || n as order_id) from '{folder}/decisions.parquet', range(120) many(n)
        where handling = 'automatic') to '{folder}/more.parquet' (format parquet)"""
    )
    (folder / "more.parquet").replace(folder / "decisions.parquet")
    console = open_console(own_company)
    first, last = (
        console.get("/routing?handling=automatic").text,
        console.get("/routing?handling=automatic&page=3").text,
    )
    assert "1 – 50 of 120" in first
    assert 'href="/routing?handling=automatic&amp;page=2"' in first
    assert "101 – 120 of 120" in last
    assert last.count('href="/routing/o') == 20
    assert "of 120" not in console.get("/routing?handling=person").text
