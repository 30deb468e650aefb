"""The report's page: complete, self-contained, safe, the same in both languages, and immutable."""

import html
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from ml.core.fairness.audit import audit_predictions
from ml.core.fairness.errors import UnusableTable
from ml.core.fairness.policies import DECISIONS, compare_policies, rounds_of_orders
from ml.core.fairness.report.difference import change_between
from ml.core.fairness.report.page import content_digest, render_html
from ml.core.fairness.report.texts import TEXTS
from ml.core.fairness.report.tilemap import place_tiles
from ml.core.fairness.statements import TEMPLATES
from ml.io.audit_reports import ReportChanged, groups_csv, print_pdf, read_report, save_report

HOSTILE = [
    '=HYPERLINK("http://evil")',
    "<script>alert(1)</script>",
    "@SUM(A1)",
    '"><img src=x onerror=alert(1)>',
    "[red]x",
]


class Page(HTMLParser):
    """Collects tags, attributes and texts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture(scope="module")
def result():
    rows = pd.DataFrame(
        [(r, y, n) for r, late in (("CN-SC", 300), ("CN-GD", 110), ("CN-BJ", 100), ("CN-XZ", 9)) for y, n in
         ((1, late), (0, 1000 - late if late > 9 else 30))], columns=["region", "late", "n"],
    )  # fmt: skip
    rows["score"] = 0.15
    return audit_predictions(rows, label="late", score="score", group="region", count="n", resamples=300)


def numbers_of(page: str) -> list[str]:
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.S)
    texts = Page(body).texts
    return sorted(n for text in texts for n in re.findall(r"[+−]?\d+(?:\.\d+)?(?: ?%| pp)?", text) if "Art" not in text)


class TestPage:
    def test_first_page_comes_in_the_order_that_a_reader_decides_in(self, result):
        page = render_html(result)
        places = [
            page.index(TEXTS[k][0])
            for k in ("first_decide", "first_worst", "first_changed", "first_missing", "first_sign")
        ]
        assert places == sorted(places)
        assert "CN-SC differs from the other groups by +19" in page

    def test_all_seventeen_contents_are_there_and_missing_evidence_is_printed_as_missing(self, result):
        page = render_html(result)
        assert all(TEXTS[f"s{i}"][0] in page for i in range(1, 18))
        assert page.count("Not supplied.") > 20

    def test_it_loads_nothing_and_runs_nothing(self, result):
        page = Page(render_html(result, {"positions": {"CN-SC": (30.6, 104.0)}}))
        assert not {tag for tag, _ in page.tags} & {
            "script",
            "link",
            "img",
            "iframe",
            "object",
            "embed",
            "base",
            "form",
        }
        loading = {"src", "href", "srcset", "action", "data", "xlink:href", "background"}
        assert not [attrs for _, attrs in page.tags if loading & set(attrs)]
        assert not [a for _, attrs in page.tags for a in attrs if a.startswith("on")]
        assert not re.search(r"url\(|@import|https?://", render_html(result))

    def test_both_languages_show_the_same_numbers(self, result):
        english, chinese = render_html(result, language="en"), render_html(result, language="zh")
        cut = [page[: page.index(TEXTS["applicability"][i])] for i, page in enumerate((english, chinese))]
        pages = [numbers_of(page) for page in cut]
        assert pages[0] == pages[1]
        assert len(pages[0]) > 100

    def test_every_text_has_both_languages_and_the_same_places(self):
        for key, (english, chinese) in {**TEXTS, **TEMPLATES}.items():
            assert english, key
            assert chinese, key
            places = [sorted(re.findall(r"{(\w+)}", said)) for said in (english, chinese)]
            assert places[0] == places[1], key

    def test_hostile_names_stay_text(self):
        table = pd.DataFrame([(name, y, 500) for name in HOSTILE for y in (0, 1)], columns=["region", "late", "n"])
        hostile = audit_predictions(table, label="late", group="region", count="n", resamples=100)
        context = {"title": HOSTILE[1], "group_names": {HOSTILE[0]: HOSTILE[3]}, "changes": [{"what": HOSTILE[1]}]}
        for language in ("en", "zh"):
            page = Page(render_html(hostile, context, language))
            assert not {tag for tag, _ in page.tags} & {"script", "img"}
            assert not [a for _, attrs in page.tags for a in attrs if a.startswith("on")]
            assert any(HOSTILE[1] in text for text in page.texts)
        firsts = [line.split(",")[2] for line in groups_csv(hostile).splitlines()[1:]]
        assert not [cell for cell in firsts if cell.strip('"').startswith(("=", "@", "+", "-"))]

    def test_unknown_language_and_unknown_context_are_refused(self, result):
        with pytest.raises(UnusableTable, match="one of"):
            render_html(result, language="fr")
        with pytest.raises(UnusableTable, match="got \\['auhtor'\\]"):
            render_html(result, {"auhtor": "x"})


class TestStored:
    def test_saving_twice_changes_nothing_and_an_edit_is_noticed(self, result, tmp_path):
        first = save_report(tmp_path, result, {"title": "t"})
        before = {p.name: p.read_bytes() for p in first.folder.iterdir()}
        assert save_report(tmp_path, result, {"title": "t"}).digest == first.digest
        assert {p.name: p.read_bytes() for p in first.folder.iterdir()} == before
        assert read_report(tmp_path, first.digest)["audit"]["verdict"] == result.verdict
        first.data.write_text(first.data.read_text().replace('"CN-SC"', '"CN-XX"'))
        with pytest.raises(ReportChanged, match="edited"):
            read_report(tmp_path, first.digest)
        with pytest.raises(ReportChanged, match="never written over"):
            save_report(tmp_path, result, {"title": "t"})

    def test_the_digest_covers_audit_and_context(self, result):
        assert content_digest(result) == content_digest(result, {})
        assert content_digest(result) != content_digest(result, {"purpose": "x"})

    def test_a_browser_prints_it(self, result, tmp_path):
        import shutil

        from ml.io.audit_reports import BROWSERS

        if not any(shutil.which(name) for name in BROWSERS):
            pytest.skip("no browser is installed")
        saved = save_report(tmp_path, result)
        pdf = print_pdf(saved.pages["zh"], tmp_path / "report.pdf")
        assert pdf.read_bytes().startswith(b"%PDF-")

    def test_without_a_browser_the_message_says_what_to_install(self, result, tmp_path, monkeypatch):
        from ml.io.audit_reports import NoBrowser

        monkeypatch.setenv("PATH", "")
        with pytest.raises(NoBrowser, match="chromium"):
            print_pdf(save_report(tmp_path, result).pages["en"], tmp_path / "x.pdf")


class TestDifference:
    def test_the_same_audit_has_no_difference(self, result):
        assert change_between(result.to_dict(), result.to_dict()).nothing
        assert TEXTS["changed_same"][0] in render_html(result, {"previous": result.to_dict()})

    def test_what_changed_is_named(self, result, planted):
        other = audit_predictions(
            pd.DataFrame(
                [(r, y, 500) for r in ("CN-SC", "CN-GD", "CN-HN") for y in (0, 1)], columns=["region", "late", "n"]
            ),
            label="late", group="region", count="n", resamples=300,
        )  # fmt: skip
        change = change_between(other.to_dict(), result.to_dict())
        assert change.verdict == ("no_gap_found", "gap")
        assert (change.new_groups, change.gone_groups) == (("CN-BJ", "CN-XZ"), ("CN-HN",))
        assert change.metrics[0].newly_named == ("CN-SC",)


def test_tiles_stand_where_their_regions_lie_and_never_on_each_other():
    positions = {"north": (50.0, 110.0), "south": (20.0, 110.0), "west": (35.0, 80.0), "east": (35.0, 125.0)}
    placed = place_tiles([*positions, "nowhere"], positions)
    assert len(set(placed.values())) == 5
    assert placed["north"][1] < placed["south"][1] < placed["nowhere"][1]
    assert placed["west"][0] < placed["east"][0]


def comparison():
    """A replay of a policy that cuts off a region with a hostile name."""
    days, each = 8, 30
    names = ["CN-SC", "CN-GD", "CN-BJ", HOSTILE[1]]
    table = pd.DataFrame({"day": np.repeat(np.arange(days), len(names) * each),
                          "region": np.tile(np.repeat(names, each), days), "on_time_before": 0.9})  # fmt: skip
    rng = np.random.default_rng(3)
    table["on_time_after"] = 0.9 - 0.3 * (table["region"] == HOSTILE[1]) + rng.normal(0, 0.01, len(table))
    groups, support, rounds = rounds_of_orders(table, group="region", round_="day", figures=["on_time"])
    parameters = {"lateness_cost": 30.0, "split_cost": 6.0}
    policies = {
        "current": {"parameters": parameters, "closed_services": {}, "closed_nodes": {}},
        "proposed": {"parameters": {**parameters, "lateness_cost": 12.0}, "closed_services": {HOSTILE[1]: ["express"]},
                     "closed_nodes": {}},
    }  # fmt: skip
    facts = {**policies, "since": "2026-10-01", "until": "2026-10-08", "affected": 240}
    left_out = {"no_stock_record": 7}
    return compare_policies("past_orders", groups, support, rounds, DECISIONS, left_out=left_out, facts=facts).to_dict()


class TestWhatElseCouldBeDone:
    def test_a_replay_says_what_the_policy_changes_who_loses_and_what_it_cannot_say(self, result):
        page = render_html(result, {"replays": [comparison()]})
        said = html.unescape(re.sub(r"<[^>]+>", " ", page))
        assert "lateness_cost: 30 → 12" in said
        assert f"{HOSTILE[1]} may not have: express" in said
        assert "960 past orders on 8 days, 2026-10-01 – 2026-10-08; 240 would be decided otherwise." in said
        assert re.search(r"<script>alert\(1\)</script> −(?:29|30)\.\d pp", said)
        assert "shelves not counted on the evening before: 7" in said
        assert "Not recorded in this replay, or not moved by routing: promised days," in said
        assert "<script>" not in page

    def test_a_replay_and_its_remedies_have_the_same_numbers_in_both_languages(self, result):
        bound = {"limit": 0.15, "spread": [0.062, 0.05], "cost": [27.1, 32.3], "kept": 0.81,
                 "kept_interval": [0.63, 1.0], "extra": 0.19, "extra_interval": [0.14, 0.25], "orders": 2392,
                 "days": 7}  # fmt: skip
        context = {"replays": [comparison()], "routing_bounds": [bound]}
        pages = [render_html(result, context, language) for language in ("en", "zh")]
        cut = [page[: page.index(TEXTS["applicability"][i])] for i, page in enumerate(pages)]
        assert numbers_of(cut[0]) == numbers_of(cut[1])
        assert "regions within 15 points in routing" in pages[0]
        assert "+19.0 %" in pages[0]

    def test_changes_are_numbered_on_the_courses_and_say_by_how_much_regions_drifted_apart(self, result):
        course = {"group": "CN-SC", "differences": [0.01, 0.02, 0.1], "intervals": [None, None, [0.05, 0.15]],
                  "evidence": [1.0, 2.0, 90.0], "alarm": "2026-W36"}  # fmt: skip
        weekly = {"periods": ["2026-W34", "2026-W35", "2026-W36"], "groups": [course], "alarm_level": 80, "alpha": 0.05}
        drift = {"now": 0.08, "history": 0.04, "ratio": 2.0, "interval": [1.4, 2.9]}
        found = [
            {"date": "2026-08-30", "what": "slow carrier", "reason": "found", "effect": None, "disparity": drift},
            {"date": "2026-12-01", "what": "version 2", "reason": "asked", "effect": None, "disparity": None},
        ]
        page = render_html(result, {"over_time": weekly, "changes": found})
        assert page.count(">№1</text>") == 1
        assert ">№2</text>" not in page, "it lies after the last week"
        assert "4.0 % → 8.0 %" in page
        assert "× 2.00 [1.40, 2.90]" in page
        assert "no orders on both sides yet" in page
