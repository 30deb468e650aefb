"""What a run of matching scores of products: all pairs, those that a new or changed record is part of, or none.

Belongs here: the choice, and the matcher that stays the same between runs. Does not belong here: scoring (products).

The matcher is taught when all pairs are scored, and kept, as is the weight of each word and code: the same records get
the same scores tomorrow. Both are learnt anew when rules or lessons change or the records have doubled. A new record
may be a rival of old ones: their pairs are scored again, so that what is kept is what scoring all would give. Texts are
read anew each time, which takes time that grows with the records only.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ml.core.matching.products.candidates import Candidates, Earlier, compared_as, without_identity
from ml.core.matching.products.doubts import doubtful
from ml.core.matching.products.entity import PRODUCT
from ml.core.matching.products.features import LEADS, best_of, nearness
from ml.core.matching.products.matcher import Matcher
from ml.core.matching.products.records import prepare_products
from ml.core.matching.products.views import Rarities, product_views, rarities_of, reweighed
from ml.io.matchers import load_matcher, save_matcher
from ml.io.matching import State
from ml.jobs.products import (
    ProductTable,
    probability_of_pairs,
    product_table,
    score_products,
    sources_of,
    table_of,
)
from ml.jobs.scored import LARGEST_INCREMENT, Kept, Scored, kept, rules_fingerprint
from workspace.settings import Settings

Booleans = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

#: Name of the matcher that the company's own codes taught.
BY_CODES = "product_by_codes"
#: Difference of two leads that is the order of a sum and nothing else.
SAME_LEAD = 1e-9


def scored_products(settings: Settings, raw: pl.DataFrame, state: State | None) -> Scored:
    """Pairs of products by what people taught, else by what the records teach; as much as possible from before.

    Raises:
        NothingToCompare: no column says what the products are.
    """
    taught = load_matcher(settings.paths.matching, PRODUCT.name)
    matcher = matcher_of(settings, state)
    if state is not None and matcher is not None and 0 < raw.height < 2 * int(state.facts["count_trained"]):
        before = kept(raw, state)
        if before.places.height == raw.height == state.records.height:
            records = state.records.drop("record_id", "digest")
            return Scored(state.records["record_id"], records, state.pairs, state.facts["model"], "unchanged", 0, 0,
                          rarities=state.rarities)  # fmt: skip
        if before.is_changed.sum() <= LARGEST_INCREMENT * raw.height:
            return _score_increment(raw, before, matcher, state)
    products = product_table(raw)
    pairs, used = score_products(products, taught)
    if used.taught_by == "codes":
        save_matcher(settings.paths.matching, BY_CODES, used)
    rarities = rarities_of(products.views).things
    return Scored(
        products.ids, _numbered(products), pairs, _teaching(used), "whole", raw.height, pairs.height, rarities=rarities
    )


def _score_increment(raw: pl.DataFrame, before: Kept, matcher: Matcher, state: State) -> Scored:
    """Score what is new, and what has other rivals than before."""
    records, rarities = prepare_products(raw), _rarities_in(state)
    views = product_views(records, rarities)
    is_changed = before.is_changed.to_numpy() | reweighed(views, rarities)
    is_changed |= _compared_otherwise(records, state.records, before.places)
    place = np.full(state.records.height, -1)
    place[before.places["before"]] = before.places["record"]
    pairs = state.pairs.with_columns(left=place[state.pairs["left"]], right=place[state.pairs["right"]])
    source_then, count_sources = _sources_then(records, state.records), int(compared_as(sources_of(records)).max()) + 1
    found = pairs.with_columns(left_in=source_then[state.pairs["left"]], right_in=source_then[state.pairs["right"]])
    products = table_of(views, _earlier(found, is_changed, count_sources))
    scored, count = _rescored(products, matcher, pairs, is_changed)
    return Scored(
        products.ids, _numbered(products), scored, state.facts["model"], "changed", int(before.is_changed.sum()), count,
        rarities=rarities_of(views, rarities).things,
    )  # fmt: skip


def _compared_otherwise(records: pl.DataFrame, earlier: pl.DataFrame, places: pl.DataFrame) -> Booleans:
    """Records in which something counts, or counts no more, because others came or went."""
    changed = np.zeros(records.height, dtype=bool)
    before, now = places["before"].to_numpy(), places["record"].to_numpy()
    if _has_sources(records) != _has_sources(earlier):
        changed[now] = True
    changed[now] |= without_identity(earlier)[before] != without_identity(records)[now]
    for column in ("gtin", "mapped_code"):
        changed[now] |= earlier[column].gather(before).ne_missing(records[column].gather(now)).to_numpy()
    return changed


def _has_sources(records: pl.DataFrame) -> bool:
    """Whether there are few enough systems to look into each of them."""
    return bool(compared_as(sources_of(records)).any())


def _sources_then(records: pl.DataFrame, earlier: pl.DataFrame) -> Ints:
    """Today's number of the source that each earlier record was in; any one where its system is gone."""
    numbers = pl.DataFrame({"source_system": records["source_system"], "number": compared_as(sources_of(records))})
    known = earlier.select("source_system").join(
        numbers.unique("source_system"), on="source_system", how="left", maintain_order="left", nulls_equal=True
    )
    return known["number"].fill_null(0).to_numpy()


def _earlier(pairs: pl.DataFrame, is_changed: Booleans, count_sources: int) -> Earlier:
    """What was found before.

    Args:
        pairs: Pairs of then by positions of today, -1 for what changed or is gone; `left_in` and `right_in` are the
            sources of their records.
        is_changed: Records that are new or compared otherwise.
        count_sources: Of today.
    """
    left, right = pairs["left"].to_numpy(), pairs["right"].to_numpy()
    is_same = np.append(~is_changed, False)
    stays = is_same[left] & is_same[right]
    left_finds, right_finds = pairs["left_finds"].to_numpy(), pairs["right_finds"].to_numpy()
    left_in, right_in = pairs["left_in"].to_numpy(), pairs["right_in"].to_numpy()
    has_lost = np.zeros((is_same.size, count_sources), dtype=bool)
    for finder, place, finds in ((left, right_in, left_finds), (right, left_in, right_finds)):
        lost = finds & ~stays
        has_lost[finder[lost], place[lost]] = True
    found = Candidates(left[stays], right[stays], left_finds[stays], right_finds[stays])
    return Earlier(found, is_changed, has_lost[:-1])


def _rescored(
    table: ProductTable, matcher: Matcher, before: pl.DataFrame, is_changed: Booleans
) -> tuple[pl.DataFrame, int]:
    """Every candidate pair as `score_products` gives them, and how many of them had to be scored.

    A pair keeps its score while neither of its records changes, nor how far ahead of their rivals it is.
    """
    now = table.pairs()
    known = now.join(before, on=["left", "right"], how="left", maintain_order="left", suffix="_before")
    stays = ~is_changed[table.left] & ~is_changed[table.right]
    for lead in LEADS:
        stays &= np.isclose(known[lead], known[f"{lead}_before"].fill_null(np.nan), rtol=0, atol=SAME_LEAD)
    left, right = table.left[~stays], table.right[~stays]
    new = pl.DataFrame({
        "left": left, "right": right, "is_doubtful": doubtful(table.views, left, right),
        "probability": probability_of_pairs(matcher, table.features(left, right)),
    })  # fmt: skip
    values = known.update(new, on=["left", "right"])
    return now.with_columns(values["probability"], values["is_doubtful"]), left.size


def table_in(state: State, of: Booleans) -> ProductTable:
    """The products `of` as a state's run compared them, with their candidate pairs and whoever stands in these."""
    ends = [state.pairs[end].to_numpy() for end in ("left", "right")]
    pairs = state.pairs.filter(of[ends[0]] | of[ends[1]])
    present = of.copy()
    present[pairs["left"]] = present[pairs["right"]] = True
    place = np.cumsum(present) - 1
    # Each thing weighs what it weighed among all of them.
    rarities = _rarities_in(state)
    views = product_views(
        state.records.filter(present), replace(rarities, things=rarities.things.with_columns(is_kept=pl.lit(True)))
    )
    source = compared_as(sources_of(state.records))[present]
    found = Candidates(place[pairs["left"]], place[pairs["right"]], pairs["left_finds"].to_numpy(),
                       pairs["right_finds"].to_numpy())  # fmt: skip
    near = nearness(views, found.left, found.right)
    best = best_of(near, found.left, found.right, source)
    return ProductTable(views.records["record_id"], views.records, views, source, False, found, near, best)


def _rarities_in(state: State) -> Rarities:
    """By what the things of a state's products are weighed."""
    assert state.rarities is not None, "products are kept with what their words and codes weigh"
    return Rarities(int(state.facts["count_trained"]), state.rarities)


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
