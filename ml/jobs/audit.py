"""Auditing a version by region: feeds its out-of-time predictions to the audit engine and files the report.

Belongs here: the job, what the audit is fed, what the gate is told. Does not belong here: the engine and its pages
(ml/core/fairness), the gate (ml/core/gates).

The audit sees the rolling-origin predictions of a version: every row was predicted from what was known before it. They
are counted by group and score first; Fairlearn computes its rates from the counts, as a second opinion on the engine's.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from fairlearn.metrics import MetricFrame, count, mean_prediction

from ml.core.fairness.audit import audit_with_intersections
from ml.core.fairness.cells import JOINT, cells_of_table
from ml.core.fairness.report.context import ReportContext
from ml.core.fairness.results import AuditResult
from ml.io.audit_reports import SavedReport, save_report
from ml.io.champion import newest_version
from ml.io.gate_limits import load_limits
from ml.io.registry import digest_of_text, log_files
from ml.io.stores import ModelStores, open_stores
from ml.jobs.catalogue import LATE_DELIVERY, ModelSpec
from ml.jobs.train import BACKTEST
from workspace.files import sha256_of_json, write_atomically
from workspace.settings import Settings

FAIRNESS = "fairness.json"
#: The measure that the gate judges: does a region's realised rate stray from the predicted one more than elsewhere?
JUDGED_MEASURE = "calibration_error"
MEASURES = ("base_rate", "mean_prediction", JUDGED_MEASURE, "brier_score")
REPORTS = "audits"
OUTCOME, PREDICTED = "outcome", "predicted"


class NothingToAudit(RuntimeError):
    """There is no evaluated version, or its predictions are not those that were recorded."""


@dataclass(frozen=True)
class AuditReport:
    """What an audit found.

    Attributes:
        status: `audited`, or `reused` when the same predictions were audited in the same way before.
        model, version: The version.
        verdict: On the judged measure: gap, no_gap_found, insufficient_evidence or undefined.
        worst_group, worst_gap: Region that strays farthest, and by how much.
        reason: One sentence.
        numbers: Counts, for stores of single numbers.
        markdown: Table by region.
        page: The HTML report.
        sha256: Digest of the audit with its context.
    """

    status: str
    model: str
    version: str
    verdict: str
    worst_group: str | None
    worst_gap: float | None
    reason: str
    numbers: Mapping[str, float]
    markdown: str
    page: Path
    sha256: str


@dataclass(frozen=True)
class AuditJob:
    """Audit a version; the newest that is evaluated if none is named."""

    spec: ModelSpec = field(default=LATE_DELIVERY)
    version: str | None = None

    def run(self, settings: Settings) -> AuditReport:
        """Audit by the first group column and by its combination with the second.

        Raises:
            NothingToAudit: no version is evaluated, or its predictions were changed.
        """
        with open_stores(settings) as stores:
            version = self.version or newest_version(stores, self.spec.name)
            if version is None:
                raise NothingToAudit(f"{self.spec.name} has no version. Train it first: `oi run train_and_audit`.")
            rows = backtest_of(stores, self.spec.name, version)
            folder = stores.report_folder(self.spec.name, version)
            tolerance = load_limits().fairness_tolerance
            basis = sha256_of_json({
                "backtest": digest_of_text((folder / BACKTEST).read_bytes()), "tolerance": tolerance,
                "minimum_support": settings.minimum_support, "seed": self.spec.seed, "measures": list(MEASURES),
            })  # fmt: skip
            done = read_fairness(folder)
            if done and done["basis"] == basis and (stores.paths.reports / done["page"]).is_file():
                return _report("reused", self.spec.name, version, done, stores.paths.reports)
            result = audit_backtest(rows, self.spec, settings.minimum_support, tolerance)
            saved = save_report(stores.paths.reports / REPORTS, result, self._context(stores, version, rows))
            found = {"basis": basis, **_summary(result, tolerance), "sha256": saved.digest,
                     "page": str(saved.pages["en"].relative_to(stores.paths.reports)),
                     "by_group": fairlearn_table(rows, self.spec.roles.groups[0])}  # fmt: skip
            write_atomically(folder / FAIRNESS, json.dumps(found, indent=1, allow_nan=False))
            _log(stores, self.spec.name, version, saved, found)
            return _report("audited", self.spec.name, version, found, stores.paths.reports)

    def _context(self, stores: ModelStores, version: str, rows: pd.DataFrame) -> ReportContext:
        evaluated = stores.promotions.history(self.spec.name).version(version).evaluated
        made_from = evaluated["made_from"]
        times = pd.to_datetime(rows[self.spec.roles.time], utc=True)
        groups = " × ".join(self.spec.roles.groups)
        return ReportContext(
            title=f"{self.spec.name} version {version}",
            decision_asked=f"May version {version} of {self.spec.name} be promoted?",
            identity={
                "model_version": f"{self.spec.name}/{version}", "data_snapshot": str(made_from["snapshot"]),
                "data_window": f"{times.min():%Y-%m-%d} to {times.max():%Y-%m-%d}",
                "commit": str(made_from["code_commit"]), "run": str(evaluated["run_id"]),
            },
            purpose=self.spec.title + ". Trained for accurate probabilities; no region is weighted.",
            data={"origin": f"{self.spec.table} of the published snapshot, predicted at rolling origins",
                  "preparation": "Each row was predicted by a model that knew only outcomes older than it.",
                  "gaps": "Orders whose outcome was never recorded are not in it."},
            group_definition=f"{groups}: the region that the order is shipped to and the customer's segment.",
            privacy={"fields": groups, "necessity": self.spec.group_use},
        )  # fmt: skip


def backtest_of(stores: ModelStores, model: str, version: str) -> pd.DataFrame:
    """A version's rolling-origin predictions, verified against the digest in the ledger.

    Raises:
        NothingToAudit: they are absent or changed.
    """
    content = read_evidence(stores, model, version, BACKTEST)
    return pd.read_parquet(io.BytesIO(content))


def read_evidence(stores: ModelStores, model: str, version: str, name: str) -> bytes:
    """One evidence file of a version, verified against the digest in the ledger.

    Raises:
        NothingToAudit: it is absent or changed.
    """
    found = stores.promotions.history(model).version(version)
    path = stores.report_folder(model, version) / name
    if found.state is None or "evidence" not in found.evaluated:
        raise NothingToAudit(f"{model}/{version} is not evaluated (state {found.state}). Train it first.")
    content = path.read_bytes() if path.is_file() else b""
    if digest_of_text(content) != found.evaluated["evidence"].get(name):
        raise NothingToAudit(
            f"{path} is absent or is not the file whose digest the ledger holds. Restore it from the MLflow run "
            f"{found.evaluated['run_id']}, or train anew."
        )
    return content


def audit_backtest(rows: pd.DataFrame, spec: ModelSpec, minimum_support: int, tolerance: float) -> AuditResult:
    """Audit rolling-origin predictions by region, and by region × segment as its intersections, as one family."""
    groups = list(spec.roles.groups)
    by_region = cells_of_table(rows, label=OUTCOME, score=PREDICTED, group=groups[0])
    crossed = {
        JOINT.join(pair): cells_of_table(rows, label=OUTCOME, score=PREDICTED, group=pair)
        for pair in ([groups[0], other] for other in groups[1:2])
    }
    columns = {"label": OUTCOME, "score": PREDICTED, "group": groups[:2]}
    return audit_with_intersections(
        by_region, crossed, columns=columns, metrics=MEASURES, outcome="harm", minimum_support=minimum_support,
        tolerance=tolerance, seed=spec.seed,
    )  # fmt: skip


def fairlearn_table(rows: pd.DataFrame, group: str) -> list[dict[str, Any]]:
    """Fairlearn's own rates by group, from counts by group, outcome and rounded score.

    Returns:
        One entry a group: `group`, `count`, `realised`, `predicted`.
    """
    counted = (
        rows.assign(group=rows[group].fillna("unknown").astype(str), score=rows["predicted"].round(3))
        .groupby(["group", "outcome", "score"], as_index=False)
        .agg(weight=("outcome", "size"))
    )
    weights = counted["weight"].to_numpy()
    frame = MetricFrame(
        metrics={"realised": _mean_outcome, "predicted": mean_prediction, "cells": count},
        y_true=counted["outcome"], y_pred=counted["score"], sensitive_features=counted["group"],
        sample_params={"realised": {"sample_weight": weights}, "predicted": {"sample_weight": weights}},
    )  # fmt: skip
    sizes = counted.groupby("group")["weight"].sum()
    return [
        {"group": str(name), "count": int(sizes[name]), "realised": float(row["realised"]),
         "predicted": float(row["predicted"])}
        for name, row in frame.by_group.iterrows()
    ]  # fmt: skip


def _mean_outcome(y_true: Any, _y_pred: Any, sample_weight: Any) -> float:
    return float(np.average(y_true, weights=sample_weight))


def _summary(result: AuditResult, tolerance: float) -> dict[str, Any]:
    judged = result.metrics[JUDGED_MEASURE]
    worst = judged.group(judged.worst) if judged.worst else None
    intervals = {group.group: group.difference_interval for group in judged.groups if group.difference_interval}
    return {
        "measure": JUDGED_MEASURE, "verdict": judged.verdict, "overall_verdict": result.verdict,
        "reason": judged.reason.text(), "worst_group": judged.worst,
        "worst_gap": worst.difference if worst else None,
        "worst_interval": list(worst.difference_interval) if worst and worst.difference_interval else None,
        "beyond": sorted(name for name, (low, high) in intervals.items() if low > tolerance or high < -tolerance),
        "all_within": all(-tolerance <= low and high <= tolerance for low, high in intervals.values()),
        "counts": dict(result.counts),
    }  # fmt: skip


def read_fairness(folder: Path) -> dict[str, Any] | None:
    """The audit summary of a version's report folder; None if it was never audited."""
    path = folder / FAIRNESS
    if not path.is_file():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _log(stores: ModelStores, model: str, version: str, saved: SavedReport, found: Mapping[str, Any]) -> None:
    run_id = str(stores.promotions.history(model).version(version).evaluated["run_id"])
    files: dict[str, str | bytes] = {f"fairness/{path.name}": path.read_bytes() for path in saved.pages.values()}
    files["fairness/audit.json"] = saved.data.read_bytes()
    files["fairness/summary.json"] = json.dumps(dict(found), indent=1)
    log_files(stores, run_id, files)


def _report(status: str, model: str, version: str, found: Mapping[str, Any], reports: Path) -> AuditReport:
    lines = ["| group | orders | late, realised | late, predicted |", "|---|---|---|---|"]
    for row in sorted(found["by_group"], key=lambda entry: -entry["count"]):
        name = str(row["group"]).replace("|", "\\|")
        lines.append(f"| {name} | {row['count']:,} | {row['realised']:.3f} | {row['predicted']:.3f} |")
    numbers = {f"audit_{name}": float(value) for name, value in found["counts"].items()}
    if found["worst_gap"] is not None:
        numbers["audit_worst_gap"] = float(found["worst_gap"])
    return AuditReport(
        status, model, version, found["verdict"], found["worst_group"], found["worst_gap"], found["reason"], numbers,
        "\n".join(lines), reports / found["page"], found["sha256"],
    )  # fmt: skip
