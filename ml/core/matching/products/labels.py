"""Labels that nobody had to give: pairs that a number or a rare maker's code makes certain, and their rivals.

Belongs here: which candidate pairs teach a matcher when no person has. Does not belong here: learning (matcher).
"""

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix

from ml.core.matching.products.features import Features
from ml.core.matching.products.views import ProductViews

Booleans = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

SAME, OTHER, UNKNOWN = 1, 0, -1
#: Signs of a code that, if one record of each source has it, no accident made equal.
SHORTEST_CERTAIN_CODE = 5
#: Likeness of two known brands below which a shared code is taken for an accident.
LEAST_BRAND = 0.5


def labels_without_people(
    views: ProductViews, left: Ints, right: Ints, features: Features, source: Ints, is_linking: bool
) -> Ints:
    """`SAME`, `OTHER` or `UNKNOWN` of each candidate pair.

    Same: equal GTIN or mapped code, or a code that one record of either source has; unless brand, pack size or content
    say otherwise. Other: two GTINs; or a rival, that is a pair with a record whose partner in that source is known. A
    rival counts only if both tables are free of duplicates (linking) or its maker's code differs.
    """
    records = views.records
    number = _agreement(records["gtin"], left, right)
    mapped = _agreement(records["mapped_code"], left, right)
    contradicts = (number == 0) | (features["pieces_against"] == 1) | (features["content_against"] == 1)
    by_code = _shares_single_code(views, left, right, source) & ~(features["brand"] < LEAST_BRAND)
    same = ((number == 1) | (mapped == 1) | by_code) & ~contradicts
    rival = ~same & _has_partner(left, right, source, same)
    if not is_linking:
        rival &= (features["model_equal"] == 0) & (features["codes_shared"] == 0)
    return np.where(same, SAME, np.where((number == 0) | rival, OTHER, UNKNOWN))


def _agreement(values: pl.Series, left: Ints, right: Ints) -> Floats:
    """1 where equal, 0 where not, NaN where one is unknown."""
    return (values.gather(left) == values.gather(right)).cast(pl.Float64).to_numpy()


def _shares_single_code(views: ProductViews, left: Ints, right: Ints, source: Ints) -> Booleans:
    present = views.codes.present
    per_source = csr_matrix((np.ones(source.size), (source, np.arange(source.size)))) @ present
    is_single = np.asarray(per_source.max(axis=0).todense()).ravel() == 1
    is_single &= np.array([len(code) >= SHORTEST_CERTAIN_CODE for code in views.codes.things] or [False])
    return np.asarray(present[left].multiply(present[right]) @ is_single.astype(float)).ravel() > 0


def _has_partner(left: Ints, right: Ints, source: Ints, same: Booleans) -> Booleans:
    """Whether either record of each pair has a known partner in the other one's source."""
    known = np.zeros((source.size, int(source.max(initial=0)) + 1), dtype=bool)
    known[left[same], source[right[same]]] = True
    known[right[same], source[left[same]]] = True
    return np.asarray(known[left, source[right]] | known[right, source[left]])
