"""What lanes did after a decision: their errors as the parcels since then show them.

Belongs here: errors of lanes from parcels that arrived, with what chance leaves open. Does not belong here: whether a
choice was right under them (`confidence`), reading parcels (decisions).

The node that was not chosen never shows what it would have done for this order. But its lane did other orders' parcels,
and a choice is judged by lanes. A lane's error is pulled towards nothing as far as its few parcels could be chance
(normal-normal shrinkage; DerSimonian & Laird 1986 for the spread), and drawn with what remains open.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LaneErrors:
    """Errors of lanes, arrays (nodes, regions, services): mean and standard deviation of what is known of each.

    Attributes:
        late, late_open: Of the log-odds of lateness.
        price, price_open: Of the price, as a share of it.
        seen: Parcels of each lane.
    """

    late: Floats
    late_open: Floats
    price: Floats
    price_open: Floats
    seen: NDArray[np.int64]

    def drawn(self, draws: int, seed: int) -> tuple[Floats, Floats]:
        """Errors of log-odds and factors of price, shape (draws, nodes, regions, services) each."""
        rng = np.random.default_rng(seed)
        shape = (draws, *self.late.shape)
        late = self.late + self.late_open * rng.standard_normal(shape)
        return late, np.maximum(0.0, 1.0 + self.price + self.price_open * rng.standard_normal(shape))


def lane_errors(
    shape: tuple[int, int, int], lane: NDArray[np.integer], late: Floats, foreseen: Floats, paid: Floats
) -> LaneErrors:
    """Errors of every lane from parcels; those without a parcel err by what lanes err on the whole.

    Args:
        shape: Nodes, regions, services.
        lane: (n,) position of each parcel's lane in an array of that shape, flattened.
        late: (n,) 1 for late, 0 for on time.
        foreseen: (n,) P(late) that was predicted.
        paid: (n,) price paid ÷ predicted; NaN where it is not known.
    """
    lanes = int(np.prod(shape))
    count = np.bincount(lane, minlength=lanes).astype(np.float64)
    each = np.maximum(count, 1.0)
    expected = np.clip(np.bincount(lane, weights=foreseen, minlength=lanes) / each, 1e-3, 1 - 1e-3)
    share = (np.bincount(lane, weights=late, minlength=lanes) + expected) / (count + 1)
    late_error, late_open = _shrunk(logit(share) - logit(expected), 1.0 / (each * expected * (1 - expected)), count)
    known = np.isfinite(paid)
    priced = np.bincount(lane[known], minlength=lanes).astype(np.float64)
    ratio = np.bincount(lane[known], weights=paid[known] - 1.0, minlength=lanes) / np.maximum(priced, 1.0)
    rest = paid[known] - 1.0 - ratio[lane[known]]
    freedom = max(1, int(known.sum()) - int((priced > 0).sum()))
    price, price_open = _shrunk(ratio, float((rest**2).sum()) / freedom / np.maximum(priced, 1.0), priced)
    late_error, late_open, price, price_open = (a.reshape(shape) for a in (late_error, late_open, price, price_open))
    return LaneErrors(late_error, late_open, price, price_open, count.astype(np.int64).reshape(shape))


def _shrunk(error: Floats, chance: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each true error, given errors measured with a variance of `chance`."""
    seen = weight > 0
    spread = max(0.0, float(np.average(error**2 - chance, weights=weight))) if seen.any() else 0.0
    kept = np.where(seen, spread / np.maximum(spread + chance, 1e-12), 0.0)
    return kept * error, np.sqrt(spread * (1.0 - kept))
