"""Bounds learned from a measure's own past, and the sentence that says how.

Belongs here: the robust rule. Does not belong here: which measures learn (`suites/`) or where the past is kept
(`report.py`). The rule is the Hampel identifier: median ± k · 1.4826 · MAD (Davies and Gather, "The identification of
multiple outliers", JASA 88, 1993). It holds while fewer than half of the past values are themselves outliers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from expectations.checks import LearnedMeasure

#: Makes the median absolute deviation of a normal distribution equal to its standard deviation.
NORMAL_CONSISTENCY = 1.4826


@dataclass(frozen=True)
class LearnedBounds:
    """Bounds of a measure; `low` and `high` are both None while there is too little past.

    Attributes:
        low, high: Bounds, both included.
        basis: How they came about, in words.
        is_ready: Whether the past was long enough.
    """

    low: float | None
    high: float | None
    basis: str
    is_ready: bool

    def hold(self, value: float) -> bool:
        """Whether a value lies within."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


def learn(rule: LearnedMeasure, past: Sequence[float], unit: str = "runs") -> LearnedBounds:
    """Bounds for the next value of a measure.

    Args:
        rule: The measure and its tolerance.
        past: Earlier values, oldest first; the last `rule.window` of them count.
        unit: What an earlier value is of, for the sentence that says how the bounds came about.
    """
    values = list(past)[-rule.window :]
    if len(values) < rule.minimum_runs:
        return LearnedBounds(None, None, f"insufficient history: {len(values)} of {rule.minimum_runs} {unit}", False)
    centre = median(values)
    spread = NORMAL_CONSISTENCY * median(abs(value - centre) for value in values)
    floor = max(rule.at_least_relative * abs(centre), rule.at_least_absolute)
    distance = max(rule.spreads * spread, floor)
    basis = (
        f"median {_number(centre)} of the last {len(values)} {unit} ± {_number(distance)} "
        f"(the larger of {rule.spreads:g} robust spreads of {_number(spread)} and the floor {_number(floor)})"
    )
    # What was never negative (a count, a share) gets no negative bound.
    lowest = max(0.0, centre - distance) if min(values) >= 0 else centre - distance
    return LearnedBounds(
        low=None if rule.side == "upper" else lowest,
        high=None if rule.side == "lower" else centre + distance,
        basis=basis,
        is_ready=True,
    )


def _number(value: float) -> str:
    return f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
