"""What holds for every page: headers, caching, escaping, errors, and following what is published."""

import json
import shutil
from pathlib import Path

import httpx
import pytest

from dashboards import store
from dashboards.queries import overview
from tests.support.console_company import HOSTILE_CODE, HOSTILE_REGION, publish_company
from tests.support.console_evidence import HOSTILE_VALUE, write_validations
from tests.unit.dashboards.conftest import Open
from workspace.settings import Settings, use_company

PAGES = [
    "/", "/quality", "/models", "/models/late-delivery-risk/2", "/desk", "/desk/late-delivery-risk/4", "/orders",
    "/orders?q=W-0", "/orders/o0010740", "/about",
]  # fmt: skip


@pytest.mark.parametrize("address", PAGES)
def test_page_is_served_under_a_policy_that_forbids_inline_code(console: httpx.Client, address: str) -> None:
    answer = console.get(address)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert " style=" not in answer.text
    assert " onclick=" not in answer.text


@pytest.mark.parametrize("address", PAGES)
def test_page_names_no_other_host(console: httpx.Client, address: str) -> None:
    page = console.get(address).text
    assert "http://" not in page
    assert "https://" not in page
    assert 'src="//' not in page


def test_values_from_the_data_stay_text(console: httpx.Client) -> None:
    pages = "".join(console.get(address).text for address in PAGES)
    for hostile in (HOSTILE_REGION, HOSTILE_CODE, HOSTILE_VALUE):
        assert hostile not in pages
    assert "&lt;script&gt;alert(&#39;region&#39;)" in pages
    assert "&lt;img src=x onerror=alert(1)&gt;" in pages


def test_json_for_charts_cannot_end_its_own_element(company: Settings, console: httpx.Client) -> None:
    page = console.get("/").text
    start = page.index('id="trend-data">') + len('id="trend-data">')
    payload = page[start : page.index("</script>", start)]
    assert "<" not in payload
    assert json.loads(payload)["unit"] == "pct"


@pytest.mark.parametrize("address", PAGES)
def test_an_unchanged_page_is_not_sent_again(console: httpx.Client, address: str) -> None:
    tag = console.get(address).headers["etag"]
    again = console.get(address, headers={"If-None-Match": tag})
    assert again.status_code == 304
    assert not again.content


def test_new_evidence_and_new_publications_change_the_tag(settings: Settings, open_console: Open) -> None:
    publish_company(settings)
    console = open_console(settings)
    first = console.get("/quality").headers["etag"]
    write_validations(settings)
    second = console.get("/quality")
    assert second.headers["etag"] != first
    assert "master_data.products.mapped_share" in second.text
    publish_company(settings, plain=True)
    third = console.get("/quality").headers["etag"]
    assert third != second.headers["etag"]
    assert "No reviews are landed" in console.get("/").text


def test_before_the_first_publication_every_page_says_what_to_run(settings: Settings, open_console: Open) -> None:
    console = open_console(settings)
    for address in PAGES:
        answer = console.get(address)
        assert answer.status_code == 503
        assert "oi run everything" in answer.text
        assert "acme" in answer.text
    assert console.get("/healthz").json() == {
        "status": "ok", "company": "acme", "snapshot": None, "published_at": None
    }  # fmt: skip


def test_reading_creates_nothing(settings: Settings, open_console: Open) -> None:
    publish_company(settings)
    before = sorted(str(path) for path in settings.home.rglob("*"))
    console = open_console(settings)
    for address in PAGES:
        console.get(address)
    assert sorted(str(path) for path in settings.home.rglob("*")) == before


def test_a_missing_table_names_itself_and_leaves_other_pages_alone(settings: Settings, open_console: Open) -> None:
    publish_company(settings, without=frozenset({"dim_regions"}))
    console = open_console(settings)
    answer = console.get("/")
    assert answer.status_code == 503
    assert "dim_regions" in answer.text
    assert console.get("/quality").status_code == 200


def test_the_console_follows_a_switch_of_company(tmp_path: Path, open_console: Open) -> None:
    settings = Settings(home=tmp_path / "home")
    publish_company(use_company(settings, "aster"))
    publish_company(use_company(settings, "plain"), plain=True)
    console = open_console(settings)
    assert "No reviews are landed" in console.get("/").text
    use_company(settings, "aster")
    assert "No reviews are landed" not in console.get("/").text


def test_a_snapshot_collected_while_a_page_is_built_is_opened_anew(
    settings: Settings, open_console: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = publish_company(settings)
    console = open_console(settings)
    assert console.get("/healthz").json()["snapshot"] == first.version
    asked = store.Reader.rows

    def collect_first(reader: store.Reader, query: store.Query, **values: object) -> list[store.Row]:
        if query is overview.SPAN and reader.snapshot.version == first.version:
            publish_company(settings, plain=True)
            shutil.rmtree(first.folder)
        return asked(reader, query, **values)

    monkeypatch.setattr(store.Reader, "rows", collect_first)
    answer = console.get("/")
    assert answer.status_code == 200
    assert "No reviews are landed" in answer.text


def test_foreign_host_names_are_refused(company: Settings, open_console: Open) -> None:
    answer = open_console(company).get("/", headers={"Host": "attacker.example"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/nothing", 404, "There is no such page"),
        ("/orders/none", 404, "No order has the id"),
        ("/?days=many", 400, "cannot be read"),
        ("/?metric=<script>", 400, "cannot be read"),
        ("/orders?q=" + "x" * 201, 400, "cannot be read"),
        ("/static/%2e%2e/app.py", 404, "There is no such page"),
    ],
)
def test_mistakes_are_pages_with_a_remedy(console: httpx.Client, address: str, status: int, words: str) -> None:
    answer = console.get(address)
    assert answer.status_code == status
    assert words in answer.text
    assert "<script>" not in answer.text.replace("<script src", "")


def test_a_defect_is_a_page_with_a_reference_and_the_same_headers(
    company: Settings, open_console: Open, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    console = open_console(company)

    def fail(*_: object) -> None:
        raise ZeroDivisionError("defect")

    monkeypatch.setattr("dashboards.pages.about._values", fail)
    answer = console.get("/about")
    assert answer.status_code == 500
    assert "frame-ancestors" in answer.headers["content-security-policy"]
    reference = answer.text.split("reference ")[1][:8]
    assert reference in caplog.text
    assert "ZeroDivisionError" not in answer.text


def test_files_are_kept_by_browsers_under_the_builds_digest(console: httpx.Client) -> None:
    page = console.get("/").text
    address = page.split('rel="stylesheet" href="')[1].split('"')[0]
    answer = console.get(address)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
