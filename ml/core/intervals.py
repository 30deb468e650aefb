"""Intervals by a bootstrap over clusters, seeded.

Belongs here: the estimate with its interval, resampling of clusters. Does not belong here: what is estimated
(ml/core/metrics).

Orders of one day share weather, strikes and campaigns, so that rows are not independent; whole days are resampled
instead (cluster bootstrap, Cameron, Gelbach & Miller 2008). Intervals are percentile intervals at 95 %.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEVEL = 0.95
FEWEST_CLUSTERS = 10

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval; the bounds are None where no interval can be given."""

    value: float
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return f"{self.value:.4f}"
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"

    def as_dict(self) -> dict[str, float | None]:
        """JSON form."""
        return {"value": self.value, "low": self.low, "high": self.high}


class ClusterBootstrap:
    """Resamples clusters with replacement, always in the same way for the same clusters and seed.

    Args:
        clusters: Cluster of each row, shape (rows,).
        replicates: Number of resamples.
        seed: Seed of the resampling.

    Raises:
        ValueError: there are no rows.
    """

    def __init__(self, clusters: ArrayLike, replicates: int, seed: int) -> None:
        names, self.codes = np.unique(np.asarray(clusters), return_inverse=True)
        if len(names) == 0:
            raise ValueError("There are no rows to resample; widen the slice that is judged.")
        self.count_clusters = len(names)
        self.count_rows = len(self.codes)
        uniform = np.full(self.count_clusters, 1 / self.count_clusters)
        generator = np.random.default_rng(seed)
        self.multiplicities: NDArray[np.int64] = generator.multinomial(self.count_clusters, uniform, size=replicates)

    @property
    def is_reliable(self) -> bool:
        """Whether there are clusters enough for an interval to mean anything."""
        return self.count_clusters >= FEWEST_CLUSTERS

    def row_weights(self) -> Iterator[Floats]:
        """The weights of the rows, shape (rows,), one replicate at a time."""
        for multiplicities in self.multiplicities:
            yield multiplicities[self.codes].astype(np.float64)

    def sums(self, per_row: Floats) -> Floats:
        """Sum of a row quantity in each replicate: (rows,) → (replicates,), (rows, k) → (replicates, k)."""
        columns = per_row.reshape(self.count_rows, -1)
        by_cluster = np.stack(
            [np.bincount(self.codes, column, minlength=self.count_clusters) for column in columns.T], axis=1
        )
        total: Floats = (self.multiplicities @ by_cluster).astype(np.float64)
        return total[:, 0] if per_row.ndim == 1 else total

    def mean(self, per_row: Floats) -> Estimate:
        """Mean of a row quantity with its interval."""
        replicates = self.sums(per_row) / self.sums(np.ones(self.count_rows))
        return self.estimate(float(per_row.mean()), replicates)

    def estimate(self, value: float, replicates: Floats) -> Estimate:
        """The percentile interval of `replicates` around `value`; without bounds when clusters are too few."""
        finite = replicates[np.isfinite(replicates)]
        if not self.is_reliable or len(finite) < len(replicates) / 2:
            return Estimate(value)
        low, high = np.quantile(finite, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return Estimate(value, float(low), float(high))
