"""Units asked for over some hours, as a distribution that fits slow and lumpy sellers.

Belongs here: the distribution, and what is lost when stock runs out. Does not belong here: how likely a stock-out is
(the registered model), what is done about it (decisions/stockouts).

Orders arrive now and then and ask for one unit or many: a compound Poisson sum, whose variance is its mean times the
size-weighted mean size. Its moments are kept by a negative binomial (Johnson, Kemp & Kotz, Univariate Discrete
Distributions, 2005, ch. 5), by a Poisson where every order asks for one unit. The rate and the sizes are estimated
apart, as in Croston (Operational Research Quarterly 23, 1972), because a mean over days mostly without demand says
little about either.
"""

import numpy as np
from scipy.stats import nbinom, poisson

from ml.core.intervals import Floats

#: Below this much more variance than a Poisson's the two are the same to three digits.
LEAST_EXCESS = 1e-3


def lost_if_out(mean: Floats, lump: Floats, stock: Floats) -> Floats:
    """Units of demand beyond the stock, on average over the cases in which demand reaches the stock.

    Args:
        mean: Expected units, shape (rows,).
        lump: Size-weighted mean size of a day's demand, E[x²] / E[x], at least 1 and 1 where unknown, shape (rows,).
        stock: Units that can be sold, shape (rows,); less than 0 counts as 0.

    Returns:
        Units, shape (rows,); 0 where there is no demand.
    """
    held = np.maximum(np.asarray(stock, dtype=np.float64), 0.0)
    expected = np.maximum(np.asarray(mean, dtype=np.float64), 0.0)
    excess = np.maximum(np.nan_to_num(np.asarray(lump, dtype=np.float64), nan=1.0) - 1.0, 0.0)
    is_lumpy = excess > LEAST_EXCESS
    # A negative binomial of size r and success 1 / (1 + excess) has mean r · excess and variance mean · (1 + excess).
    size = expected / np.where(is_lumpy, excess, 1.0)
    success = 1.0 / (1.0 + np.where(is_lumpy, excess, 1.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        reached = np.where(is_lumpy, nbinom.sf(held - 1, size, success), poisson.sf(held - 1, expected))
        # Σ k P(k) over k ≥ a is the mean times the tail of the same law with one more success, or of the same Poisson.
        beyond = np.where(is_lumpy, nbinom.sf(held - 2, size + 1, success), poisson.sf(held - 2, expected))
        lost = expected * beyond / reached - held
    return np.where((expected > 0) & (reached > 0), np.maximum(lost, 0.0), 0.0)
