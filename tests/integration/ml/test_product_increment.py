"""Products after the first run: only what is new or changed is compared, and it ends where a whole run would end."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ml.core.matching.products.entity import PRODUCT
from ml.core.matching.products.views import Rarities, product_views
from ml.io.matching import MatchingStore
from ml.jobs.master import MatchReport, match_entity
from ml.jobs.products import score_products, table_of
from ml.jobs.rescoring_products import matcher_of
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
    # Pairs of the seven, and those of their rivals.
    assert 7 <= changed.count_pairs <= 0.1 * first.count_pairs
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


def catalogue(luck: np.random.Generator, system: str, count: int) -> dict[tuple[str, int], Record]:
    """Articles of which many are near each other, with fillers, a late brand and numbers that too many share."""
    records = {}
    for number in range(count):
        kind = luck.random()
        more: Record = {}
        if kind < 0.06:
            more = {"title": "Gift card", "brand": None, "model_code": None}
        elif kind < 0.12:
            more = {"gtin": "4006381333931"}
        elif kind < 0.5:
            words = luck.permutation(("press", "deluxe", "board", "Spätzle", f"size {luck.integers(40)}"))
            more = {"title": " ".join(words[: luck.integers(2, 5)]), "brand": "Late", "model_code": None}
        records[system, number] = article(system, number, **more)
    return records


@pytest.mark.parametrize("seed", range(4))
def test_after_any_comings_and_goings_each_pair_has_the_score_of_scoring_all(settings: Settings, seed: int) -> None:
    luck = np.random.default_rng(seed)
    everything = catalogue(luck, "a", 150) | catalogue(luck, "b", 150) | catalogue(luck, "c", 30)
    keys = list(everything)
    is_there = luck.random(len(keys)) < 0.75
    # The third system, and in half of the catalogues the late brand, are not there at first.
    is_there &= [key[0] != "c" and not (seed % 2 and everything[key]["brand"] == "Late") for key in keys]
    records = {key: everything[key] for key, there in zip(keys, is_there, strict=True) if there}
    assert matched(settings, records).way == "whole"
    for _ in range(3):
        for place in luck.permutation(len(keys))[:20]:
            key = keys[place]
            if key in records and luck.random() < 0.5:
                del records[key]
            else:
                records[key] = everything[keys[luck.integers(len(keys))]] | {
                    "source_system": key[0], "code": f"{key[1]:03d}"
                }  # fmt: skip
        found = matched(settings, records)
        assert found.way == "changed"
        state = MatchingStore(settings.paths.matching).load("product")
        assert state is not None
        assert state.rarities is not None
        views = product_views(state.records, Rarities(state.facts["count_trained"], state.rarities))
        whole, _ = score_products(table_of(views), matcher_of(settings, state))
        assert_frame_equal(state.pairs, whole, check_column_order=False, abs_tol=1e-9)
        assert found.count_pairs < whole.height


def test_a_nearer_product_that_comes_later_lowers_the_pair_before_it(settings: Settings) -> None:
    records = both(COUNT)
    del records["b", 8]
    records["b", 900] = article("b", 8, code="900", title="blender by Haiyun 4.8l", model_code=None)
    matched(settings, records)

    def score() -> float:
        state = MatchingStore(settings.paths.matching).load("product")
        assert state is not None
        place = {str(record): number for number, record in enumerate(state.records["record_id"])}
        pair = (pl.col("left") == place["a|008"]) & (pl.col("right") == place["b|900"])
        return float(state.pairs.filter(pair)["probability"].item())

    alone = score()
    records["b", 8] = article("b", 8)
    assert matched(settings, records).way == "changed"
    assert score() < 0.6 * alone


def test_what_a_record_that_is_gone_linked_is_gone_with_it(settings: Settings) -> None:
    records = both(COUNT)
    matched(settings, records)
    del records["a", 3]
    found = matched(settings, records)
    assert (found.way, found.count_compared, found.count_records) == ("changed", 0, 2 * COUNT - 1)
    assert found.count_pairs > 0, "what it was a rival of is scored again"
    assert frozenset({"b003"}) in clusters(settings)


def test_new_rules_or_twice_the_records_are_scored_whole_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert matched(settings, both(60)).way == "whole"
    assert matched(settings, both(70)).way == "changed"
    assert matched(settings, both(130)).way == "whole"
    monkeypatch.setattr("ml.jobs.rescoring_products.rules_fingerprint", lambda: "other rules")
    assert matched(settings, both(130)).way == "whole"


def test_a_catalogue_that_empties_and_fills_again_is_matched(settings: Settings) -> None:
    records = both(60)
    first = matched(settings, records)
    emptied = matched(settings, {})
    assert (emptied.count_records, emptied.note[:34]) == (0, "There are no product records to co")
    again = matched(settings, records)
    assert (again.way, again.count_golden) == ("whole", first.count_golden)
