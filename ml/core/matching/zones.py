"""Three zones of a score: linked, to a steward, apart. The thresholds follow from a floor of precision.

Belongs here: choosing thresholds, correcting the model's probabilities by what stewards decided. Does not belong here:
scoring (ml/jobs/linking), what is done with a linked pair (clusters).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]

#: Least share of true pairs among the linked ones.
PRECISION_FLOOR = 0.995
#: Most true pairs, as a share of all that are expected, that may lie below the queue, where nobody looks.
MISSED_CEILING = 0.005
#: Linking needs a pair to be likelier than not, however good all the others are.
LEAST_TO_LINK = 0.5
#: Decided pairs that the model's own probability counts for in a bin of scores.
MODEL_STRENGTH = 20.0
BINS = np.array([0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.99, 0.999, 1.0 + 1e-12])


@dataclass(frozen=True)
class Zones:
    """Thresholds on the corrected probability, and what is expected of them.

    Attributes:
        link_at: Pairs at or above are linked.
        queue_at: Pairs from here to below `link_at` go to a steward.
        expected_precision: Expected share of true pairs among the linked.
        expected_recall: Expected share of all true candidate pairs that are linked.
        count_verdicts: Decided pairs that the probabilities were corrected by.
    """

    link_at: float
    queue_at: float
    expected_precision: float
    expected_recall: float
    count_verdicts: int

    def of(self, probability: Floats) -> npt.NDArray[np.str_]:
        """Zone of each probability: `linked`, `queue` or `apart`."""
        return np.where(probability >= self.link_at, "linked", np.where(probability >= self.queue_at, "queue", "apart"))


def corrected(probability: Floats, decided: Floats, verdict: Booleans) -> Floats:
    """Probabilities moved towards what stewards decided in the same range of scores.

    In each bin the model's mean counts as `MODEL_STRENGTH` decisions beside the real ones (the posterior mean of a
    beta-binomial); pairs of the bin keep their order by moving in log-odds.

    Args:
        probability: Model's probability of each pair.
        decided: Model's probability of the pairs that stewards decided.
        verdict: Whether they were found to be the same.
    """
    if not decided.size:
        return probability
    result = np.clip(probability, 1e-9, 1 - 1e-9)
    bin_of, bin_of_decided = np.digitize(result, BINS), np.digitize(np.clip(decided, 0, 1 - 1e-9), BINS)
    for number in np.unique(bin_of_decided):
        mine, theirs = bin_of == number, bin_of_decided == number
        model = float(np.clip(decided[theirs].mean(), 1e-6, 1 - 1e-6))
        posterior = (MODEL_STRENGTH * model + verdict[theirs].sum()) / (MODEL_STRENGTH + theirs.sum())
        shift = _log_odds(posterior) - _log_odds(model)
        result[mine] = 1 / (1 + np.exp(-(np.log(result[mine] / (1 - result[mine])) + shift)))
    return result


def _log_odds(p: float) -> float:
    return float(np.log(p / (1 - p)))


def choose_zones(
    probability: Floats, floor: float = PRECISION_FLOOR, missed: float = MISSED_CEILING, count_verdicts: int = 0
) -> Zones:
    """The lowest thresholds that keep the expected precision at the floor and few true pairs out of sight.

    Args:
        probability: Corrected probability of each candidate pair.
        floor: Least expected share of true pairs among the linked.
        missed: Most expected true pairs below the queue, as a share of all.
        count_verdicts: Only told on.
    """
    descending = np.sort(probability)[::-1]
    if not descending.size:
        return Zones(1.0, LEAST_TO_LINK, 1.0, 1.0, count_verdicts)
    found = np.cumsum(descending)
    expected = found / np.arange(1, descending.size + 1)
    # Pairs of equal score are linked together or not at all.
    is_last_of_equals = np.r_[descending[1:] < descending[:-1], True]
    allowed = np.nonzero((expected >= floor) & (descending >= LEAST_TO_LINK) & is_last_of_equals)[0]
    if not allowed.size:
        link_at, precision, recall = max(LEAST_TO_LINK, float(np.nextafter(descending[0], 2.0))), 1.0, 0.0
    else:
        last = int(allowed[-1])
        link_at, precision, recall = float(descending[last]), float(expected[last]), float(found[last] / found[-1])
    seen = int(np.searchsorted(found, (1 - missed) * found[-1]))
    queue_at = min(link_at, float(descending[min(seen, descending.size - 1)]))
    return Zones(link_at, queue_at, precision, recall, count_verdicts)


def balanced_floor(probability: Floats) -> float:
    """The floor at which missed and wrong links weigh the same: the expected precision where expected F1 is greatest.

    For measuring how good a matcher is on tables where nobody acts on the links. What a company acts on keeps
    `PRECISION_FLOOR`.
    """
    descending = np.sort(probability[probability >= LEAST_TO_LINK])[::-1]
    if not descending.size:
        return PRECISION_FLOOR
    linked = np.arange(1, descending.size + 1)
    found = np.cumsum(descending)
    best = int(np.argmax(2 * found / (linked + probability.sum())))
    return float(found[best] / linked[best])
