"""Product records as sparse matrices, one a view: words, n-grams, codes, numbers, measures, colours, brands.

Belongs here: from records to weighted rows. Does not belong here: what agreement of two rows says (features),
which pairs are looked at (candidates).

A word's or code's weight is its inverse document frequency, ln(1 + records / records that have it): what few records
have says more. Where a catalogue is compared again, things keep the weight that they had when all of it was scored
(`Rarities`): else each new record would move every score.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix
from sklearn.preprocessing import normalize

from ml.core.matching.products import text as textual

Booleans = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Rarities:
    """By how many records each thing is weighed.

    Attributes:
        count: Records when all were scored.
        things: `view`, `thing`, `records_with`, and `is_kept`: it was there then, and keeps its number. What came later
            is counted anew each time.
    """

    count: int
    things: pl.DataFrame

    def kept(self) -> dict[str, dict[str, int]]:
        """Number of records of each thing that keeps it, by view."""
        return _by_view(self.things.filter("is_kept"))


@dataclass(frozen=True)
class View:
    """Rows of one kind of thing.

    Attributes:
        present: Records × things, 1 where a record has it.
        weighted: The same, each thing by its rarity.
        unit: `weighted`, each row of length one.
        records_with: Records that each thing is weighed by: those that have it, unless it keeps an earlier number.
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
    """All views of the records (see `prepare_products` for what they are made of), weighed over `count_weighed`."""

    records: pl.DataFrame
    count_weighed: int
    words: View
    text_words: View
    grams: View
    codes: View
    code_grams: View
    numbers: View
    measures: View
    kinds: View
    colours: View

    def by_name(self) -> dict[str, View]:
        """The views by their names."""
        return {name: view for name, view in vars(self).items() if isinstance(view, View)}


def product_views(records: pl.DataFrame, rarities: Rarities | None = None) -> ProductViews:
    """Views of prepared records, weighed over all of them, or as they were weighed before."""
    titles, texts = records["title"].to_list(), records["text"].to_list()
    codes, measures = records["codes"].to_list(), records["measures"].to_list()
    things: dict[str, Sequence[Iterable[str]]] = {
        "words": records["words"].to_list(),
        "text_words": [textual.words(text) for text in texts],
        "grams": [textual.grams(title) for title in titles],
        "codes": codes,
        "code_grams": [textual.grams(" ".join(found)) for found in codes],
        "numbers": records["numbers"].to_list(),
        "measures": measures,
        "kinds": [[measure.split("=")[0] for measure in found] for found in measures],
        "colours": records["colours"].to_list(),
    }
    count = records.height if rarities is None else rarities.count
    kept = {} if rarities is None else rarities.kept()
    views = {name: view_of(found, count, kept.get(name, {})) for name, found in things.items()}
    return ProductViews(records=records, count_weighed=count, **views)


def view_of(things: Sequence[Iterable[str]], count: int, kept: Mapping[str, int]) -> View:
    """A view of each record's things, weighed over `count` records; having one twice says no more."""
    number_of: dict[str, int] = {}
    ends, columns = [0], []
    for found in things:
        columns += [number_of.setdefault(thing, len(number_of)) for thing in dict.fromkeys(found)]
        ends.append(len(columns))
    shape = (len(things), max(len(number_of), 1))
    present = csr_matrix((np.ones(len(columns)), np.array(columns, dtype=np.int32), np.array(ends)), shape=shape)
    present.sort_indices()
    records_with = np.bincount(present.indices, minlength=shape[1]).astype(np.int64)
    if kept:
        for thing, number in number_of.items():
            records_with[number] = kept.get(thing, records_with[number])
    weighted = present.copy()
    weighted.data = np.log1p(count / records_with[present.indices])
    return View(present, weighted, normalize(weighted), records_with, tuple(number_of))


def rarities_of(views: ProductViews, before: Rarities | None = None) -> Rarities:
    """What the things of these views are weighed by; those of `before` that keep their number among them."""
    today = pl.concat([
        pl.DataFrame({"view": [name] * len(view.things), "thing": view.things,
                      "records_with": view.records_with[: len(view.things)]},
                     schema={"view": pl.String, "thing": pl.String, "records_with": pl.Int64})
        for name, view in views.by_name().items()
    ])  # fmt: skip
    if before is None:
        return Rarities(views.count_weighed, today.with_columns(is_kept=pl.lit(True)))
    lasting = before.things.filter("is_kept")
    later = today.join(lasting, on=["view", "thing"], how="anti").with_columns(is_kept=pl.lit(False))
    return Rarities(before.count, pl.concat([lasting, later]))


def reweighed(views: ProductViews, before: Rarities) -> Booleans:
    """Records that have a thing which is weighed otherwise than before."""
    weighed = _by_view(before.things)
    found = np.zeros(views.records.height, dtype=bool)
    for name, view in views.by_name().items():
        earlier = weighed.get(name, {})
        is_other = [earlier.get(thing) != now for thing, now in zip(view.things, view.records_with, strict=False)]
        if any(is_other):
            found |= np.asarray(view.present[:, np.flatnonzero(is_other)].sum(axis=1)).ravel() > 0
    return found


def _by_view(things: pl.DataFrame) -> dict[str, dict[str, int]]:
    return {
        str(name): dict(zip(part["thing"].to_list(), part["records_with"].to_list(), strict=True))
        for (name,), part in things.group_by("view")
    }
