"""Which pairs of product records are worth a look: near in n-grams, or with a rare code or a number in common.

Belongs here: finding candidates in time that grows with the records. Does not belong here: judging them.

Records are compared between sources (two tables, or the systems of a company), and within a source where it may hold
duplicates. For each record and source the nearest few count. Where a catalogue is compared again, only those records
look around anew whose nearest may have changed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix

from ml.core.matching.products.records import MOST_SHARING
from ml.core.matching.products.views import ProductViews

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]

#: Nearest records that are looked at for each record, in each source.
NEAREST = 10
#: Similarity below which a near record is none.
LEAST_NEAR = 0.15
#: Records that may share an n-gram for it to bring records together: the cost grows with their square.
MOST_PER_GRAM = 0.1
FEWEST_PER_GRAM, LARGEST_PER_GRAM = 100, 3_000
#: More sources than these are compared as one.
MOST_SOURCES = 12
#: Records that may be equal in all that is compared. More of them tell nobody apart, and stay single.
MOST_EQUAL = 8
CHUNK = 512
#: Similarities closer to each other than this are equal: the order of a sum may move its last digits.
DIGITS = 9


@dataclass(frozen=True)
class Candidates:
    """Pairs of record positions, each once, in order.

    Attributes:
        left, right: Positions; left < right.
        left_finds: Whether the right record is among the nearest of the left one.
        right_finds: Whether the left record is among the nearest of the right one.
    """

    left: Ints
    right: Ints
    left_finds: Booleans
    right_finds: Booleans

    def found(self) -> tuple[Ints, Ints]:
        """Who finds whom: each record, and one of its nearest."""
        return (np.concatenate([self.left[self.left_finds], self.right[self.right_finds]]),
                np.concatenate([self.right[self.left_finds], self.left[self.right_finds]]))  # fmt: skip


@dataclass(frozen=True)
class Earlier:
    """What an earlier search found, by positions of today.

    Attributes:
        candidates: Pairs of records that are as they were.
        is_changed: Records that are new, or differ from what they were then in anything that is compared.
        has_lost: Records × sources (`compared_as`): whether one of the nearest there changed or is gone.
    """

    candidates: Candidates
    is_changed: Booleans
    has_lost: Booleans


def candidate_pairs(views: ProductViews, source: Ints, is_linking: bool, earlier: Earlier | None = None) -> Candidates:
    """All pairs worth a look.

    Args:
        views: Of all records.
        source: Number of each record's table or system.
        is_linking: Pairs within a source are not looked for.
        earlier: What was found before, with the same weights; the result is the same without it, and takes longer.
    """
    near_source, rows = compared_as(source), _telling_grams(views)
    is_told_apart = ~without_identity(views.records)
    shape = (source.size, int(near_source.max(initial=0)) + 1)
    looks, kept = np.ones(shape, dtype=bool), (np.empty(0, np.int64), np.empty(0, np.int64))
    if earlier is not None:
        finder, found = earlier.candidates.found()
        looks = earlier.is_changed[:, np.newaxis] | earlier.has_lost
        looks |= _is_reached(rows, near_source, is_told_apart, earlier.is_changed, finder, found)
        stays = ~looks[finder, near_source[found]]
        kept = (finder[stays], found[stays])
    near = [kept, *_near(rows, near_source, is_linking, is_told_apart, looks)]
    shared = [_sharing(views.codes.present, source)]
    shared += [_sharing(_as_rows(views.records[column]), source) for column in ("gtin", "mapped_code")]
    finder, found = (np.concatenate(ends) for ends in zip(*near, strict=True))
    one, other = (np.concatenate(ends) for ends in zip(*shared, strict=True))
    ends = np.concatenate([finder, one]), np.concatenate([found, other])
    left, right = np.minimum(*ends), np.maximum(*ends)
    wanted = left != right
    if is_linking:
        wanted &= source[left] != source[right]
    # Polars has sets of numbers that are several times as fast as NumPy's.
    keys = pl.Series(left[wanted] * source.size + right[wanted]).unique().sort()
    finds = pl.Series(finder * source.size + found).implode()
    left, right = keys.to_numpy() // source.size, keys.to_numpy() % source.size
    finds_other = [pl.Series(of).is_in(finds).to_numpy() for of in (keys, right * source.size + left)]
    return Candidates(left, right, *finds_other)


def compared_as(source: Ints) -> Ints:
    """The sources themselves, or one where they are too many to look into each."""
    return source if int(source.max(initial=0)) < MOST_SOURCES else np.zeros_like(source)


def without_identity(records: pl.DataFrame) -> Booleans:
    """Records whose title, brand and model code so many others have that they say nothing."""
    size = records.select(pl.len().over("source_system", "title", "brand", "model")).to_series()
    return (size > MOST_EQUAL).to_numpy()


def _telling_grams(views: ProductViews) -> csr_matrix:
    """Records × n-grams, without those that too many records share."""
    most = int(np.clip(MOST_PER_GRAM * views.count_weighed, FEWEST_PER_GRAM, LARGEST_PER_GRAM))
    return views.grams.unit[:, views.grams.records_with <= most]


def _near(
    rows: csr_matrix, source: Ints, is_linking: bool, is_told_apart: Booleans, looks: Booleans
) -> Iterator[tuple[Ints, Ints]]:
    members = [np.flatnonzero((source == number) & is_told_apart) for number in range(looks.shape[1])]
    for one, other in product(range(len(members)), repeat=2):
        if not (is_linking and one == other):
            yield _nearest(rows, members[one][looks[members[one], other]], members[other])


def _is_reached(
    rows: csr_matrix, source: Ints, is_told_apart: Booleans, is_changed: Booleans, finder: Ints, found: Ints
) -> Booleans:
    """Records × sources: whether a changed record there is as near as the last of the nearest, or these are few."""
    shape = (source.size, int(source.max(initial=0)) + 1)
    cell = finder * shape[1] + source[found]
    last = np.full(shape[0] * shape[1], np.inf)
    np.minimum.at(last, cell, np.asarray(rows[finder].multiply(rows[found]).sum(axis=1)).ravel())
    is_full = np.bincount(cell, minlength=last.size) >= NEAREST
    reach = np.where(is_full, last, LEAST_NEAR).reshape(shape)
    reached = np.zeros(shape, dtype=bool)
    everybody, changed = rows.T.tocsr(), np.flatnonzero(is_changed & is_told_apart)
    for start in range(0, changed.size, CHUNK):
        near = (rows[changed[start : start + CHUNK]] @ everybody).tocoo()
        of_source = source[changed[start : start + CHUNK]][near.row]
        is_near = near.data >= reach[near.col, of_source] - 0.1**DIGITS
        reached[near.col[is_near], of_source[is_near]] = True
    return reached


def _nearest(rows: csr_matrix, of: Ints, among: Ints) -> tuple[Ints, Ints]:
    """The nearest of `among` for each record of `of`, itself left out; of equally near ones the first."""
    others = rows[among].T.tocsr()
    lefts, rights = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for start in range(0, of.size, CHUNK):
        chunk = of[start : start + CHUNK]
        products = (rows[chunk] @ others).tocsr()
        products.sort_indices()
        for row, record in enumerate(chunk):
            span = slice(products.indptr[row], products.indptr[row + 1])
            near, records = np.round(products.data[span], DIGITS), among[products.indices[span]]
            keep = (near >= LEAST_NEAR) & (records != record)
            near, records = near[keep], records[keep]
            if near.size > NEAREST:
                last = -np.partition(-near, NEAREST - 1)[NEAREST - 1]
                nearer = records[near > last]
                records = np.concatenate([nearer, records[near == last][: NEAREST - nearer.size]])
            lefts.append(np.full(records.size, record, dtype=np.int64))
            rights.append(records)
    return np.concatenate(lefts), np.concatenate(rights)


def _as_rows(values: pl.Series) -> csr_matrix:
    known = np.flatnonzero(values.is_not_null().to_numpy())
    numbers = values.drop_nulls().rank("dense").to_numpy().astype(np.int64) - 1
    shape = (values.len(), int(numbers.max(initial=0)) + 1)
    return csr_matrix((np.ones(known.size), (known, numbers)), shape=shape)


def _sharing(present: csr_matrix, source: Ints) -> tuple[Ints, Ints]:
    """Pairs that share a thing which few records of each source have."""
    things = present.tocsc()
    lefts, rights = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    sizes = np.diff(things.indptr)
    for thing in np.flatnonzero(sizes > 1):
        members = things.indices[things.indptr[thing] : things.indptr[thing + 1]].astype(np.int64)
        sharing = np.unique(source[members], return_counts=True)[1]
        if sharing.max() > MOST_SHARING or sharing.sum() > MOST_SHARING * MOST_SOURCES:
            continue
        first, second = np.triu_indices(members.size, 1)
        lefts.append(members[first])
        rights.append(members[second])
    return np.concatenate(lefts), np.concatenate(rights)
