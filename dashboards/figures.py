"""Intervals around the figures that the console shows.

Belongs here: pure functions from counts to estimates with 95 % intervals. Does not belong here: counting; that is a
query or a mart.
"""

from dataclasses import dataclass
from math import sqrt

#: 97.5 % quantile of the standard normal distribution: all intervals here are two-sided at 95 %.
Z = 1.959963984540054


@dataclass(frozen=True)
class Estimate:
    """A figure, its 95 % interval and the number of cases that it rests on."""

    value: float
    low: float
    high: float
    n: int

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies wholly on one side of zero."""
        return self.low > 0 or self.high < 0


def proportion(count: int, n: int) -> Estimate | None:
    """Share `count / n` with Wilson's score interval (Wilson 1927); None without cases."""
    if n <= 0:
        return None
    share = count / n
    shrink = 1 + Z * Z / n
    centre = (share + Z * Z / (2 * n)) / shrink
    reach = Z / shrink * sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    return Estimate(share, max(0.0, centre - reach), min(1.0, centre + reach), n)


def mean(value: float | None, deviation: float | None, n: int) -> Estimate | None:
    """Mean with the normal interval from the sample's standard deviation; None without cases."""
    if n <= 0 or value is None:
        return None
    reach = Z * (deviation or 0.0) / sqrt(n)
    return Estimate(value, value - reach, value + reach, n)


def median_ranks(n: int) -> tuple[float, float]:
    """Quantiles of the sample between which the median lies with 95 % confidence, from `n` cases.

    They are the order statistics of ranks n/2 ± 1.96·sqrt(n)/2 (Conover 1999, Practical Nonparametric Statistics, 3.2).
    """
    reach = Z / (2 * sqrt(max(n, 1)))
    return max(0.0, 0.5 - reach), min(1.0, 0.5 + reach)


def difference(now: Estimate | None, before: Estimate | None) -> Estimate | None:
    """`now - before` of two independent estimates, by combining their intervals.

    For proportions with Wilson intervals this is Newcombe's method 10 (Newcombe 1998); for means with normal intervals
    it is the usual two-sample interval (MOVER, Zou and Donner 2008).
    """
    if now is None or before is None:
        return None
    change = now.value - before.value
    low = change - sqrt((now.value - now.low) ** 2 + (before.high - before.value) ** 2)
    high = change + sqrt((now.high - now.value) ** 2 + (before.value - before.low) ** 2)
    return Estimate(change, low, high, min(now.n, before.n))
