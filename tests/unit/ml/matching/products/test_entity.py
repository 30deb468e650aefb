"""How rules, doubts and verdicts speak about products of a company."""

import polars as pl

from ml.core.matching.decisions import decide
from ml.core.matching.products.entity import PRODUCT, PRODUCT_OF_ANYBODY
from ml.core.matching.products.records import prepare_products

RECORDS = prepare_products(
    pl.DataFrame({
        "record_id": ["erp", "wms", "six"], "source_system": ["erp", "wms", "wms"], "brand": ["Nordlicht"] * 3,
        "model_code": ["AB-1", "ab 1", "AB-1"], "pack_size": [None, 1, 6],
    })
)  # fmt: skip


def scored(*is_doubtful: bool) -> pl.DataFrame:
    return pl.DataFrame({
        "left": [0, 0, 1], "right": [1, 2, 2], "probability": [0.2, 0.9, 0.9], "is_doubtful": list(is_doubtful)
    })  # fmt: skip


def test_a_makers_article_in_the_same_pack_is_one_within_a_company_only() -> None:
    pairs = scored(False, True, True)
    assert decide(PRODUCT, RECORDS, pairs).pairs["rule"].to_list() == ["model_code", None, None]
    assert decide(PRODUCT_OF_ANYBODY, RECORDS, pairs).pairs["rule"].to_list() == [None] * 3


def test_a_doubtful_pair_waits_for_a_person_whose_word_goes() -> None:
    decided = decide(PRODUCT, RECORDS, scored(False, True, True), floor=0.5)
    assert decided.pairs["zone"].to_list() == ["linked", "queue", "queue"]
    assert decided.clusters.labels.tolist() == [0, 0, 2]
    spoken = decide(PRODUCT, RECORDS, scored(False, True, True), linked=[(0, 2), (1, 2)], floor=0.5)
    assert spoken.clusters.labels.tolist() == [0, 0, 0]
    assert spoken.pairs["rule"].to_list() == ["model_code", "verdict", "verdict"]


def test_without_doubt_the_score_decides() -> None:
    assert decide(PRODUCT, RECORDS, scored(False, False, False), floor=0.5).pairs["zone"].to_list() == ["linked"] * 3
