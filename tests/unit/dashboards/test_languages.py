"""The language of a page: by choice, else by what the browser prefers."""

from pathlib import Path

import pytest

from dashboards.languages import COOKIE, preferred
from dashboards.texts.loader import load_texts
from tests.support.console_people import browsing
from workspace.settings import Settings


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.5", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("de,zh;q=0.2", "zh"),
        ("en;q=0.4, zh-Hans;q=0.7", "zh"),
        ("zh;q=0", "en"),
        ("zh;q=much", "en"),
        ("fr", "en"),
    ],
)
def test_what_the_browser_prefers(accepted: str, language: str) -> None:
    assert preferred(accepted) == language


def test_codes_of_the_data_have_words() -> None:
    assert load_texts("zh").word("delivered") == "已送达"
    assert load_texts("zh").word("never_heard_of") == "never heard of"
    assert load_texts("en").word("out_of_stock") == "out of stock"
    assert load_texts("en").word(None) == "–"
    assert load_texts("zh").words(["operator", "reviewer"]) == "运营、审核"


def test_regions_have_the_name_of_the_language_else_of_the_reference() -> None:
    assert load_texts("zh").region("CN-GD", "Guangdong") == "广东"
    assert load_texts("en").region("CN-GD", "Guangdong") == "Guangdong"
    assert load_texts("zh").region("BR-SP", "São Paulo") == "São Paulo"
    assert load_texts("zh").region("BR-SP", None) == "BR-SP"


def test_a_choice_is_kept_and_both_languages_keep_their_own_pages(company: Settings) -> None:
    with browsing(company) as browser:
        english = browser.get("/about")
        answer = browser.get("/language/zh?next=/about%3Fa%3D1")
        assert answer.status_code == 303
        assert answer.headers["location"] == "/about?a=1"
        assert browser.client.cookies[COOKIE] == "zh"
        chinese = browser.get("/about")
        assert 'lang="en"' in english.text
        assert "About this console" in english.text
        assert '<html lang="zh">' in chinese.text
        assert "关于本控制台" in chinese.text
        assert english.headers["etag"] != chinese.headers["etag"]
        assert "关于本控制台" in browser.get("/about").text


def test_the_way_back_never_leaves_the_console(company: Settings) -> None:
    with browsing(company) as browser:
        assert browser.get("/language/zh?next=https://example.com/").headers["location"] == "/"
        assert browser.get("/language/zh?next=//example.com").headers["location"] == "/"
        assert browser.get("/language/xx").status_code == 404


def test_errors_speak_the_language_too(company: Settings) -> None:
    with browsing(company) as browser:
        answer = browser.client.get("/orders/none", headers={"Accept-Language": "zh"})
        assert answer.status_code == 404
        assert "没有 ID 为“none”的订单" in answer.text


def test_a_branch_in_two_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "texts" / "en"
    folder.mkdir(parents=True)
    for name in ("a.yaml", "b.yaml"):
        (folder / name).write_text("order: {title: x}")
    monkeypatch.setattr("dashboards.texts.loader.files", lambda _: tmp_path)
    with pytest.raises(ValueError, match=r"en/b\.yaml repeats \['order'\]"):
        load_texts("en")
