"""What a run of matching scores of products: all pairs, those that a new or changed record is part of, or none.

Belongs here: the choice, and the matcher that stays the same between runs. Does not belong here: scoring (products).

The matcher is taught when all pairs are scored, and kept: the same records get the same scores tomorrow. It is taught
anew when rules or lessons change or the records have doubled. Texts are read anew each time, which takes time that
grows with the records only; n-grams and codes are then weighed by all records of today.
"""

from dataclasses import replace
from typing import Any

import polars as pl

from ml.core.matching.products.entity import PRODUCT
from ml.core.matching.products.matcher import Matcher
from ml.core.matching.products.records import prepare_products
from ml.io.matchers import load_matcher, save_matcher
from ml.io.matching import State
from ml.jobs.products import ProductTable, product_table, score_products, table_of
from ml.jobs.scored import LARGEST_INCREMENT, Kept, Scored, in_order, kept, rules_fingerprint
from workspace.settings import Settings

#: Name of the matcher that the company's own codes taught.
BY_CODES = "product_by_codes"


def scored_products(settings: Settings, raw: pl.DataFrame, state: State | None) -> Scored:
    """Pairs of products by what people taught, else by what the records teach; as much as possible from before.

    Raises:
        NothingToCompare: no column says what the products are.
    """
    taught = load_matcher(settings.paths.matching, PRODUCT.name)
    matcher = matcher_of(settings, state)
    if state is not None and matcher is not None and raw.height < 2 * int(state.facts["count_trained"]):
        before = kept(raw, state)
        if before.places.height == raw.height == state.records.height:
            records = state.records.drop("record_id", "digest")
            return Scored(state.records["record_id"], records, state.pairs, state.facts["model"], "unchanged", 0, 0)
        if before.is_changed.sum() <= LARGEST_INCREMENT * raw.height:
            return _score_increment(raw, before, matcher, state)
    products = product_table(raw)
    pairs, used = score_products(products, taught)
    if used.taught_by == "codes":
        save_matcher(settings.paths.matching, BY_CODES, used)
    return Scored(products.ids, _numbered(products), pairs, _teaching(used), "whole", raw.height, pairs.height)


def _score_increment(raw: pl.DataFrame, before: Kept, matcher: Matcher, state: State) -> Scored:
    """Score what a changed record is part of; all other pairs keep their score."""
    products = table_of(prepare_products(raw), before.is_changed.to_numpy())
    new, _ = score_products(products, matcher)
    pairs = in_order(pl.concat([before.pairs.select(new.columns), new]))
    count = int(before.is_changed.sum())
    return Scored(products.ids, _numbered(products), pairs, state.facts["model"], "changed", count, new.height)


def _numbered(products: ProductTable) -> pl.DataFrame:
    return products.records.drop("record_id").with_columns(record=pl.int_range(pl.len(), dtype=pl.Int64))


def matcher_of(settings: Settings, state: State | None) -> Matcher | None:
    """The matcher that scored the state's pairs; None where there is none, or rules or lessons changed since."""
    taught = load_matcher(settings.paths.matching, PRODUCT.name)
    before = state.facts["model"] if state is not None else None
    if state is None or before is None or state.facts["fingerprint"] != rules_fingerprint():
        return None
    used = taught
    if taught is None and before["taught_by"] != "labels":
        used = load_matcher(settings.paths.matching, BY_CODES) if before["taught_by"] == "codes" else Matcher()
    if used is None or _teaching(used) | {"share": None} != before | {"share": None}:
        return None
    return replace(used, share=before["share"])


def _teaching(used: Matcher) -> dict[str, Any]:
    """Who taught a matcher, and by what."""
    return {"taught_by": used.taught_by, "count_same": used.count_same, "count_other": used.count_other,
            "share": used.share}  # fmt: skip
