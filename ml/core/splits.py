"""Cutting a table by time so that a model is judged only on what it could not have known.

Belongs here: label maturity, the cut between learning and judging, rolling origins. Does not belong here: fitting.

A row may be learned from at a cut when its label was known by then *and* had matured: an order is used once its promise
has passed, not as soon as it is delivered, because shortly before a cut the delivered orders are the punctual ones.
That leaves, before each cut, a natural gap as long as a promise; `gap` adds to it.
"""

import itertools
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.core.features import Roles, UnusableTable

Mask = NDArray[np.bool_]
NO_GAP = timedelta(0)


@dataclass(frozen=True)
class Timeline:
    """The times of a table's rows that matter to a split, as UTC `datetime64`, row by row.

    Attributes:
        made_at: When the prediction is made.
        usable_from: When the label is known and mature; NaT where it is not at `horizon`.
        horizon: The last moment that the table knows of.
    """

    made_at: pd.DatetimeIndex
    usable_from: pd.DatetimeIndex
    horizon: pd.Timestamp

    @property
    def labelled(self) -> Mask:
        """Rows whose label is known and mature."""
        return np.asarray(~self.usable_from.isna())

    def usable_by(self, cut: pd.Timestamp) -> Mask:
        """Rows whose label may be learned from at `cut`."""
        return np.asarray(self.labelled & (self.usable_from <= cut))


@dataclass(frozen=True)
class Cut:
    """One honest rehearsal: learn from what was known at `origin`, be judged on what was made from then until `end`."""

    learn: Mask
    judge: Mask
    origin: pd.Timestamp
    end: pd.Timestamp


def timeline(frame: pd.DataFrame, roles: Roles, as_of: pd.Timestamp | None = None) -> Timeline:
    """Read a table's times and decide from when on each label may be used.

    Args:
        frame: Rows with the columns of `roles`.
        roles: What its columns are.
        as_of: The moment that the table describes; rows after it are refused.

    Raises:
        UnusableTable: no rows, unreadable or missing times, times after `as_of`, or no known label.
    """
    if frame.empty:
        raise UnusableTable("The table has no rows. Land an extract and build the features first.")
    made_at = _times(frame, roles.time)
    if made_at.isna().any():
        raise UnusableTable(f"{roles.time} must be set on every row; it is null on {int(made_at.isna().sum())}.")
    if as_of is not None and (made_at > as_of).any():
        raise UnusableTable(
            f"{roles.time} must not lie after {as_of:%Y-%m-%d %H:%M} UTC, the moment that the table describes; it does "
            f"on {int((made_at > as_of).sum())} rows, up to {made_at.max():%Y-%m-%d %H:%M}. Correct these rows "
            f"at their source."
        )
    known_at = _times(frame, roles.known_at) if roles.known_at else made_at
    unlabelled = frame[roles.target].isna().to_numpy()
    seen = [moment for moment in (made_at.max(), known_at.max()) if not pd.isna(moment)]
    horizon = max(seen) if as_of is None else min(as_of, max(seen))
    matures_at = _times(frame, roles.matures_at) if roles.matures_at else known_at
    usable_from = pd.DatetimeIndex(np.where(matures_at.isna() | (known_at > matures_at), known_at, matures_at)).as_unit(
        "us"
    )
    usable_from = usable_from.tz_localize("UTC") if usable_from.tz is None else usable_from
    usable_from = usable_from.where(~(unlabelled | known_at.isna() | (usable_from > horizon)))
    if usable_from.isna().all():
        raise UnusableTable(
            f"No label is known and mature: {roles.target} is null or its outcome still open on all {len(frame)} rows. "
            f"Train after the first outcomes have arrived."
        )
    return Timeline(made_at, usable_from, horizon)


def _times(frame: pd.DataFrame, column: str) -> pd.DatetimeIndex:
    try:
        return pd.DatetimeIndex(pd.to_datetime(frame[column], utc=True, format="ISO8601")).as_unit("us")
    except (TypeError, ValueError) as error:
        raise UnusableTable(f"{column} must hold timestamps: {error}. Cast it where it is made.") from None


def latest_cut(times: Timeline, share: float, gap: timedelta = NO_GAP) -> Cut:
    """The cut that judges the last `share` of the labelled rows.

    Raises:
        UnusableTable: a side has no rows.
        ValueError: the share is not within (0, 1).
    """
    if not 0 < share < 1:
        raise ValueError(f"The share to judge must be within (0, 1); got {share}.")
    origin = _moment(_ordered(times, times.labelled), 1 - share)
    return _cut(times, times.labelled, origin, times.horizon, gap)


def rolling_cuts(times: Timeline, folds: int, within: Mask | None = None, share: float = 0.5,
                 gap: timedelta = NO_GAP) -> list[Cut]:  # fmt: skip
    """Cuts with rising origins, which together judge the last `share` of the labelled rows in equal stretches.

    Args:
        times: The table's times.
        folds: Number of stretches; those without rows to learn from are left out.
        within: Rows that may be used at all; for a rehearsal inside the rows that another cut learns from.
        share: Share of the rows that is judged.
        gap: Stretch before each origin that is not learned from.
    """
    if folds < 1:
        raise ValueError(f"Folds must be at least 1; got {folds}.")
    rows = times.labelled if within is None else times.labelled & within
    ordered = _ordered(times, rows)
    if len(ordered) == 0:
        return []
    edges = [_moment(ordered, part) for part in np.linspace(1 - share, 1.0, folds + 1)]
    edges[-1] = times.horizon
    cuts = []
    for origin, end in itertools.pairwise(edges):
        try:
            cuts.append(_cut(times, rows, origin, end, gap))
        except UnusableTable:
            continue
    return cuts


def _cut(times: Timeline, rows: Mask, origin: pd.Timestamp, end: pd.Timestamp, gap: timedelta) -> Cut:
    if gap < NO_GAP:
        raise ValueError(f"The gap before an origin must not be negative; got {gap}.")
    before_end = times.made_at <= end if end == times.horizon else times.made_at < end
    learn = rows & times.usable_by(origin) & np.asarray(times.made_at < origin - gap)
    judge = rows & np.asarray((times.made_at >= origin) & before_end)
    for name, chosen in (("learn from", learn), ("judge", judge)):
        if not chosen.any():
            raise UnusableTable(
                f"No row is left to {name}: the cut lies at {origin:%Y-%m-%d}, and a label may be used only once it is "
                f"known and mature. Land a longer history, or change the share to judge."
            )
    return Cut(learn, judge, origin, end)


def _ordered(times: Timeline, rows: Mask) -> NDArray[np.int64]:
    return np.sort(times.made_at[rows].asi8)


def _moment(ordered: NDArray[np.int64], share: float) -> pd.Timestamp:
    index = min(round(share * len(ordered)), len(ordered) - 1)
    return pd.Timestamp(int(ordered[index]), unit="us", tz="UTC")
