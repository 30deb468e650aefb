"""The data-quality page: counts reconcile, checks are shown with history, nothing is hidden."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import httpx
import pytest

from dashboards.evidence import Evidence
from dashboards.pages.quality import boundary_view, in_order, rows_by_table, sources_view
from expectations.report import ValidationReport
from sources.record import FileCount, LandingReport, TableReport
from tests.support.console_evidence import _check
from tests.support.shops import land_files, make_adapter, order, orders_csv
from tests.unit.dashboards.conftest import Open
from tests.unit.dashboards.test_overview import text_of
from workspace.settings import Settings


def landing(**tables: TableReport) -> LandingReport:
    """A landing of these tables."""
    return LandingReport("b", "landed", "demo", "aster", "x", "a", "c", "2026-05-01", "2026-05-01", tables=tables)


def table(read: int, landed: int, quarantined: int, **reasons: int) -> TableReport:
    """One table's counts."""
    return TableReport({"f.csv": FileCount(read, landed, quarantined)}, reasons, {}, None, None, {}, {})


def test_rows_of_all_landings_are_summed_by_table() -> None:
    rows = rows_by_table([landing(orders=table(10, 8, 2, late=2)), landing(orders=table(5, 4, 1, late=1, early=1))])
    assert [(r.read, r.landed, r.quarantined, r.reasons, r.adds_up) for r in rows] == [
        (15, 12, 3, [("late", 3), ("early", 1)], True)
    ]


def test_a_lost_row_does_not_add_up() -> None:
    assert not rows_by_table([landing(orders=table(10, 8, 1))])[0].adds_up


def test_page_shows_what_became_of_the_rows_of_each_table(console: httpx.Client) -> None:
    page = console.get("/quality").text
    fates = text_of(page[page.index('id="fates"') : page.index('id="checks"')])
    # The test company has published no counts of its build: what landed waits for one.
    assert "orders 10,888 10,880 8 8 0 0 0 0 0 10,880" in fates
    assert "every row has one place" in fates
    assert "oi run --from DAY --to DAY" in fates


def test_page_says_which_source_is_overdue_since_when_and_what_to_do(console: httpx.Client) -> None:
    page = console.get("/quality").text
    sources = page[page.index('id="sources"') : page.index('id="fates"')]
    words = text_of(sources)
    assert "6 of 6 sources are overdue." in words
    # The day's landing of 31 May brought the same bytes again, so that the one of 24 May counts.
    came = "orders orders.csv 2026-05-24 01:30 Ask who delivers it for shop/orders_*.csv"
    assert re.search(rf"demo: shop_orders overdue since 2026-05-25 03:30 [\d,]+ d 26.0 h {re.escape(came)}", words)
    assert "demo: wms_stock overdue – 26.0 h inventory_snapshots Nothing ever came." in words
    assert "oi run land" in words
    assert "Sources that promise no time: " in words
    assert "demo: shop_lines" in words


def test_the_most_urgent_source_comes_first_and_a_refused_delivery_is_named(own_company: Settings) -> None:
    landings = Evidence(own_company).landings()
    met = datetime(2026, 5, 24, 1, 30, tzinfo=UTC)
    view = sources_view(own_company, landings, met + timedelta(hours=25))
    assert [s.input for s in view.promised][-1] == "shop_orders"
    assert (view.promised[-1].state, view.promised[-1].age_hours, view.count_overdue) == ("on_time", 25.0, 5)
    assert {s.refused_at for s in view.promised} == {None}
    before_the_last = sources_view(own_company, landings[1:], met + timedelta(hours=27))
    assert {s.refused_at for s in before_the_last.promised} == {datetime(2026, 5, 25, 1, 30, tzinfo=UTC)}
    assert before_the_last.count_overdue == 6


def test_a_source_becomes_overdue_by_the_clock_alone(
    company: Settings, open_console: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock(datetime):
        hours = 25

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime(2026, 5, 24, 1, 30, tzinfo=UTC) + timedelta(hours=cls.hours)

    monkeypatch.setattr("dashboards.pages.quality.datetime", Clock)
    console = open_console(company)
    before = console.get("/quality")
    assert "demo: shop_orders on time until 2026-05-25 03:30 25.0 h 26.0 h" in text_of(before.text)
    assert console.get("/quality", headers={"If-None-Match": before.headers["etag"]}).status_code == 304
    Clock.hours = 27
    after = console.get("/quality", headers={"If-None-Match": before.headers["etag"]})
    assert "demo: shop_orders overdue since 2026-05-25 03:30 27.0 h 26.0 h" in text_of(after.text)


def test_an_adapter_that_does_not_hold_together_is_named_and_the_page_stays(
    own_company: Settings, open_console: Open, tmp_path: Path
) -> None:
    adapter = make_adapter(tmp_path / "adapter")
    land_files(own_company, adapter, tmp_path / "x", {"orders.csv": orders_csv(order())})
    (tmp_path / "adapter" / "orders.sql").unlink()
    words = text_of(open_console(own_company).get("/quality").text)
    assert "An adapter cannot be read." in words
    assert "orders.sql: the manifest maps" in words
    assert "From the file to the mart" in words


def test_page_shows_counts_reasons_and_refusals(console: httpx.Client) -> None:
    words = text_of(console.get("/quality").text)
    assert "read = landed + quarantined" in words
    assert "unknown_reference.orders 22" in words
    assert "Export it, or map another column in the adapter." in words
    assert "Files that the adapter does not read: notes.txt" in words


def test_a_change_of_columns_says_what_it_means_and_what_settles_it(console: httpx.Client) -> None:
    words = text_of(console.get("/quality").text)
    assert "columns need a decision orders.csv: promised_at It is missing, and the new column" in words
    assert "Would settle it: in manifest.yaml, files.orders.columns: promised_at → due_at" in words


def test_failing_checks_come_with_masked_samples_errors_first(console: httpx.Client) -> None:
    page = console.get("/quality").text
    failing = text_of(page[page.index('id="failing"') :])
    assert failing.index("master_data.products.mapped_share") < failing.index("landing.orders.total_adds_up")
    assert "median of the last 7 runs" in failing
    assert "c•••••6" in failing


def test_checks_keep_their_marks_over_the_runs() -> None:
    runs = [
        ValidationReport("marts", f"r{i}", f"2026-05-0{i + 1}", 1.0, {}, checks)
        for i, checks in enumerate([
            (_check("a.old", "t", "", "", "failed", "warning"),),
            (_check("a.old", "t", "", ""), _check("a.new", "t", "", "", "failed")),
        ])
    ]  # fmt: skip
    view = boundary_view("marts", runs)
    assert [(row.latest.id, row.marks) for row in view.checks] == [
        ("a.new", ("absent", "failed")), ("a.old", ("warned", "passed"))
    ]  # fmt: skip
    assert view.run_marks == ("warned", "failed")
    assert view.counts == {"failed": 1, "passed": 1}


def test_boundaries_follow_the_way_of_the_data() -> None:
    assert in_order(["zeta", "features", "landing"]) == ["landing", "features", "zeta"]


def test_codes_are_ranked_by_impact(console: httpx.Client) -> None:
    page = console.get("/quality").text
    codes = page[page.index('id="unmapped"') :]
    assert codes.index("SKU-0071") < codes.index("AC-26GW/09") < codes.index("K-99120")
    assert "&lt;b&gt;000417&lt;/b&gt;" in codes


def test_a_company_without_evidence_says_what_to_run(plain_company: Settings, open_console: Open) -> None:
    words = text_of(open_console(plain_company).get("/quality").text)
    assert "Nothing has been landed yet" in words
    assert "No validation has run yet" in words
    assert "unmapped_codes is not published" in words
    assert "Not published" in words
