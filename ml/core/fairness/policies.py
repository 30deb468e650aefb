"""Two policies on the same orders: which groups one of them serves worse, by paired differences over rounds.

Belongs here: the comparison by group and its verdict. Does not belong here: replaying orders (ml/jobs/policy_replay,
decisions/routing/twin_replay).

A round is what may be taken as independent of the others: a day of past orders, or a replication of the twin. Orders of
one round compete for the same stock, so that errors are those of ratios over rounds (linearised; Cochran 1977, Sampling
Techniques, §6.13), with a t distribution of rounds − 1 degrees of freedom. What a policy does to all groups alike is no
disparity: each group's change is compared with that of the typical group, the one at the size-weighted median, so that
a group that gains much does not make the others look hurt. P-values are corrected over groups (Holm 1979), and figures
are read one by one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ml.core.fairness.cells import is_unknown
from ml.core.fairness.intervals import sidak_level
from ml.core.fairness.judge import holm
from ml.core.fairness.metrics import Worse
from ml.core.fairness.results import Interval, Verdict, json_values
from ml.core.fairness.shrinkage import between_group_variance

Floats = NDArray[np.float64]
Kind = Literal["rate", "mean"]

FEWEST_ROUNDS = 4
#: Changes against the typical group up to this are of no practical weight: points of a rate, share of a mean.
TOLERANCE = 0.02
#: Half-widths of a group's interval, in tolerances, above which nothing found does not mean nothing there.
BLIND_ABOVE = 2.5


@dataclass(frozen=True)
class Figure:
    """What is compared: a share (`rate`) or a number (`mean`), and which direction is worse for people."""

    kind: Kind
    worse: Worse


#: What is asked of every policy. Money spent on a region and how often a person looks are shown, and are no harm.
DECISIONS: Mapping[str, Figure] = {
    "on_time": Figure("rate", "lower"), "promised_days": Figure("mean", "higher"),
    "hours_to_door": Figure("mean", "higher"), "split": Figure("rate", "higher"),
    "unfilled": Figure("rate", "higher"), "shipping_cost": Figure("mean", "either"),
    "automated": Figure("rate", "either"), "sent_to_a_person": Figure("rate", "either"),
    "overridden": Figure("rate", "either"),
}  # fmt: skip


@dataclass(frozen=True)
class Rounds:
    """One figure under both policies. Arrays have the shape (rounds, groups): sums, and what they are divided by."""

    before: Floats
    size_before: Floats
    after: Floats
    size_after: Floats


@dataclass(frozen=True)
class GroupChange:
    """One group under one figure.

    Attributes:
        group: Name.
        n: Orders, over all rounds.
        before, after: The figure under the current and the proposed policy; None under the minimum support.
        change: after − before.
        against_typical: The change less that of the typical group.
        interval: Simultaneous 95 % interval of it over the judged groups.
        adjusted_p: Corrected over the groups.
        named: Served worse (or, where no direction is worse, otherwise) than the typical group by more than the
            tolerance.
    """

    group: str
    n: int
    before: float | None = None
    after: float | None = None
    change: float | None = None
    against_typical: float | None = None
    interval: Interval | None = None
    adjusted_p: float | None = None
    named: bool = False


@dataclass(frozen=True)
class FigureChange:
    """One figure over all groups.

    Attributes:
        kind, worse: As in `Figure`.
        verdict: gap (some group is named), no_gap_found, insufficient_evidence, or undefined.
        before, after, change: Over all groups together.
        interval: 95 % interval of the change.
        spread_before, spread_after: Standard deviation between the judged groups, less what chance adds.
        spread_change: Interval of spread_after − spread_before, by the jackknife over rounds; None if undefined.
        tolerance: In the figure's unit.
        groups: By name.
    """

    kind: Kind
    worse: Worse
    verdict: Verdict
    before: float | None
    after: float | None
    change: float | None
    interval: Interval | None
    spread_before: float
    spread_after: float
    spread_change: Interval | None
    tolerance: float
    groups: tuple[GroupChange, ...]

    @property
    def named(self) -> list[str]:
        """Groups that are served worse, the worst first."""
        found = [g for g in self.groups if g.named]
        return [g.group for g in sorted(found, key=lambda g: -abs(g.against_typical or 0.0))]


@dataclass(frozen=True)
class PolicyComparison:
    """Two policies by group.

    Attributes:
        source: `past_orders` or `twin`.
        verdict: gap if any figure of which a direction is worse shows one, else what could be judged.
        rounds: Days or replications.
        orders: Orders, over all rounds.
        figures: Figure → its change.
        not_recorded: Figures that the source does not hold, or that neither policy moves.
        left_out: Reason → orders that could not be decided anew.
        facts: What was compared: policies, window, versions.
    """

    source: Literal["past_orders", "twin"]
    verdict: Verdict
    rounds: int
    orders: int
    figures: Mapping[str, FigureChange]
    not_recorded: tuple[str, ...]
    left_out: Mapping[str, int]
    facts: Mapping[str, Any]

    @property
    def named(self) -> dict[str, list[str]]:
        """Figure → groups that are served worse, for figures of which a direction is worse."""
        return {name: found.named for name, found in self.figures.items() if found.named and found.worse != "either"}

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        plain: dict[str, Any] = json_values(self)
        return plain


def compare_policies(
    source: Literal["past_orders", "twin"],
    groups: Sequence[str],
    support: NDArray[np.integer],
    rounds: Mapping[str, Rounds],
    figures: Mapping[str, Figure],
    *,
    minimum_support: int = 100,
    alpha: float = 0.05,
    left_out: Mapping[str, int] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> PolicyComparison:
    """Judge what the proposed policy does to groups.

    Args:
        source: Where the rounds come from.
        groups: Names, (G,); an unknown group counts in the totals and is never judged.
        support: (G,) orders of each over all rounds.
        rounds: Figure → its sums; figures that the source does not hold are absent.
        figures: Every figure that is asked for.
        minimum_support: Fewest orders at which a group is judged.
        alpha: Error over the groups of a figure.
        left_out: Reason → orders that could not be decided anew.
        facts: What was compared.
    """
    judged = (np.asarray(support) >= minimum_support) & np.array([not is_unknown(name) for name in groups], bool)
    found = {
        name: _figure(figure, rounds[name], groups, support, judged, alpha)
        for name, figure in figures.items() if name in rounds
    }  # fmt: skip
    verdicts = [figure.verdict for figure in found.values() if figure.worse != "either"]
    order: tuple[Verdict, ...] = ("gap", "no_gap_found", "insufficient_evidence")
    return PolicyComparison(
        source, next((v for v in order if v in verdicts), "undefined"),
        max((len(r.before) for r in rounds.values()), default=0), int(np.sum(support)), found,
        tuple(name for name in figures if name not in rounds), dict(left_out or {}), dict(facts or {}),
    )  # fmt: skip


def rounds_of_orders(
    orders: pd.DataFrame, *, group: str, round_: str, figures: Sequence[str]
) -> tuple[list[str], NDArray[np.int64], dict[str, Rounds]]:
    """Sums by round and group of a table with one row an order and two columns a figure, `_before` and `_after`.

    Returns:
        Names of the groups, orders of each, and the figures of which anything is known under both policies.
    """
    names = sorted(orders[group].astype("str").unique())
    row = pd.factorize(orders[round_], sort=True)[0]
    place = row * len(names) + pd.Categorical(orders[group].astype("str"), names).codes
    shape = (int(row.max(initial=-1)) + 1, len(names))

    def summed(weights: Floats) -> Floats:
        found = np.bincount(place, weights=weights, minlength=shape[0] * shape[1]).reshape(shape)
        return found.astype(np.float64)

    found = {}
    for name in figures:
        before, after = (orders[f"{name}_{when}"].to_numpy(np.float64) for when in ("before", "after"))
        known = np.isfinite(before) & np.isfinite(after)
        if known.any():
            size = summed(known.astype(np.float64))
            found[name] = Rounds(summed(np.where(known, before, 0.0)), size, summed(np.where(known, after, 0.0)), size)
    return names, summed(np.ones(len(orders))).sum(axis=0).astype(np.int64), found


def _figure(figure: Figure, rounds: Rounds, groups: Sequence[str], support: NDArray[np.integer],
            judged: NDArray[np.bool_], alpha: float) -> FigureChange:  # fmt: skip
    able = judged & (rounds.size_before.sum(axis=0) > 0) & (rounds.size_after.sum(axis=0) > 0)
    before, noise_before = _ratio(rounds.before, rounds.size_before)
    after, noise_after = _ratio(rounds.after, rounds.size_after)
    whole = Rounds(*(part.sum(axis=1, keepdims=True) for part in vars(rounds).values()))
    (all_before, whole_noise), (all_after, more) = (
        _ratio(whole.before, whole.size_before),
        _ratio(whole.after, whole.size_after),
    )
    total, moved = all_after[0] - all_before[0], (more - whole_noise)[:, 0]
    tolerance = TOLERANCE * (1.0 if figure.kind == "rate" else max(abs(float(all_before[0])), 1e-9))
    rows = len(rounds.before)
    if able.sum() < 2 or rows < FEWEST_ROUNDS:
        bare = tuple(GroupChange(name, int(n)) for name, n in zip(groups, support, strict=True))
        verdict: Verdict = "insufficient_evidence" if np.sum(support) else "undefined"
        return FigureChange(figure.kind, figure.worse, verdict, _known(all_before[0]), _known(all_after[0]),
                            _known(total), None, 0.0, 0.0, None, tolerance, bare)  # fmt: skip
    change, noise = after - before, noise_after - noise_before
    typical = _typical(change, np.where(able, rounds.size_before.sum(axis=0), 0.0))
    against = change - change[typical]
    error = _error(noise - noise[:, [typical]])
    level = sidak_level(alpha, int(able.sum()) - 1)
    half = stats.t.ppf(1 - level / 2, rows - 1) * error
    p = {
        groups[g]: float(2 * stats.t.sf(abs(against[g]) / max(error[g], 1e-12), rows - 1))
        for g in map(int, np.flatnonzero(able)) if g != typical
    }  # fmt: skip
    adjusted = {**holm(p), groups[typical]: 1.0}
    sign = {"higher": 1.0, "lower": -1.0, "either": 0.0}[figure.worse]
    changes = tuple(
        GroupChange(
            name, int(support[g]), float(before[g]), float(after[g]), float(change[g]), float(against[g]),
            (float(against[g] - half[g]), float(against[g] + half[g])), adjusted[name],
            adjusted[name] <= alpha and (sign * against[g] if sign else abs(against[g])) > tolerance,
        ) if able[g] else GroupChange(name, int(support[g]))
        for g, name in enumerate(groups)
    )  # fmt: skip
    spreads = _spreads(rounds, able)
    return FigureChange(
        figure.kind, figure.worse, _verdict(changes, half[able], tolerance), _known(all_before[0]),
        _known(all_after[0]), _known(total), _around(float(total), _error(moved[:, None])[0], rows, alpha), *spreads,
        tolerance, changes,
    )  # fmt: skip


def _ratio(sums: Floats, sizes: Floats) -> tuple[Floats, Floats]:
    """Sum over rounds ÷ size over rounds, (G,), and what each round adds to its error, (K, G)."""
    size = np.maximum(sizes.sum(axis=0), 1e-300)
    value = np.where(sizes.sum(axis=0) > 0, sums.sum(axis=0) / size, np.nan)
    return value, np.where(np.isfinite(value), (sums - np.nan_to_num(value) * sizes) / size, 0.0)


def _error(noise: Floats) -> Floats:
    """Standard error of a linearised ratio from the (K, G) contributions of its rounds."""
    return np.sqrt(len(noise) / (len(noise) - 1) * (noise**2).sum(axis=0))


def _typical(change: Floats, weight: Floats) -> int:
    """The group at the weighted median of the changes."""
    order = np.argsort(np.where(weight > 0, change, np.inf), kind="stable")
    return int(order[np.searchsorted(np.cumsum(weight[order]), weight.sum() / 2)])


def _spreads(rounds: Rounds, able: NDArray[np.bool_]) -> tuple[float, float, Interval | None]:
    """Spread between the groups before and after, and the jackknife interval of what it changed by."""

    def spread(sums: Floats, sizes: Floats) -> float:
        value, noise = _ratio(sums, sizes)
        return float(np.sqrt(between_group_variance(value[able], np.maximum(_error(noise), 1e-9)[able])))

    def widened(keep: NDArray[np.bool_]) -> float:
        return spread(rounds.after[keep], rounds.size_after[keep]) - spread(
            rounds.before[keep], rounds.size_before[keep]
        )

    rows = len(rounds.before)
    every = np.ones(rows, bool)
    before, after = spread(rounds.before, rounds.size_before), spread(rounds.after, rounds.size_after)
    left = np.array([widened(every & (np.arange(rows) != k)) for k in range(rows)])
    error = float(np.sqrt((rows - 1) / rows * ((left - left.mean()) ** 2).sum()))
    return before, after, _around(after - before, error, rows, 0.05)


def _verdict(changes: Sequence[GroupChange], half: Floats, tolerance: float) -> Verdict:
    if any(g.named for g in changes):
        return "gap"
    return "no_gap_found" if float(np.median(half)) <= BLIND_ABOVE * tolerance else "insufficient_evidence"


def _around(value: float, error: float, rounds: int, alpha: float) -> Interval:
    half = float(stats.t.ppf(1 - alpha / 2, rounds - 1) * error)
    return value - half, value + half


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
