"""Changes in how a group is served: since when, and what became of its outcomes.

Belongs here: the search for the date of a change, and its effect beside groups that it did not touch. Does not belong
here: the weekly alarm (overtime), which watches outcomes and not the mix of services.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ml.core.fairness.results import Interval, json_values

FEWEST_PERIODS = 4
WINDOW = 28
Z = 1.959963984540054


@dataclass(frozen=True)
class Change:
    """A group whose service changed: from which period on, and the shares of each kind before and after."""

    group: str
    since: str
    adjusted_p: float
    before: Mapping[str, float]
    after: Mapping[str, float]
    n: int


def find_changes(
    table: pd.DataFrame, *, group: str, period: str, kind: str, minimum_support: int = 100, alpha: float = 0.05,
    seed: int = 0, resamples: int = 999,
) -> list[Change]:  # fmt: skip
    """Groups in which the mix of `kind` (carrier, service) changed on a date.

    The date is the split with the largest likelihood ratio; its null distribution comes from shuffling the group's
    periods, and p-values are corrected over the groups (Holm). A change that all groups share is found in all of them.

    Args:
        table: One row per order or parcel.
        group: Column of the group, such as the post-code area.
        period: Column of the period; its values sort by time.
        kind: Column of the category whose mix is followed.
        minimum_support: Fewest rows at which a group is searched.
        alpha: Family-wise error over the groups.
        seed: Seed of the shuffles.
        resamples: Shuffles per group.

    Returns:
        The changes, largest evidence first.
    """
    known = table[[group, period, kind]].dropna()
    kinds = sorted(known[kind].astype("str").unique())
    rng = np.random.default_rng(seed)
    found: dict[str, Change] = {}
    observed, null = [], []
    for name, rows in known.groupby(group, sort=True):
        if len(rows) < minimum_support or rows[period].nunique() < FEWEST_PERIODS:
            continue
        counts = pd.crosstab(rows[period].astype("str"), rows[kind].astype("str")).reindex(columns=kinds, fill_value=0)
        values = counts.to_numpy(dtype=float)
        ratios = _split_ratios(values[None])[0]
        order = rng.permuted(np.tile(np.arange(len(values)), (resamples, 1)), axis=1)
        shuffled = _split_ratios(values[order]).max(axis=1)
        best = int(np.argmax(ratios))
        before, after = values[: best + 1].sum(axis=0), values[best + 1 :].sum(axis=0)
        found[str(name)] = Change(str(name), str(counts.index[best + 1]), 1.0, _shares(kinds, before / before.sum()),
                                  _shares(kinds, after / after.sum()), len(rows))  # fmt: skip
        spread = max(float(shuffled.std()), 1e-9)
        observed.append((float(ratios[best]) - float(shuffled.mean())) / spread)
        null.append((shuffled - shuffled.mean()) / spread)
    if not found:
        return []
    largest = np.max(np.stack(null), axis=0)
    p_values = [float((1 + (largest >= value - 1e-9).sum()) / (resamples + 1)) for value in observed]
    changes = [replace(c, adjusted_p=p) for c, p in zip(found.values(), p_values, strict=True) if p <= alpha]
    return sorted(changes, key=lambda c: (c.adjusted_p, c.group))


def _split_ratios(counts: np.ndarray) -> np.ndarray:
    """Log-likelihood ratio of a split after each period but the last, shape (draws, periods − 1)."""
    before = counts.cumsum(axis=1)[:, :-1]
    after = counts.sum(axis=1, keepdims=True) - before
    return _information(before) + _information(after) - _information(counts.sum(axis=1, keepdims=True))


def _information(counts: np.ndarray) -> np.ndarray:
    total = counts.sum(axis=-1, keepdims=True)
    share = np.divide(counts, total, out=np.ones_like(counts), where=(total > 0) & (counts > 0))
    return np.asarray((counts * np.log(share)).sum(axis=-1))


def _shares(kinds: Sequence[str], values: np.ndarray) -> dict[str, float]:
    return {kind: float(value) for kind, value in zip(kinds, values, strict=True)}


@dataclass(frozen=True)
class ChangeEffect:
    """Rates of an outcome before and after a change, where it acted and elsewhere.

    Attributes:
        touched: (before, after) where the change acted.
        others: (before, after) elsewhere.
        difference: Rise where it acted, less the rise elsewhere (difference in differences).
        interval: 95 %, rows counted as independent.
        n: Rows of the touched groups before and after.
    """

    touched: tuple[float, float]
    others: tuple[float, float]
    difference: float
    interval: Interval
    n: tuple[int, int]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        plain: dict[str, Any] = json_values(self)
        return plain


def effect_of_change(
    table: pd.DataFrame, *, members: pd.Series, since: str, period: str, outcome: str, window: int = WINDOW
) -> ChangeEffect | None:
    """What a change did to an outcome, beside groups that it did not touch; None where a side has no rows.

    Args:
        table: One row per order.
        members: Whether a row belongs to the groups that the change touched.
        since: First period after the change.
        period: Column of the period; its values sort by time.
        outcome: Column of 0 and 1; rows where it is missing are left out.
        window: Periods to look at on either side.
    """
    known = table[table[outcome].notna() & table[period].notna()]
    touched = members.loc[known.index].to_numpy(dtype=bool)
    periods = np.array(sorted(known[period].astype("str").unique()))
    start = int(np.searchsorted(periods, since))
    when = np.searchsorted(periods, known[period].astype("str").to_numpy())
    values = known[outcome].to_numpy(dtype=float)
    sides = {"before": (when >= start - window) & (when < start), "after": (when >= start) & (when < start + window)}
    cells = [values[mask & side] for mask in (touched, ~touched) for side in sides.values()]
    if any(len(cell) == 0 for cell in cells):
        return None
    before, after, others_before, others_after = (float(cell.mean()) for cell in cells)
    # One row is added to each side, so that a side without any outcome still has a width (Agresti & Caffo 2000).
    shares = [((cell.sum() + 0.5) / (len(cell) + 1), len(cell) + 1) for cell in cells]
    half = Z * float(np.sqrt(sum(rate * (1 - rate) / n for rate, n in shares)))
    rise = (after - before) - (others_after - others_before)
    return ChangeEffect(
        (before, after), (others_before, others_after), rise, (rise - half, rise + half),
        (len(cells[0]), len(cells[1])),
    )  # fmt: skip
