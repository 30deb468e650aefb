"""What agreement of two product records says, as numbers.

Belongs here: the features of a pair. Does not belong here: weighing them (matcher).

A feature is NaN where one of the records does not say. `CODE_FEATURES` are those that a maker's code decides: they are
hidden from a model that learns how products without codes look alike.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix

from ml.core.matching.products.records import CONTENT_KINDS, SAME_CONTENT
from ml.core.matching.products.views import ProductViews, View

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Features = dict[str, Floats]

#: Signs from which on a code that stands within other text is no accident.
SHORTEST_CONTAINED = 4
BATCH = 50_000
#: Most that a difference of logarithms counts: beyond a factor of twenty one of the numbers is wrong.
LARGEST_RATIO = 3.0
CODE_FEATURES = frozenset({
    "model_equal", "model_start", "model_within", "model_within_less", "codes_shared", "codes", "code_grams",
    "codes_unshared",
})  # fmt: skip

#: Features by which a pair stands beside its rivals: all others are of the two alone.
LEADS = ("lead_least", "lead_most")

#: Each feature in a few words, for who asks why.
MEANINGS = {
    "near": "alike in words and letters", "words": "words in common, by rarity", "grams": "runs of letters in common",
    "text": "words of title and description", "shared_of_less": "share of the shorter title in common",
    "shared_of_more": "share of the longer title in common", "unshared_less": "left over, the lesser",
    "unshared_more": "left over, the greater", "shared_weight": "weight of the words in common",
    "length": "length of the shorter title", "numbers": "numbers in common", "measures": "measures in common",
    "measures_against": "measures that differ", "colours": "colours in common", "model_equal": "model code equal",
    "model_start": "model codes begin alike", "model_within": "model code in the other's text",
    "model_within_less": "either model code in the other's text", "codes_shared": "rarest code in common",
    "codes": "codes in common", "code_grams": "codes alike", "codes_unshared": "codes left over", "brand": "brand",
    "price": "prices apart", "weight": "weights apart", "pieces_against": "pack sizes differ",
    "content_against": "contents of a piece differ", "lead_least": "ahead of rivals, the lesser",
    "lead_most": "ahead of rivals, the greater",
}  # fmt: skip


@dataclass(frozen=True)
class Best:
    """How near each record's nearest record is, by source of the other.

    Attributes:
        near: Records × sources: similarity of the nearest.
        partner: Which it is, -1 where there is none.
        second: Similarity of the next.
    """

    near: Floats
    partner: Ints
    second: Floats


def pair_features(views: ProductViews, left: Ints, right: Ints, best: Best, source: Ints) -> Features:
    """Features by name, each as long as `left`."""
    parts = [
        _batch(views, left[start : start + BATCH], right[start : start + BATCH], best, source)
        for start in range(0, max(left.size, 1), BATCH)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _batch(views: ProductViews, left: Ints, right: Ints, best: Best, source: Ints) -> Features:
    features = {**_text(views, left, right), **_codes(views, left, right), **_attributes(views, left, right)}
    return {**features, **standing(features["near"], left, right, best, source)}


def nearness(views: ProductViews, left: Ints, right: Ints) -> Floats:
    """Similarity of two records by words and n-grams, from 0 to 1; what records are ranked by."""
    return (_dot(views.words.unit, left, right) + _dot(views.grams.unit, left, right)
            + _dot(views.code_grams.unit, left, right)) / 3  # fmt: skip


def best_of(near: Floats, left: Ints, right: Ints, source: Ints) -> Best:
    """Each record's nearest and second nearest record among candidates, by source of the other."""
    count, count_sources = source.size, int(source.max(initial=0)) + 1
    of, other = np.concatenate([left, right]), np.concatenate([right, left])
    both = np.concatenate([near, near])
    group = of * count_sources + source[other]
    order = np.lexsort((other, -both, group))
    group, both, other = group[order], both[order], other[order]
    is_first = np.r_[True, group[1:] != group[:-1]][: group.size]
    firsts = np.flatnonzero(is_first)
    result = Best(np.zeros(count * count_sources), np.full(count * count_sources, -1), np.zeros(count * count_sources))
    result.near[group[firsts]], result.partner[group[firsts]] = both[firsts], other[firsts]
    follows = firsts[(firsts + 1 < group.size)] + 1
    follows = follows[~is_first[follows]]
    result.second[group[follows]] = both[follows]
    shape = (count, count_sources)
    return Best(result.near.reshape(shape), result.partner.reshape(shape), result.second.reshape(shape))


def standing(near: Floats, left: Ints, right: Ints, best: Best, source: Ints) -> Features:
    """How much nearer the two are than either's nearest other record of that source."""
    lead = []
    for one, other in ((left, right), (right, left)):
        cell = (one, source[other])
        rival = np.where(best.partner[cell] == other, best.second[cell], best.near[cell])
        lead.append(near - rival)
    return {"lead_least": np.minimum(*lead), "lead_most": np.maximum(*lead)}


def _dot(rows: csr_matrix, left: Ints, right: Ints) -> Floats:
    return np.asarray(rows[left].multiply(rows[right]).sum(axis=1)).ravel()


def _share(shared: Floats, of: Floats) -> Floats:
    return np.divide(shared, of, out=np.full(shared.shape, np.nan), where=of > 0)


def _text(views: ProductViews, left: Ints, right: Ints) -> Features:
    words = views.words
    shared = _overlap(words, left, right)
    totals = words.totals
    a, b = totals[left], totals[right]
    return {
        "near": nearness(views, left, right),
        "words": _dot(words.unit, left, right),
        "grams": _dot(views.grams.unit, left, right),
        "text": _dot(views.text_words.unit, left, right),
        "shared_of_less": _share(shared, np.minimum(a, b)),
        "shared_of_more": _share(shared, np.maximum(a, b)),
        "unshared_less": np.minimum(a, b) - shared,
        "unshared_more": np.maximum(a, b) - shared,
        "shared_weight": shared,
        "length": np.minimum(a, b),
        "numbers": _agreement(views.numbers, left, right),
        "measures": _agreement(views.measures, left, right),
        "measures_against": _overlap(views.kinds, left, right, of_counts=True)
        - _overlap(views.measures, left, right, of_counts=True),
        "colours": _agreement(views.colours, left, right),
    }


def _overlap(view: View, left: Ints, right: Ints, of_counts: bool = False) -> Floats:
    """Weight, or number, of the things that both have."""
    rows = view.present if of_counts else view.weighted
    return np.asarray(rows[left].multiply(view.present[right]).sum(axis=1)).ravel()


def _agreement(view: View, left: Ints, right: Ints) -> Floats:
    """Share of the poorer record's things that the other has; NaN where one has none."""
    return _share(_overlap(view, left, right), np.minimum(view.totals[left], view.totals[right]))


def _codes(views: ProductViews, left: Ints, right: Ints) -> Features:
    records, codes = views.records, views.codes
    shared = codes.weighted[left].multiply(codes.present[right]).tocsr()
    model_l, model_r = (records["model"].gather(side).to_list() for side in (left, right))
    text_l, text_r = (records["letters"].gather(side).to_list() for side in (left, right))
    both = zip(model_l, model_r, strict=True)
    return {
        "model_equal": np.array([np.nan if not a or not b else float(a == b) for a, b in both]),
        "model_start": np.array([_common_start(a, b) for a, b in zip(model_l, model_r, strict=True)]),
        "model_within": np.fmax(_within(model_l, text_r), _within(model_r, text_l)),
        "model_within_less": np.fmin(_within(model_l, text_r), _within(model_r, text_l)),
        "codes_shared": shared.max(axis=1).toarray().ravel(),
        "codes": _agreement(codes, left, right),
        "code_grams": np.where(
            (codes.totals[left] > 0) & (codes.totals[right] > 0), _dot(views.code_grams.unit, left, right), np.nan
        ),
        "codes_unshared": np.minimum(codes.totals[left], codes.totals[right])
        - np.asarray(shared.sum(axis=1)).ravel(),
    }  # fmt: skip


def _common_start(a: str | None, b: str | None) -> float:
    """Share of the shorter code's signs that begin both."""
    if not a or not b:
        return np.nan
    shorter = min(len(a), len(b))
    place = next((place for place in range(shorter) if a[place] != b[place]), shorter)
    return place / shorter


def _within(models: list[str | None], texts: list[str]) -> Floats:
    return np.array([
        np.nan if not model or len(model) < SHORTEST_CONTAINED else float(model in text)
        for model, text in zip(models, texts, strict=True)
    ])  # fmt: skip


def _attributes(views: ProductViews, left: Ints, right: Ints) -> Features:
    records = views.records
    pieces, content = contradictions(views, left, right)
    return {
        "brand": _brand(views, left, right),
        "price": _ratio(records["price"].to_numpy(), left, right),
        "weight": _ratio(records["weight_g"].to_numpy(), left, right),
        "pieces_against": pieces,
        "content_against": content,
    }


def _ratio(values: Floats, left: Ints, right: Ints) -> Floats:
    return np.minimum(np.abs(np.log(values[left] / values[right])), LARGEST_RATIO)


def _brand(views: ProductViews, left: Ints, right: Ints) -> Floats:
    """1: the same brand, or one that the other's title names; else the share of letters that begin both."""
    brands, letters = views.records["brand"], views.records["letters"]
    sides = (brands.gather(left), brands.gather(right), letters.gather(left), letters.gather(right))
    return np.array([_one_brand(*both) for both in zip(*sides, strict=True)])


def _one_brand(a: str | None, b: str | None, text_a: str, text_b: str) -> float:
    if (a and a in text_b) or (b and b in text_a):
        return 1.0
    if a and b:
        return _common_start(a, b)
    return np.nan if not a and not b else 0.0


def contradictions(views: ProductViews, left: Ints, right: Ints) -> tuple[Floats, Floats]:
    """Whether pack size, and what a piece holds, differ: 1, 0, or NaN where one does not say."""
    records = views.records
    pieces = records["pieces"].cast(pl.Float64).to_numpy()
    a, b = pieces[left], pieces[right]
    against = np.where(np.isnan(a) | np.isnan(b), np.nan, (a != b).astype(float))
    differs = np.full(left.size, np.nan)
    for kind in CONTENT_KINDS:
        content = records[f"content_{kind}"].to_numpy()
        ratio = _ratio(content, left, right)
        differs = np.fmax(differs, np.where(np.isnan(ratio), np.nan, (ratio > SAME_CONTENT).astype(float)))
        # One names several pieces and what each holds, the other only what it holds.
        is_silent = np.isnan(a) != np.isnan(b)
        against = np.where(is_silent & ~np.isnan(ratio) & (np.fmax(a, b) > 1), 1.0, against)
    return against, differs
