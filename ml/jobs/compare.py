"""Comparing two versions on rows that neither of them learned from.

Belongs here: the paired comparison, overall and by region. Does not belong here: the verdict (ml/core/gates).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ml.core.intervals import ClusterBootstrap, Estimate
from ml.core.metrics import compare
from ml.core.splits import timeline
from ml.io.data import published_table, read_rows
from ml.io.registry import LoadedModel, load
from ml.io.stores import ModelStores
from ml.jobs.catalogue import ModelSpec
from ml.jobs.learning import days_of
from workspace.published import Snapshot


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
        by_region: Brier difference by region.
    """

    challenger: str
    champion: str
    since: pd.Timestamp
    rows: Mapping[str, int]
    overall: Mapping[str, Estimate]
    by_region: Mapping[str, Estimate]

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "challenger": self.challenger, "champion": self.champion, "since": self.since.isoformat(),
            "rows": dict(self.rows), "overall": {name: e.as_dict() for name, e in self.overall.items()},
            "by_region": {name: e.as_dict() for name, e in self.by_region.items()},
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
    frame, _ = read_rows(source, spec.roles)
    times = timeline(frame, spec.roles, source.as_of)
    chosen = times.labelled & np.asarray(times.made_at >= since)
    rows = frame[chosen].reset_index(drop=True)
    if rows.empty:
        return Comparison(challenger, champion, since, {"overall": 0}, {}, {})
    outcome = rows[spec.roles.target].to_numpy(dtype=np.float64)
    new, old = (model.predict(rows) for model in models)
    days = days_of(rows, spec.roles.time)
    counts = {"overall": len(rows)}
    by_region: dict[str, Estimate] = {}
    for region, index in rows.groupby(rows[spec.roles.groups[0]].fillna("unknown").astype(str)).indices.items():
        counts[str(region)] = len(index)
        bootstrap = ClusterBootstrap(days[index], spec.replicates, spec.seed)
        by_region[str(region)] = bootstrap.mean((outcome[index] - new[index]) ** 2 - (outcome[index] - old[index]) ** 2)
    overall = compare(outcome, new, old, ClusterBootstrap(days, spec.replicates, spec.seed))
    return Comparison(challenger, champion, since, counts, overall, by_region)


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
    lines += ["", "| region | rows | Brier difference |", "|---|---|---|"]
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
