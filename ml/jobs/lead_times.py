"""Lead times by rolling origins: quantiles learned from what was known, judged on what was ordered next.

Belongs here: which orders are learned from, rehearsed and judged at an origin, the rules that stand beside. Does not
belong here: the method (ml/core/lead_times), logging and registering (ml/jobs/train_lead_times).
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.core.features import FeatureSet, UnusableTable, drop_unusable, prepare
from ml.core.intervals import ClusterBootstrap, Estimate, Floats
from ml.core.lead_times import LEVELS, LeadTimeModel, Rehearsal, TreeParameters, Watched, calibrated, fit_trees
from ml.core.metrics import Segment
from ml.core.quantile_metrics import evaluate_quantiles, group_quantiles, quantile_segments
from ml.core.splits import Mask
from ml.core.stationarity import leave_out_clocks
from ml.jobs.catalogue import ModelSpec
from ml.jobs.learning import days_of

#: Newest orders before an origin whose residuals give the margins, as a share of those known, and in how many steps.
REHEARSED_SHARE, REHEARSALS = 0.5, 3
#: An order that is open after this many days counts as lost, and says nothing of how long orders take.
LONGEST_DAYS = 60
#: Orders are judged once this share of past orders had arrived at their age, so that the slow ones are not missing.
SETTLED_SHARE = 0.99
SERVICE = 0.9
HOUR = pd.Timedelta(hours=1)
BOUNDS = ("lower_hours", "median_hours", "upper_hours")
#: Rules that know as much as the model did: quantiles of everybody's past orders, and of the lane's.
COMPANY, LANE = "company_quantiles", "lane_quantiles"


@dataclass(frozen=True)
class OrderTable:
    """Orders with the roles of a model's columns resolved.

    Attributes:
        frame: Rows as read.
        inputs: The prepared features.
        ordered: When each was placed, UTC.
        hours: From order to door, NaN where not known.
        regions: Region of each.
    """

    frame: pd.DataFrame
    inputs: pd.DataFrame
    ordered: pd.DatetimeIndex
    hours: Floats
    regions: np.ndarray

    def as_of(self, moment: pd.Timestamp) -> tuple[Watched, Mask]:
        """What is known at a moment, and which orders say anything then of how long orders take."""
        age = np.asarray((moment - self.ordered) / HOUR, dtype=np.float64)
        hours = np.where(self.hours <= age, self.hours, np.nan)
        is_lost = np.where(np.isnan(hours), age, hours) > LONGEST_DAYS * 24
        return Watched(self.inputs, hours, age, self.regions), (age > 0) & ~is_lost


@dataclass(frozen=True)
class Stretch:
    """One stretch of the backtest."""

    origin: pd.Timestamp
    end: pd.Timestamp
    count_learned: int
    count_judged: int
    metrics: dict[str, Estimate]


@dataclass(frozen=True)
class LeadTimesLearned:
    """A version with its evidence.

    Attributes:
        model: The version; it learned before the last stretch's origin and is what that stretch judged.
        features: What it reads.
        inputs: Prepared rows of the whole table.
        backtest: One row a judged order: key, time, groups, `fold`, `hours`, `BOUNDS`, `promised_hours` at `SERVICE`,
            `outcome` (1 outside the 90 % interval), `predicted` (what is stated for that: 0.1), both rules' quantiles.
        stretches: Of the backtest.
        overall, latest: Metrics of all stretches together, and of the last one.
        by_group: Metrics by region, and by region and segment.
        notes: What a reader must know.
    """

    model: LeadTimeModel
    features: FeatureSet
    inputs: pd.DataFrame
    backtest: pd.DataFrame
    stretches: tuple[Stretch, ...]
    overall: dict[str, Estimate]
    latest: dict[str, Estimate]
    by_group: tuple[Segment, ...]
    notes: tuple[str, ...]


def order_table(frame: pd.DataFrame, features: FeatureSet, spec: ModelSpec,
                as_of: pd.Timestamp | None = None) -> OrderTable:  # fmt: skip
    """Check and resolve rows.

    Raises:
        UnusableTable: no rows, no delivered order, a missing or future time, a negative duration.
    """
    roles = spec.roles
    if frame.empty:
        raise UnusableTable("The table has no rows. Land an extract and build the features first.")
    ordered = pd.DatetimeIndex(pd.to_datetime(frame[roles.time], utc=True))
    if ordered.hasnans:
        raise UnusableTable(f"{roles.time} must be set on every row; it is null on {int(ordered.isna().sum())}.")
    if as_of is not None and (ordered > as_of).any():
        raise UnusableTable(
            f"{roles.time} must not lie after {as_of:%Y-%m-%d %H:%M} UTC, the moment that the table describes; it does "
            f"on {int((ordered > as_of).sum())} rows. Correct these rows at their source."
        )
    hours = frame[roles.target].to_numpy(np.float64)
    if not np.isfinite(hours).any():
        raise UnusableTable(
            f"No order has a known {roles.target}; all {len(frame)} are open. Train after the first deliveries."
        )
    if (hours < 0).any():
        raise UnusableTable(
            f"{roles.target} must not be negative; it is on {int((hours < 0).sum())} rows. Correct the delivery times "
            f"at their source."
        )
    regions = frame[roles.groups[0]].fillna("unknown").astype(str).to_numpy()
    return OrderTable(frame, prepare(frame, features), ordered, hours, regions)


def learn_and_judge_lead_times(frame: pd.DataFrame, features: FeatureSet, spec: ModelSpec,
                               as_of: pd.Timestamp | None, minimum_support: int,
                               parameters: TreeParameters) -> LeadTimesLearned:  # fmt: skip
    """Learn a version and judge its recipe by rolling origins.

    Args:
        frame: Rows with the columns of the model's roles and features; the target is the hours, null while open.
        features: Columns that may be used.
        spec: The model.
        as_of: The moment that the rows describe.
        minimum_support: Fewest orders at which a segment is judged.
        parameters: Of the trees.

    Raises:
        UnusableTable: the rows cannot be learned from; says why and what to do.
    """
    table = order_table(frame, features, spec, as_of)
    is_settled = settled(table, as_of)
    edges = table.ordered[is_settled].sort_values()
    shares = np.linspace(1 - spec.judged_share, 1.0, spec.folds + 1)
    origins = [edges[min(int(share * len(edges)), len(edges) - 1)] for share in shares]
    notes: list[str] = []
    judged: list[pd.DataFrame] = []
    versions: list[tuple[pd.Timestamp, pd.Timestamp, int, LeadTimeModel, FeatureSet]] = []
    for origin, end in itertools.pairwise(origins):
        rows = is_settled & np.asarray((table.ordered >= origin) & (table.ordered <= end))
        try:
            model, usable, count = learn_at(table, origin, features, spec, parameters)
        except UnusableTable as error:
            if end == origins[-1]:
                raise
            notes.append(f"The stretch from {origin:%Y-%m-%d} is not judged: {error}")
            continue
        versions.append((origin, end, count, model, usable))
        judged.append(_judged_rows(table, rows, model, origin, spec).assign(fold=len(versions)))
    backtest = pd.concat(judged, ignore_index=True)
    *_, model, usable = versions[-1]
    notes.extend(
        f"Column {name} is not used: {why}." for name, why in usable.left_out.items() if name not in features.left_out
    )
    return LeadTimesLearned(
        model=model, features=usable, inputs=table.inputs, backtest=backtest,
        stretches=tuple(
            Stretch(origin, end, count, len(rows), _metrics(rows, spec))
            for (origin, end, count, _model, _usable), rows in zip(versions, judged, strict=True)
        ),
        overall=_metrics(backtest, spec), latest=_metrics(judged[-1], spec),
        by_group=_by_group(backtest, spec, minimum_support), notes=tuple(notes),
    )  # fmt: skip


def learn_at(table: OrderTable, origin: pd.Timestamp, features: FeatureSet, spec: ModelSpec,
             parameters: TreeParameters) -> tuple[LeadTimeModel, FeatureSet, int]:  # fmt: skip
    """The model that can be learned from what is known at `origin`, what it reads, and from how many orders.

    Raises:
        UnusableTable: too few orders have been delivered by then.
    """
    now, known = table.as_of(origin)
    learned = known & now.delivered
    if not learned.any():
        raise UnusableTable(f"No order had been delivered by {origin:%Y-%m-%d}. Land a longer history.")
    usable = drop_unusable(table.inputs[learned], features)
    usable = leave_out_clocks(table.inputs[learned], table.ordered[learned], usable, spec.plan.clock_limit)
    edges = table.ordered[known].sort_values()
    shares = np.linspace(1 - REHEARSED_SHARE, 1.0, REHEARSALS + 1)
    moments = [edges[min(int(share * len(edges)), len(edges) - 1)] for share in shares]
    rehearsals = []
    for start, end in itertools.pairwise(moments):
        then, known_then = table.as_of(start)
        trees = fit_trees(then, known_then, usable, parameters, spec.seed)
        rehearsals.append(Rehearsal(trees, known & np.asarray((table.ordered >= start) & (table.ordered < end))))
    trees = fit_trees(now, known, usable, parameters, spec.seed)
    return calibrated(now, trees, rehearsals, usable, spec.roles.groups[0]), usable, int(learned.sum())


def settled(table: OrderTable, as_of: pd.Timestamp | None) -> Mask:
    """Delivered orders that are old enough for their slow siblings to have been delivered too."""
    delivered = np.isfinite(table.hours) & (table.hours <= LONGEST_DAYS * 24)
    if not delivered.any():
        raise UnusableTable(f"No order was delivered within {LONGEST_DAYS} days. Check the delivery times.")
    horizon = as_of or max(table.ordered.max(), (table.ordered + pd.to_timedelta(table.hours, unit="h")).max())
    slow = float(np.quantile(table.hours[delivered], SETTLED_SHARE))
    return delivered & np.asarray((horizon - table.ordered) / HOUR >= slow)


def _judged_rows(table: OrderTable, rows: Mask, model: LeadTimeModel, origin: pd.Timestamp,
                 spec: ModelSpec) -> pd.DataFrame:  # fmt: skip
    roles = spec.roles
    frame = table.frame[rows]
    stated = model.predict(frame)
    hours = table.hours[rows]
    found = frame[[roles.key, roles.time, *roles.groups]].reset_index(drop=True)
    found[list(BOUNDS)] = stated[list(BOUNDS)].to_numpy()
    found["hours"], found["promised_hours"] = hours, model.promise(frame, SERVICE)
    now, known = table.as_of(origin)
    learned = known & now.delivered
    lanes = [name for name in roles.lanes if name in table.frame.columns] or list(roles.groups[:1])
    past = pd.Series(now.hours[learned])
    everybody = np.quantile(past, LEVELS)
    by_lane = group_quantiles(table.frame.loc[learned, lanes], past, frame[lanes], LEVELS)
    for name, quantiles in ((COMPANY, np.tile(everybody, (len(found), 1))), (LANE, by_lane)):
        found[[f"{name}_{level:g}" for level in LEVELS]] = quantiles
    outside = (hours < found["lower_hours"]) | (hours > found["upper_hours"])
    return found.assign(outcome=outside.astype(np.float64), predicted=1 - (LEVELS[-1] - LEVELS[0]))


def _metrics(rows: pd.DataFrame, spec: ModelSpec) -> dict[str, Estimate]:
    bootstrap = ClusterBootstrap(days_of(rows, spec.roles.time), spec.replicates, spec.seed)
    rules = {name: rows[[f"{name}_{level:g}" for level in LEVELS]].to_numpy() for name in (COMPANY, LANE)}
    return evaluate_quantiles(
        rows["hours"].to_numpy(), rows[list(BOUNDS)].to_numpy(), rows["promised_hours"].to_numpy(), LEVELS, bootstrap,
        rules,
    )  # fmt: skip


def _by_group(rows: pd.DataFrame, spec: ModelSpec, minimum_support: int) -> tuple[Segment, ...]:
    groups = spec.roles.groups
    found: list[Segment] = []
    for by in [groups[:1], groups[:2]][: len(groups)]:
        found += quantile_segments(rows, by, lambda part: _metrics(part, spec), minimum_support)
    return tuple(found)


def worst_region(segments: Sequence[Segment], at_least: int) -> tuple[Segment | None, int]:
    """The region with the least coverage among those with enough orders, and how many those are."""
    large = [
        segment for segment in segments
        if len(segment.names) == 1 and segment.count >= at_least and "coverage" in segment.metrics
    ]  # fmt: skip
    return min(large, key=lambda segment: segment.metrics["coverage"].value, default=None), len(large)
