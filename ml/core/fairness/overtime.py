"""Disparity week by week, with an alarm that may be looked at every week without inflating false alarms.

Belongs here: the e-process per group and its alarm. Does not belong here: the search for the date of a change
(changes), audits of one period (audit).

The alarm multiplies e-values of blocks for "both proportions are equal this week, whatever they are" (Turner, Ly &
Grünwald 2024, Generic E-variables for exact sequential k-sample tests, Bernoulli 30; Ramdas et al. 2023,
Game-theoretic statistics and safe anytime-valid inference). Under that null the product exceeds 1/alpha with
probability at most alpha at *any* time, so a weekly look costs nothing, and rates that drift for all groups alike raise
no alarm.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ml.core.fairness.cells import is_unknown
from ml.core.fairness.errors import UnusableTable
from ml.core.fairness.intervals import wilson
from ml.core.fairness.results import Interval, json_values

PRIOR = 0.5
Z_POINTWISE = 1.959963984540054


@dataclass(frozen=True)
class GroupWeeks:
    """One group over time: per period its difference from the others with a pointwise interval, and its evidence.

    `evidence` is the e-value so far; the alarm rings in the first period in which it reaches groups ÷ alpha.
    """

    group: str
    differences: tuple[float | None, ...]
    intervals: tuple[Interval | None, ...]
    evidence: tuple[float, ...]
    alarm: str | None


@dataclass(frozen=True)
class WeeklyDisparity:
    """All groups over time, with the level that an e-value must reach."""

    periods: tuple[str, ...]
    groups: tuple[GroupWeeks, ...]
    alarm_level: float
    alpha: float

    def group(self, name: str) -> GroupWeeks:
        """One group's course.

        Raises:
            KeyError: no group has this name.
        """
        for course in self.groups:
            if course.group == name:
                return course
        raise KeyError(f"There is no group {name!r}.")

    @property
    def alarms(self) -> dict[str, str]:
        """Group → first period in which its alarm rang."""
        return {g.group: g.alarm for g in self.groups if g.alarm is not None}

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        plain: dict[str, Any] = json_values(self)
        return plain


def weekly_disparity(
    table: pd.DataFrame, *, group: str, period: str, outcome: str, minimum_support: int = 100, alpha: float = 0.05
) -> WeeklyDisparity:
    """Follow each group's rate against all others.

    Args:
        table: One row per order.
        group: Column of the group.
        period: Column of the period; its values sort by time, such as `2026-W31` or a date.
        outcome: Column of 0 and 1; rows where it is missing are left out.
        minimum_support: Fewest rows over all periods at which a group is followed.
        alpha: Probability that any group's alarm ever rings while all are alike.

    Raises:
        UnusableTable: a column is missing or the outcome is not 0 and 1.
    """
    counts, positives, names, periods = _counts(table, group, period, outcome)
    followed = np.flatnonzero(counts.sum(axis=0) >= minimum_support)
    level = max(len(followed), 1) / alpha
    evidence, reference = _evidence(counts, positives, followed, level)
    courses = tuple(
        _course(str(names[g]), counts[:, g], positives[:, g], *reference[g], evidence[g], periods, level)
        for g in evidence
    )
    return WeeklyDisparity(tuple(periods), courses, level, alpha)


def _evidence(
    counts: np.ndarray, positives: np.ndarray, followed: np.ndarray, level: float
) -> tuple[dict[int, np.ndarray], dict[int, tuple[np.ndarray, np.ndarray]]]:
    """Running e-values per group, and the sizes and positives of what each was compared with.

    A group whose evidence stood half-way to the alarm (on the log scale) leaves the others' reference from the next
    period on, so that one bad group does not make good ones look different. The rule looks back only, which keeps every
    bet fair.
    """
    periods, groups = counts.shape
    inside = np.ones((periods + 1, groups), dtype=bool)
    logs = {int(g): np.zeros(periods) for g in followed}
    for t in range(periods):
        for g in logs:
            others = _others(counts, positives, inside[: t + 1], g)
            logs[g][t] = log_e_values(counts[: t + 1, g], positives[: t + 1, g], *others)[-1]
        suspects = [g for g in logs if logs[g][t] >= np.log(level) / 2]
        inside[t + 1] = inside[t]
        inside[t + 1, suspects] = False
    evidence = {g: np.exp(np.minimum(values, 700.0)) for g, values in logs.items()}
    return evidence, {g: _others(counts, positives, inside[:periods], g) for g in logs}


def _others(counts: np.ndarray, positives: np.ndarray, inside: np.ndarray, g: int) -> tuple[np.ndarray, np.ndarray]:
    kept = inside.copy()
    kept[:, g] = False
    periods = len(kept)
    return (counts[:periods] * kept).sum(axis=1), (positives[:periods] * kept).sum(axis=1)


def log_e_values(n_a: np.ndarray, k_a: np.ndarray, n_b: np.ndarray, k_b: np.ndarray) -> np.ndarray:
    """Running log e-value of "a and b share one rate in each block", shape (blocks,).

    Each block bets with the rates that the blocks before it showed; the null's rate of the block is their mix by size,
    which makes the bet fair for every common rate.
    """
    past = [np.concatenate([[0.0], np.cumsum(v)[:-1]]) for v in (n_a, k_a, n_b, k_b)]
    rate_a = (past[1] + PRIOR) / (past[0] + 2 * PRIOR)
    rate_b = (past[3] + PRIOR) / (past[2] + 2 * PRIOR)
    n = n_a + n_b
    mixed = np.divide(n_a * rate_a + n_b * rate_b, n, out=rate_a.copy(), where=n > 0)
    gain = (
        k_a * np.log(rate_a / mixed) + (n_a - k_a) * np.log((1 - rate_a) / (1 - mixed))
        + k_b * np.log(rate_b / mixed) + (n_b - k_b) * np.log((1 - rate_b) / (1 - mixed))
    )  # fmt: skip
    return np.cumsum(np.where(n > 0, gain, 0.0))


def _course(
    name: str, n: np.ndarray, k: np.ndarray, others: np.ndarray, other_k: np.ndarray, evidence: np.ndarray,
    periods: Sequence[str], level: float,
) -> GroupWeeks:  # fmt: skip
    met = (n > 0) & (others > 0)
    rate, other_rate = k / np.maximum(n, 1), other_k / np.maximum(others, 1)
    low, high = wilson(rate, n, Z_POINTWISE)
    other_low, other_high = wilson(other_rate, others, Z_POINTWISE)
    difference = rate - other_rate
    lower = difference - np.hypot(rate - low, other_high - other_rate)
    upper = difference + np.hypot(high - rate, other_rate - other_low)
    crossed = np.flatnonzero(evidence >= level)
    return GroupWeeks(
        group=name,
        differences=tuple(float(d) if m else None for d, m in zip(difference, met, strict=True)),
        intervals=tuple((float(a), float(b)) if m else None for a, b, m in zip(lower, upper, met, strict=True)),
        evidence=tuple(float(e) for e in evidence),
        alarm=str(periods[crossed[0]]) if len(crossed) else None,
    )


def _counts(
    table: pd.DataFrame, group: str, period: str, outcome: str
) -> tuple[np.ndarray, np.ndarray, list[str], list[str]]:
    absent = [c for c in (group, period, outcome) if c not in table.columns]
    if absent:
        raise UnusableTable(
            f"Columns {absent} are not in the table, which has {list(table.columns)}. Name some that are."
        )
    known = table[table[outcome].notna() & table[group].notna() & table[period].notna()]
    known = known[~known[group].astype("str").map(is_unknown).astype(bool)]
    if not set(known[outcome].unique()) <= {0, 1}:
        raise UnusableTable(f"An outcome is 0 or 1; column {outcome!r} holds other values. Map it to 0 and 1.")
    names, periods = sorted(known[group].astype("str").unique()), sorted(known[period].astype("str").unique())
    shape = (len(periods), len(names))
    place = pd.Categorical(known[period].astype("str"), periods).codes.astype(np.int64) * len(names)
    place = place + pd.Categorical(known[group].astype("str"), names).codes
    counts = np.bincount(place, minlength=shape[0] * shape[1]).reshape(shape).astype(float)
    positives = np.bincount(place, weights=known[outcome].astype(float), minlength=shape[0] * shape[1]).reshape(shape)
    return counts, positives, names, periods
