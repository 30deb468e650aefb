"""How links agree with a truth: precision, recall and F1, at the chosen threshold and over thresholds.

Belongs here: counting against given pairs of record ids. Does not belong here: finding links, reading files.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]
IdPair = tuple[str, str]

THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999)


@dataclass(frozen=True)
class Agreement:
    """Links against the truth; a measure is None where it has no denominator.

    Attributes:
        threshold: Probability from which pairs are linked.
        linked: Links.
        right: Links that are true.
        true: True pairs.
    """

    threshold: float
    linked: int
    right: int
    true: int

    @property
    def precision(self) -> float | None:
        """Share of the links that are true."""
        return self.right / self.linked if self.linked else None

    @property
    def recall(self) -> float | None:
        """Share of the true pairs that are linked."""
        return self.right / self.true if self.true else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of both."""
        return 2 * self.right / (self.linked + self.true) if self.linked + self.true else None


def agreement(links: Iterable[IdPair], truth: Iterable[IdPair], threshold: float, is_linking: bool) -> Agreement:
    """Links against true pairs of ids; the order within a pair counts only between two tables."""
    found, true = (set(pairs) if is_linking else {ordered(pair) for pair in pairs} for pairs in (links, truth))
    return Agreement(threshold, len(found), len(found & true), len(true))


def over_thresholds(probability: Floats, is_true: Booleans, count_true: int) -> list[Agreement]:
    """What linking from each threshold on would give, for candidate pairs that may be linked."""
    return [
        Agreement(threshold, int(linked.sum()), int((linked & is_true).sum()), count_true)
        for threshold in THRESHOLDS
        for linked in (probability >= threshold,)
    ]


def ordered(pair: IdPair) -> IdPair:
    """The pair, whichever record was named first."""
    return (min(pair), max(pair))
