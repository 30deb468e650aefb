"""Lead times by rolling origins: quantiles learned from what was known, judged on what was ordered next.

Belongs here: which orders are learned from, calibrated on and judged at an origin. Does not belong here: the method
(ml/core/lead_times).
"""

import itertools

import numpy as np
import pandas as pd

from ml.core.features import FeatureSet, drop_unusable, prepare
from ml.core.intervals import Floats
from ml.core.lead_times import LeadTimeModel, TreeParameters, coverage, learn_lead_times
from ml.core.stationarity import leave_out_clocks
from ml.io.data import TableSource, read_rows
from ml.jobs.catalogue import ModelSpec

#: Newest orders before an origin that the margins are calibrated on, as a share of those known.
CALIBRATED_SHARE = 0.3
#: An order that is open after this many days counts as lost, and says nothing of how long orders take.
LONGEST_DAYS = 60
HOUR = pd.Timedelta(hours=1)


def judge_lead_times(source: TableSource, spec: ModelSpec, folds: int, judged_share: float = 0.5,
                     service: float = 0.9) -> pd.DataFrame:  # fmt: skip
    """One row a delivered order that was judged.

    Args:
        source: A table of orders with the model's roles; `known_at` is the delivery.
        spec: Whose roles and features are used.
        folds: Stretches of equal size.
        judged_share: Share of the orders, newest first, that is judged.
        service: Service level of the promises that are judged beside.

    Returns:
        `ordered_at`, `region_code`, `fold`, `is_inside` (the 90 % interval holds the order), `width` (hours) and
        `is_kept` (the order came by the promise of that service level).

    Raises:
        UnusableTable: too few delivered orders at an origin.
    """
    roles = spec.roles
    frame, features = read_rows(source, roles)
    inputs = prepare(frame, features)
    ordered, delivered = (pd.to_datetime(frame[name]) for name in (roles.time, roles.known_at))
    hours = ((delivered - ordered) / HOUR).to_numpy(np.float64)
    regions = frame[roles.groups[0]].fillna("unknown").astype(str).to_numpy()
    edges = ordered.quantile(np.linspace(1 - judged_share, 1, folds + 1)).to_list()
    found = []
    for fold, (origin, end) in enumerate(itertools.pairwise(edges)):
        model = learn_at(frame, inputs, hours, regions, origin, features, spec)
        rows = ((ordered >= origin) & (ordered <= end)).to_numpy() & np.isfinite(hours) & (hours <= LONGEST_DAYS * 24)
        quantiles = model.quantiles(inputs[rows], regions[rows])
        promised = model.promise(inputs[rows], regions[rows], service)
        found.append(
            pd.DataFrame(
                {
                    "ordered_at": ordered[rows], "region_code": regions[rows], "fold": fold,
                    "is_inside": coverage(hours[rows], quantiles), "width": quantiles[:, 2] - quantiles[:, 0],
                    "is_kept": (hours[rows] <= promised).astype(np.float64),
                }
            )
        )  # fmt: skip
    return pd.concat(found, ignore_index=True)


def learn_at(frame: pd.DataFrame, inputs: pd.DataFrame, hours: Floats, regions: np.ndarray, origin: pd.Timestamp,
             features: FeatureSet, spec: ModelSpec) -> LeadTimeModel:  # fmt: skip
    """The model that can be learned from what is known at `origin`."""
    ordered = pd.to_datetime(frame[spec.roles.time])
    age = ((origin - ordered) / HOUR).to_numpy(np.float64)
    known_hours = np.where(hours <= age, hours, np.nan)
    is_lost = np.isnan(known_hours) & (age > LONGEST_DAYS * 24)
    known = (age > 0) & ~is_lost & ~(known_hours > LONGEST_DAYS * 24)
    newest = ordered[known].quantile(1 - CALIBRATED_SHARE)
    calibrate = known & (ordered >= newest).to_numpy()
    learn = known & ~calibrate
    usable = drop_unusable(inputs[learn], features)
    usable = leave_out_clocks(inputs[learn], pd.DatetimeIndex(ordered[learn]), usable, spec.plan.clock_limit)
    return learn_lead_times(inputs, known_hours, age, regions, learn, calibrate, usable, TreeParameters(), spec.seed)
