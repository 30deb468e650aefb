"""Product records as sparse matrices, one a view: words, n-grams, codes, numbers, measures, colours, brands.

Belongs here: from records to weighted rows. Does not belong here: what agreement of two rows says (features),
which pairs are looked at (candidates).

A word's or code's weight is its inverse document frequency, ln(1 + records / records that have it): what few records
have says more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix
from sklearn.preprocessing import normalize

from ml.core.matching.products import text as textual

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class View:
    """Rows of one kind of thing.

    Attributes:
        present: Records × things, 1 where a record has it.
        weighted: The same, each thing by its rarity.
        unit: `weighted`, each row of length one.
        records_with: Records that have each thing.
        things: What the columns stand for.
    """

    present: csr_matrix
    weighted: csr_matrix
    unit: csr_matrix
    records_with: Ints
    things: tuple[str, ...]

    @property
    def totals(self) -> Floats:
        """Weight of all that each record has."""
        return np.asarray(self.weighted.sum(axis=1)).ravel()


@dataclass(frozen=True)
class ProductViews:
    """All views of the records; see `prepare_products` for what they are made of."""

    records: pl.DataFrame
    words: View
    text_words: View
    grams: View
    codes: View
    code_grams: View
    numbers: View
    measures: View
    kinds: View
    colours: View


def product_views(records: pl.DataFrame) -> ProductViews:
    """Views of prepared records, weighed over all of them."""
    titles, texts = records["title"].to_list(), records["text"].to_list()
    codes, measures = records["codes"].to_list(), records["measures"].to_list()
    return ProductViews(
        records=records,
        words=view_of(records["words"].to_list()),
        text_words=view_of([textual.words(text) for text in texts]),
        grams=view_of([textual.grams(title) for title in titles]),
        codes=view_of(codes),
        code_grams=view_of([textual.grams(" ".join(found)) for found in codes]),
        numbers=view_of(records["numbers"].to_list()),
        measures=view_of(measures),
        kinds=view_of([[measure.split("=")[0] for measure in found] for found in measures]),
        colours=view_of(records["colours"].to_list()),
    )


def view_of(things: Sequence[Iterable[str]]) -> View:
    """A view of each record's things; having one twice says no more."""
    number_of: dict[str, int] = {}
    ends, columns = [0], []
    for found in things:
        columns += [number_of.setdefault(thing, len(number_of)) for thing in dict.fromkeys(found)]
        ends.append(len(columns))
    shape = (len(things), max(len(number_of), 1))
    present = csr_matrix((np.ones(len(columns)), np.array(columns, dtype=np.int32), np.array(ends)), shape=shape)
    present.sort_indices()
    records_with = np.bincount(present.indices, minlength=shape[1]).astype(np.int64)
    weighted = present.copy()
    weighted.data = np.log1p(len(things) / records_with[present.indices])
    return View(present, weighted, normalize(weighted), records_with, tuple(number_of))
