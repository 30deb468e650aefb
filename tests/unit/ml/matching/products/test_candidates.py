"""Candidates: found by text or code, and never too many."""

import numpy as np
import polars as pl

from ml.core.matching.products.candidates import MOST_EQUAL, candidate_pairs
from ml.core.matching.products.records import prepare_products
from ml.core.matching.products.views import product_views


def pairs_of(titles: list[str], source: list[int], is_linking: bool, **columns: list[str]) -> set[tuple[int, int]]:
    records = prepare_products(pl.DataFrame({"record_id": range(len(titles)), "title": titles, **columns}))
    found = candidate_pairs(product_views(records), np.array(source), is_linking)
    return set(zip(found.left.tolist(), found.right.tolist(), strict=True))


def test_a_near_text_or_a_shared_code_makes_a_candidate_across_tables_only() -> None:
    titles = ["koss stereo equalizer", "linksys wrt54g", "koss equaliser stereo", "router wrt-54g", "koss stereo eq"]
    assert pairs_of(titles, [0, 0, 1, 1, 0], is_linking=True) == {(0, 2), (1, 3), (2, 4)}


def test_within_a_table_duplicates_are_looked_for() -> None:
    assert pairs_of(["koss stereo equalizer", "koss equaliser stereo", "drill"], [0, 0, 0], is_linking=False) == {
        (0, 1)
    }


def test_records_that_nothing_tells_apart_bring_no_pairs() -> None:
    many = MOST_EQUAL + 1
    assert not pairs_of(["gift card"] * many, [0] * many, is_linking=False)
