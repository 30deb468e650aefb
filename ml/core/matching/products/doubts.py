"""What keeps a likely pair of products from being linked without a person: contradictions, and likelier rivals.

Belongs here: what speaks against a pair beside its score. Does not belong here: scores (matcher), what becomes
of a pair that a person must see (decisions).
"""

import numpy as np
import numpy.typing as npt

from ml.core.matching.products.features import contradictions
from ml.core.matching.products.views import ProductViews

Booleans = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

#: Log odds that a rival must be ahead by: two records that are as good a partner are duplicates of each other.
TIE = 0.5
_EDGE = 1e-9


def doubtful(views: ProductViews, left: Ints, right: Ints) -> Booleans:
    """Pairs that differ in pack size, in what a piece holds, or in a valid GTIN: never one without a person's word."""
    pieces, content = contradictions(views, left, right)
    number = views.records["gtin"]
    differs = (number.gather(left) != number.gather(right)).fill_null(False).to_numpy()
    return np.asarray((pieces == 1) | (content == 1) | differs)


def against_rivals(probability: Floats, left: Ints, right: Ints) -> Floats:
    """Probabilities where each record has one partner at most in the other table.

    A pair that a rival of either record is ahead of keeps its share of the odds, o / (1 + o + o of the rival).
    """
    if not probability.size:
        return probability
    inside = np.clip(probability, _EDGE, 1 - _EDGE)
    odds = inside / (1 - inside)
    best = np.zeros(int(max(left.max(), right.max())) + 1)
    for side in (left, right):
        np.maximum.at(best, side, odds)
    rival = np.maximum(best[left], best[right])
    return np.where(np.log(rival / odds) > TIE, odds / (1 + odds + rival), probability)
