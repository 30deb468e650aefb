"""Finding features that tell when a row was made rather than what it is.

Belongs here: the test, and leaving such features out. Does not belong here: drift alarms on a running model.

A running count, or a level that trends, separates old rows from new ones almost perfectly. Trees then learn the past
calendar ("in that month many were late") and carry it into a future that it cannot fit. The test is adversarial
validation one feature at a time: the ROC-AUC with which the feature alone tells the newest rows from the older ones.
No label is looked at.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from ml.core.features import FeatureSet, UnusableTable

NEWEST_SHARE = 0.18
FEWEST_ROWS = 50


def leave_out_clocks(inputs: pd.DataFrame, made_at: pd.DatetimeIndex, features: FeatureSet, limit: float) -> FeatureSet:
    """Leave out number features that tell the newest rows from the older ones with a ROC-AUC above `limit`.

    Args:
        inputs: Prepared rows that are learned from.
        made_at: Their times.
        features: The features to test; categories stay.
        limit: Highest AUC that a feature may reach, within 0.5 and 1; 1 keeps every feature.

    Raises:
        UnusableTable: nothing remains.
    """
    newest = np.asarray(made_at >= made_at.sort_values()[int((1 - NEWEST_SHARE) * len(made_at))])
    reasons = dict(features.left_out)
    kept = []
    for feature in features.features:
        area = separation(inputs[feature.name].to_numpy(), newest) if feature.kind == "number" else 0.5
        if area > limit:
            reasons[feature.name] = f"tells new rows from old with AUC {area:.2f}, above {limit:.2f}"
        else:
            kept.append(feature)
    if not kept:
        raise UnusableTable(
            f"Every feature tells new rows from old better than the limit of {limit:.2f} allows: "
            f"{'; '.join(reasons)}. Publish features relative to their recent level, or raise the limit."
        )
    return replace(features, features=tuple(kept), left_out=reasons)


def separation(values: NDArray[np.float64], newest: NDArray[np.bool_]) -> float:
    """ROC-AUC, at least 0.5, with which `values` tell the newest rows from the rest; 0.5 where values are too few."""
    present = np.isfinite(values)
    new = newest[present]
    count_new, count_old = int(new.sum()), int((~new).sum())
    if min(count_new, count_old) < FEWEST_ROWS:
        return 0.5
    ranks = rankdata(values[present])
    area = (ranks[new].sum() - count_new * (count_new + 1) / 2) / (count_new * count_old)
    return float(max(area, 1 - area))
