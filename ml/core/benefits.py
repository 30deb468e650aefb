"""What putting another version to work would change: cost, on time, automation and regional gap, paired by order.

Belongs here: the differences with their intervals, on plain columns. Does not belong here: where the two answers of an
order come from (ml/jobs/shadow, ml/jobs/policy_replay), what is concluded from them (gates, people).

Both answers are about the same orders, so that what an order is like cancels out. Nothing is made up: a measure whose
columns are not given is said to be *not recorded*, and why.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from ml.core.intervals import ClusterBootstrap, Estimate, Floats

BEFORE, AFTER = "_before", "_after"
#: Measures in the order in which they are read. `regional` is spread over regions; the others are means.
MEASURES = ("cost", "on_time", "automatic", "error", "regional")


@dataclass(frozen=True)
class Benefit:
    """One measure under the champion and under the challenger.

    Attributes:
        measure: `cost` (money an order), `on_time` and `automatic` (shares), `error` (squared error of a
            probability, or absolute error of hours),
            `regional` (largest less smallest mean of a region).
        basis: `outcome`, `expected`, or `not recorded`.
        orders: Orders compared.
        before, after: Under the champion, under the challenger; None where not recorded.
        difference: After less before; without bounds where clusters are too few.
        note: Why it is not recorded, or what it is worked out from.
    """

    measure: str
    basis: str
    orders: int = 0
    before: float | None = None
    after: float | None = None
    difference: Mapping[str, float | None] | None = None
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return asdict(self)


def benefits(pairs: pd.DataFrame, basis: Mapping[str, tuple[str, str]], clusters: str, region: str, fewest: int,
             replicates: int, seed: int) -> list[Benefit]:  # fmt: skip
    """The measures of `MEASURES`, each with its paired difference.

    Args:
        pairs: One row an order, with `<measure>_before` and `<measure>_after` for each measure that is recorded; rows
            in which either is missing do not count for that measure.
        basis: Measure → `outcome`, `expected` or `not recorded`, and a note.
        clusters: Column of what is resampled together.
        region: Column of the region.
        fewest: Fewest orders at which a region counts for `regional`.
        replicates: Resamples of each interval.
        seed: Of the resampling.
    """
    found = []
    for measure in MEASURES:
        kind, note = basis[measure]
        columns = [measure + BEFORE, measure + AFTER]
        rows = pairs.dropna(subset=columns) if kind != "not recorded" else pairs.iloc[:0]
        if rows.empty:
            found.append(Benefit(measure, "not recorded", note=note or "no order has both answers"))
            continue
        before, after = (rows[column].to_numpy(np.float64) for column in columns)
        bootstrap = ClusterBootstrap(rows[clusters].astype(str), replicates, seed)
        if measure == "regional":
            found.append(_regional(rows[region], before, after, bootstrap, fewest, kind, note))
        else:
            difference = bootstrap.mean(after - before)
            found.append(Benefit(measure, kind, len(rows), float(before.mean()), float(after.mean()),
                                 difference.as_dict(), note))  # fmt: skip
    return found


def _regional(regions: pd.Series, before: Floats, after: Floats, bootstrap: ClusterBootstrap, fewest: int, kind: str,
              note: str) -> Benefit:  # fmt: skip
    """Distance between the highest and the lowest mean of a region, over regions with orders enough."""
    codes, names = pd.factorize(regions.fillna("unknown").astype(str))
    judged = np.flatnonzero(np.bincount(codes) >= fewest)
    if len(judged) < 2:
        return Benefit("regional", "not recorded", note=f"{len(judged)} of {len(names)} regions have {fewest} orders")
    member = (codes[:, None] == judged[None, :]).astype(np.float64)

    def spread(sums: Floats, counts: Floats) -> Floats:
        means = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
        return np.asarray(np.nanmax(means, axis=-1) - np.nanmin(means, axis=-1))

    counts = bootstrap.sums(member)
    gaps = [spread((member * side[:, None]).sum(axis=0), member.sum(axis=0)) for side in (before, after)]
    drawn = [spread(bootstrap.sums(member * side[:, None]), counts) for side in (before, after)]
    difference = bootstrap.estimate(float(gaps[1] - gaps[0]), drawn[1] - drawn[0])
    orders = int(member.sum())
    return Benefit("regional", kind, orders, float(gaps[0]), float(gaps[1]), difference.as_dict(), note)


def shown(benefit: Mapping[str, Any], digits: int = 4) -> tuple[str, str, str]:
    """Before, after and difference as text; a dash where not recorded."""
    if benefit["difference"] is None:
        return "–", "–", "–"
    before, after = (f"{benefit[name]:.{digits}f}" for name in ("before", "after"))
    return before, after, str(Estimate(**benefit["difference"]))
