"""Comparing two versions on rows that neither of them learned from.

Belongs here: the paired comparison, overall and by region. Does not belong here: the verdict (ml/core/gates).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ml.core.gates import BRIER, PINBALL
from ml.core.intervals import ClusterBootstrap, Estimate
from ml.core.lead_times import LEVELS
from ml.core.metrics import compare
from ml.core.quantile_metrics import compare_quantiles
from ml.core.splits import timeline
from ml.io.data import published_table, read_rows
from ml.io.registry import LoadedModel, load
from ml.io.stores import ModelStores
from ml.jobs.catalogue import ModelSpec
from ml.jobs.lead_times import BOUNDS, order_table, settled
from ml.jobs.learning import days_of
from workspace.published import Snapshot

#: Positions of rows and a resampling of them → differences.
Paired = Callable[[np.ndarray, ClusterBootstrap], dict[str, Estimate]]


class NothingToCompare(RuntimeError):
    """A version has no recorded evaluation to compare with."""


@dataclass(frozen=True)
class Comparison:
    """Paired differences on the same rows, challenger less champion; negative losses are improvements.

    Attributes:
        challenger, champion: Versions.
        since: First moment that neither version had learned from.
        rows: Rows compared: `overall`, and each region.
        overall: Differences with intervals; empty without rows.
        by_region: Difference in the judged measure by region.
        measure: The measure of `overall` that is judged.
    """

    challenger: str
    champion: str
    since: pd.Timestamp
    rows: Mapping[str, int]
    overall: Mapping[str, Estimate]
    by_region: Mapping[str, Estimate]
    measure: str = BRIER

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "challenger": self.challenger, "champion": self.champion, "since": self.since.isoformat(),
            "rows": dict(self.rows), "overall": {name: e.as_dict() for name, e in self.overall.items()},
            "measure": self.measure, "by_region": {name: e.as_dict() for name, e in self.by_region.items()},
        }  # fmt: skip


def compare_versions(stores: ModelStores, spec: ModelSpec, snapshot: Snapshot, challenger: str,
                     champion: str) -> Comparison:  # fmt: skip
    """Compare two versions on the snapshot's labelled rows that are younger than both trainings.

    Raises:
        NothingToCompare: a version is unknown or not evaluated.
        ArtifactMismatch: the files of a version are not those that were registered.
        UnusableTable: the snapshot lacks a column that a version reads.
    """
    origins = [_origin(stores, spec.name, version) for version in (challenger, champion)]
    since = max(origins)
    models = [_load(stores, spec.name, version) for version in (challenger, champion)]
    source = published_table(snapshot, spec.table, spec.view)
    frame, features = read_rows(source, spec.roles)
    times = timeline(frame, spec.roles, source.as_of)
    chosen = times.labelled & np.asarray(times.made_at >= since)
    if spec.answer == "hours":
        chosen &= settled(order_table(frame, features, spec, source.as_of), source.as_of)
    measure = PINBALL if spec.answer == "hours" else BRIER
    rows = frame[chosen].reset_index(drop=True)
    if rows.empty:
        return Comparison(challenger, champion, since, {"overall": 0}, {}, {}, measure)
    paired = _paired(rows, spec, *models)
    days = days_of(rows, spec.roles.time)
    counts = {"overall": len(rows)}
    by_region: dict[str, Estimate] = {}
    for region, index in rows.groupby(rows[spec.roles.groups[0]].fillna("unknown").astype(str)).indices.items():
        counts[str(region)] = len(index)
        by_region[str(region)] = paired(index, ClusterBootstrap(days[index], spec.replicates, spec.seed))[measure]
    overall = paired(np.arange(len(rows)), ClusterBootstrap(days, spec.replicates, spec.seed))
    return Comparison(challenger, champion, since, counts, overall, by_region, measure)


def _paired(rows: pd.DataFrame, spec: ModelSpec, challenger: LoadedModel, champion: LoadedModel) -> Paired:
    """Differences of some of the rows, by position."""
    outcome = rows[spec.roles.target].to_numpy(dtype=np.float64)
    if spec.answer == "hours":
        bounds = [model.estimator.predict(rows)[list(BOUNDS)].to_numpy() for model in (challenger, champion)]
        return lambda index, bootstrap: compare_quantiles(
            outcome[index], bounds[0][index], bounds[1][index], LEVELS, bootstrap
        )
    new, old = challenger.predict(rows), champion.predict(rows)
    return lambda index, bootstrap: compare(outcome[index], new[index], old[index], bootstrap)


def comparison_markdown(comparison: Comparison) -> str:
    """Overall and by region as tables."""
    lines = [
        f"Version {comparison.challenger} less version {comparison.champion}, on {comparison.rows['overall']:,} rows "
        f"since {comparison.since:%Y-%m-%d} that neither learned from.",
        "",
        "| measure | difference |",
        "|---|---|",
    ]
    lines += [f"| {name} | {estimate} |" for name, estimate in comparison.overall.items()]
    lines += ["", f"| region | rows | {comparison.measure} |", "|---|---|---|"]
    lines += [f"| {name} | {comparison.rows[name]:,} | {e} |" for name, e in comparison.by_region.items()]
    return "\n".join(lines)


def _origin(stores: ModelStores, model: str, version: str) -> pd.Timestamp:
    evaluated = stores.promotions.history(model).version(version).evaluated
    if "origin" not in evaluated:
        raise NothingToCompare(f"{model}/{version} is not evaluated; `oi models list` shows the versions that are.")
    return pd.Timestamp(evaluated["origin"])


def _load(stores: ModelStores, model: str, version: str) -> LoadedModel:
    evaluated = stores.promotions.history(model).version(version).evaluated
    return load(stores, model, version, str(evaluated["artifact"]["digest"]))
