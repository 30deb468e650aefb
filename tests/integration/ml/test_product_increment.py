"""Products after the first run: only what is new or changed is compared, and it ends where a whole run would end."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pytest

from ml.core.matching.products.entity import PRODUCT
from ml.io.matching import MatchingStore
from ml.jobs.master import MatchReport, match_entity
from tests.support.articles import Record, article
from tests.support.staged_records import stage
from workspace.settings import Settings

COUNT = 240


def both(count: int) -> dict[tuple[str, int], Record]:
    return {(system, number): article(system, number) for system in "ab" for number in range(count)}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, company="shops")


def matched(settings: Settings, records: Mapping[tuple[str, int], Record], whole: bool = False) -> MatchReport:
    stage(settings, product=list(records.values()))
    return match_entity(settings, PRODUCT, whole)


def clusters(settings: Settings) -> set[frozenset[str]]:
    rows = MatchingStore(settings.paths.matching).read("matched_records", "product")
    named = rows.with_columns(record=pl.concat_str("source_system", "code"))
    return {frozenset(codes) for codes in named.group_by("golden_id").agg("record")["record"].to_list()}


def test_only_new_and_changed_products_are_compared_and_the_end_is_the_same(settings: Settings) -> None:
    records = both(COUNT)
    first = matched(settings, records)
    assert (first.way, first.count_golden) == ("whole", COUNT)
    ids = MatchingStore(settings.paths.matching).read("matched_records", "product")

    again = matched(settings, records)
    assert (again.way, again.count_compared, again.count_pairs) == ("unchanged", 0, 0)

    # Two articles come to both systems, one to one of them; a title changes, and one record now names another article.
    news = [article("a", 300), article("b", 300), article("a", 301), article("b", 301), article("b", 302)]
    records |= {(row["source_system"], int(row["code"])): row for row in news}
    records["b", 7] = article("b", 7, title=f"NEW! {records['b', 7]['title']}")
    records["b", 9] = article("b", 303, code="009")
    changed = matched(settings, records)
    assert (changed.way, changed.count_compared) == ("changed", 7)
    assert 7 <= changed.count_pairs <= 0.05 * first.count_pairs
    found = clusters(settings)
    assert {frozenset({"a300", "b300"}), frozenset({"a301", "b301"}), frozenset({"b302"})} <= found
    assert {frozenset({"a007", "b007"}), frozenset({"a009"}), frozenset({"b009"})} <= found
    kept = (
        MatchingStore(settings.paths.matching)
        .read("matched_records", "product")
        .join(ids, on=["source_system", "code"])
    )
    moved = kept.filter(pl.col("golden_id") != pl.col("golden_id_right"))
    assert moved.select("source_system", "code").rows() == [("b", "009")]

    matched(settings, records, whole=True)
    assert clusters(settings) == found


def test_what_a_record_that_is_gone_linked_is_gone_with_it(settings: Settings) -> None:
    records = both(COUNT)
    matched(settings, records)
    del records["a", 3]
    found = matched(settings, records)
    assert (found.way, found.count_pairs, found.count_records) == ("changed", 0, 2 * COUNT - 1)
    assert frozenset({"b003"}) in clusters(settings)


def test_new_rules_or_twice_the_records_are_scored_whole_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert matched(settings, both(60)).way == "whole"
    assert matched(settings, both(70)).way == "changed"
    assert matched(settings, both(130)).way == "whole"
    monkeypatch.setattr("ml.jobs.rescoring_products.rules_fingerprint", lambda: "other rules")
    assert matched(settings, both(130)).way == "whole"
