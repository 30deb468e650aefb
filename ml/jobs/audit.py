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
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from fairlearn.metrics import MetricFrame, count, mean_prediction

from ml.core.fairness.audit import audit_with_intersections
from ml.core.fairness.cells import JOINT, cells_of_table
from ml.core.fairness.report.difference import summary_of_layers, verdict_over_layers
from ml.core.fairness.results import AuditResult, digest_of
from ml.io.audit_reports import SavedReport, print_report, save_report
from ml.io.champion import newest_version
from ml.io.gate_limits import load_limits
from ml.io.order_history import READ_TABLES, OrderHistory, read_order_history
from ml.io.registry import digest_of_text, log_files
from ml.io.replays import kept_replays
from ml.io.stores import ModelStores, open_stores
from ml.io.version_files import AUDITS, FAIRNESS, NothingToAudit, read_evidence, read_fairness
from ml.jobs.audit_context import Subject, describe
from ml.jobs.audit_layers import FLAG_FROM, FURTHER_GROUPS
from ml.jobs.catalogue import LATE_DELIVERY, ORDER_ROUTING, ModelSpec
from ml.jobs.train import BACKTEST
from workspace.files import sha256_of_json, write_atomically
from workspace.published import Snapshot, find_current
from workspace.settings import Settings

#: The measure that the gate judges: does a region's realised rate stray from the predicted one more than elsewhere?
JUDGED_MEASURE = "calibration_error"
MEASURES = ("base_rate", "mean_prediction", JUDGED_MEASURE, "brier_score", "false_positive_rate", "false_negative_rate")
OUTCOME, PREDICTED, FLAGGED = "outcome", "predicted", "flagged"


@dataclass(frozen=True)
class AuditReport:
    """What an audit found.

    Attributes:
        status: `audited`, or `reused` when the same predictions were audited in the same way before.
        model, version: The version.
        verdict: On the judged measure: gap, no_gap_found, insufficient_evidence or undefined.
        worst_group, worst_gap: Region that strays farthest, and by how much.
        reason: One sentence.
        alarms: Region → week in which its alarm over time rang.
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
    alarms: Mapping[str, str]
    numbers: Mapping[str, float]
    markdown: str
    page: Path
    sha256: str


@dataclass(frozen=True)
class AuditJob:
    """Audit a version; the newest that is evaluated if none is named.

    Attributes:
        spec: The model.
        version: Its version.
        is_priced: Fit remedies and price them, which takes about as long as the training.
        is_printed: Print the report to PDF too, where a browser is installed.
    """

    spec: ModelSpec = field(default=LATE_DELIVERY)
    version: str | None = None
    is_priced: bool = True
    is_printed: bool = False

    def run(self, settings: Settings) -> AuditReport:
        """Audit by region, by its combinations with other groups, and by what history did to the orders.

        Raises:
            NothingToAudit: no version is evaluated, or its predictions were changed.
        """
        with open_stores(settings) as stores:
            version = self.version or newest_version(stores, self.spec.name)
            if version is None:
                raise NothingToAudit(f"{self.spec.name} has no version. Train it first: `oi run train_and_audit`.")
            rows = backtest_of(stores, self.spec.name, version)
            snapshot = find_current(settings.paths.published)
            folder = stores.report_folder(self.spec.name, version)
            tolerance = load_limits().fairness_tolerance
            basis = self._basis(settings, snapshot, digest_of_text((folder / BACKTEST).read_bytes()), tolerance,
                                newest_version(stores, ORDER_ROUTING.name) if self.is_priced else None)  # fmt: skip
            done = read_fairness(folder)
            if done and done["basis"] == basis and (stores.paths.reports / done["page"]).is_file():
                return _report("reused", self.spec.name, version, done, stores.paths.reports)
            history = read_order_history(snapshot) if snapshot and self.spec.is_of_orders else None
            result = audit_backtest(
                with_groups(rows, self.spec, history), self.spec, settings.minimum_support, tolerance
            )
            subject = Subject(self.spec, version, rows, snapshot, history, settings.minimum_support, self.is_priced)
            context, files = describe(stores, subject)
            saved = save_report(stores.paths.reports / AUDITS, result, context)
            printed = print_report(saved) if self.is_printed else {}
            found = {"basis": basis, **_summary(result, tolerance), **summary_of_layers(context),
                     "overall_verdict": verdict_over_layers(result, context), "sha256": saved.digest,
                     "printed": sorted(printed),
                     "page": str(saved.pages["en"].relative_to(stores.paths.reports)),
                     "by_group": fairlearn_table(rows, self.spec.roles.groups[0])}  # fmt: skip
            for name, content in files.items():
                write_atomically(folder / name, content)
            write_atomically(folder / FAIRNESS, json.dumps(found, indent=1, allow_nan=False))
            _log(stores, self.spec.name, version, saved, found, files)
            return _report("audited", self.spec.name, version, found, stores.paths.reports)

    def _basis(self, settings: Settings, snapshot: Snapshot | None, backtest: str, tolerance: float,
               router: str | None) -> str:  # fmt: skip
        """Digest of everything that the audit follows from."""
        tables = {name: str(entry["sha256"]) for name, entry in snapshot.tables.items()} if snapshot else {}
        return sha256_of_json({
            "backtest": backtest, "tolerance": tolerance, "minimum_support": settings.minimum_support,
            "seed": self.spec.seed, "measures": list(MEASURES), "is_priced": self.is_priced, "router": router,
            "orders": {name: tables[name] for name in (*READ_TABLES, self.spec.table) if name in tables},
            "replays": [digest_of(replay) for replay in kept_replays(settings.paths.reports, snapshot.version)]
            if snapshot else [],
        })  # fmt: skip


def backtest_of(stores: ModelStores, model: str, version: str) -> pd.DataFrame:
    """A version's rolling-origin predictions, verified against the digest in the ledger.

    Raises:
        NothingToAudit: they are absent or changed.
    """
    content = read_evidence(stores, model, version, BACKTEST)
    return pd.read_parquet(io.BytesIO(content))


def with_groups(rows: pd.DataFrame, spec: ModelSpec, history: OrderHistory | None) -> pd.DataFrame:
    """Predictions with the further groups that the orders know: value tier, channel, segment. One row an order."""
    if history is None:
        return rows
    further = [name for name in FURTHER_GROUPS if name not in rows.columns]
    known = history.orders[["order_id", *further]].rename(columns={"order_id": spec.roles.key})
    return rows.merge(known, how="left", on=spec.roles.key, validate="one_to_one")


def audit_backtest(rows: pd.DataFrame, spec: ModelSpec, minimum_support: int, tolerance: float) -> AuditResult:
    """Audit rolling-origin predictions by region, and by region crossed with each other group, as one family."""
    region, *others = spec.roles.groups
    others += [name for name in FURTHER_GROUPS if name in rows.columns and name not in spec.roles.groups]
    flagged = rows.assign(**{FLAGGED: (rows[PREDICTED] >= FLAG_FROM).astype(int)})
    columns = {"label": OUTCOME, "score": PREDICTED, "prediction": FLAGGED}
    count_by = partial(cells_of_table, flagged, label=OUTCOME, score=PREDICTED, prediction=FLAGGED)
    crossed = {
        f"{region}{JOINT}{other}": count_by(group=[region, other])
        for other in others if rows[other].nunique() > 1
    }  # fmt: skip
    return audit_with_intersections(
        count_by(group=region), crossed, columns={**columns, "group": [region, *others]}, metrics=MEASURES,
        outcome="harm", minimum_support=minimum_support, tolerance=tolerance, seed=spec.seed,
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


def _log(stores: ModelStores, model: str, version: str, saved: SavedReport, found: Mapping[str, Any],
         beside: Mapping[str, str | bytes]) -> None:  # fmt: skip
    run_id = str(stores.promotions.history(model).version(version).evaluated["run_id"])
    files = {f"fairness/{path.name}": path.read_bytes() for path in sorted(saved.folder.iterdir())}
    log_files(stores, run_id, {**files, **beside, "fairness/summary.json": json.dumps(dict(found), indent=1)})


def _report(status: str, model: str, version: str, found: Mapping[str, Any], reports: Path) -> AuditReport:
    lines = ["| group | orders | late, realised | late, predicted |", "|---|---|---|---|"]
    for row in sorted(found["by_group"], key=lambda entry: -entry["count"]):
        name = str(row["group"]).replace("|", "\\|")
        lines.append(f"| {name} | {row['count']:,} | {row['realised']:.3f} | {row['predicted']:.3f} |")
    numbers = {f"audit_{name}": float(value) for name, value in found["counts"].items()}
    if found["worst_gap"] is not None:
        numbers["audit_worst_gap"] = float(found["worst_gap"])
    return AuditReport(
        status, model, version, found["verdict"], found["worst_group"], found["worst_gap"], found["reason"],
        found.get("alarms", {}), numbers,
        "\n".join(lines), reports / found["page"], found["sha256"],
    )  # fmt: skip
