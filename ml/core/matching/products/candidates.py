"""Which pairs of product records are worth a look: near in n-grams, or with a rare code or a number in common.

Belongs here: finding candidates in time that grows with the records. Does not belong here: judging them.

Records are compared between sources (two tables, or the systems of a company), and within a source where it may hold
duplicates. For each record and source the nearest few count.
"""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix

from ml.core.matching.products.records import MOST_SHARING
from ml.core.matching.products.views import ProductViews, View

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


def candidate_pairs(
    views: ProductViews, source: Ints, is_linking: bool, of: Booleans | None = None
) -> tuple[Ints, Ints]:
    """Pairs (left < right) of record positions, each once.

    Args:
        views: Of all records.
        source: Number of each record's table or system.
        is_linking: Pairs within a source are not looked for.
        of: Records whose candidates are wanted; None: all. A record that has one of them among its own nearest, and is
            not among theirs, is then not met.
    """
    wanted_of = np.ones(source.size, dtype=bool) if of is None else of
    is_told_apart = ~_without_identity(views.records)
    found = [*_near(views.grams, compared_as(source), is_linking, is_told_apart, wanted_of)]
    found += [_sharing(views.codes.present, source)]
    for column in ("gtin", "mapped_code"):
        found.append(_sharing(_as_rows(views.records[column]), source))
    left, right = (np.concatenate(ends) for ends in zip(*found, strict=True))
    left, right = np.minimum(left, right), np.maximum(left, right)
    wanted = (left != right) & (wanted_of[left] | wanted_of[right])
    if is_linking:
        wanted &= source[left] != source[right]
    keys = np.unique(left[wanted] * source.size + right[wanted])
    return keys // source.size, keys % source.size


def compared_as(source: Ints) -> Ints:
    """The sources themselves, or one where they are too many to look into each."""
    return source if int(source.max(initial=0)) < MOST_SOURCES else np.zeros_like(source)


def _without_identity(records: pl.DataFrame) -> Booleans:
    """Records whose title, brand and model code so many others have that they say nothing."""
    size = records.select(pl.len().over("source_system", "title", "brand", "model")).to_series()
    return (size > MOST_EQUAL).to_numpy()


def _near(
    view: View, source: Ints, is_linking: bool, is_told_apart: Booleans, of: Booleans
) -> Iterator[tuple[Ints, Ints]]:
    most = int(np.clip(MOST_PER_GRAM * source.size, FEWEST_PER_GRAM, LARGEST_PER_GRAM))
    rows = view.unit[:, view.records_with <= most]
    members = [np.flatnonzero((source == number) & is_told_apart) for number in np.unique(source)]
    for first, second in combinations(members, 2):
        yield _nearest(rows, first[of[first]], second)
        yield _nearest(rows, second[of[second]], first)
    if not is_linking:
        for own in members:
            yield _nearest(rows, own[of[own]], own)


def _nearest(rows: csr_matrix, of: Ints, among: Ints) -> tuple[Ints, Ints]:
    """The nearest of `among` for each record of `of`, itself left out."""
    others = rows[among].T.tocsr()
    lefts, rights = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for start in range(0, of.size, CHUNK):
        chunk = of[start : start + CHUNK]
        products = (rows[chunk] @ others).tocsr()
        for row, record in enumerate(chunk):
            span = slice(products.indptr[row], products.indptr[row + 1])
            near, records = products.data[span], among[products.indices[span]]
            keep = (near >= LEAST_NEAR) & (records != record)
            near, records = near[keep], records[keep]
            if near.size > NEAREST:
                records = records[np.argpartition(-near, NEAREST)[:NEAREST]]
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
