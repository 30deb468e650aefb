"""Everything that a version's report states beside its scores, and the files that go with it.

Belongs here: gathering identity, layers, remedies and earlier audits into the report's context. Does not belong here:
the layers themselves (ml/jobs/audit_layers), the sentences (ml/jobs/audit_words), filing (ml/jobs/audit).
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ml.core.fairness.report.context import ReportContext, context_of
from ml.core.fairness.report.difference import summary_of_layers
from ml.core.features import prepare
from ml.core.lifecycle import State
from ml.io.audit_reports import ReportChanged, read_report
from ml.io.data import published_table, read_rows
from ml.io.order_history import OrderHistory
from ml.io.policies import POLICY
from ml.io.replays import kept_replays
from ml.io.stores import ModelStores
from ml.io.version_files import AUDITS, read_evidence, read_fairness
from ml.jobs import audit_words as words
from ml.jobs.audit_layers import (
    COST_OF_MISSING,
    FLAG_FROM,
    FURTHER_GROUPS,
    HistoryLayers,
    disparity_around,
    history_layers,
    priced_remedies,
    proxies_of,
)  # fmt: skip
from ml.jobs.catalogue import MODELS, ORDER_ROUTING, ModelSpec
from ml.jobs.data_sheet import data_sheet
from ml.jobs.policy_audit import price_constraint
from ml.jobs.repair import RECORDED
from ml.jobs.train import EVALUATION
from workspace.published import Snapshot

SHEET, REPAIRED = "data_sheet.md", "repaired_labels.parquet"


@dataclass(frozen=True)
class Subject:
    """What is audited, and what is known about its orders.

    Attributes:
        spec, version: The model's version.
        rows: Its rolling-origin predictions.
        snapshot, history: The published orders; None where nothing, or no orders, are published.
        minimum_support: Fewest rows at which a group is judged.
        is_priced: Whether remedies are fitted and priced.
    """

    spec: ModelSpec
    version: str
    rows: pd.DataFrame
    snapshot: Snapshot | None
    history: OrderHistory | None
    minimum_support: int
    is_priced: bool


def describe(stores: ModelStores, subject: Subject) -> tuple[ReportContext, dict[str, str | bytes]]:
    """The report's context, and what is filed beside the model card: the data sheet and the repaired labels."""
    times = pd.to_datetime(subject.rows[subject.spec.roles.time], utc=True)
    layers = _layers(subject, times.min())
    inputs = _inputs(stores, subject)
    context = ReportContext(
        **_statements(stores, subject, times),
        **_layer_fields(layers, stores.settings.confidence_threshold),
        **_model_fields(subject, inputs, times.min()),
        group_names=subject.history.names if subject.history else {},
        positions=subject.history.positions if subject.history else {},
        changes=_changes(stores, subject, layers),
        previous=_previous(stores, subject),
        routing_bounds=_routing_bounds(stores, subject),
        replays=kept_replays(stores.paths.reports, subject.snapshot.version) if subject.snapshot else (),
    )
    files: dict[str, str | bytes] = {}
    if subject.snapshot and subject.spec.is_of_orders and subject.spec.table in subject.snapshot.tables:
        files[SHEET] = data_sheet(subject.snapshot, subject.spec)
    if layers and layers.repaired is not None:
        buffer = io.BytesIO()
        layers.repaired.to_parquet(buffer, index=False)
        files[REPAIRED] = buffer.getvalue()
    return context, files


def _layers(subject: Subject, boundary: pd.Timestamp) -> HistoryLayers | None:
    if subject.history is None or subject.history.orders.empty:
        return None
    since = boundary.tz_convert("UTC").tz_localize(None)
    return history_layers(subject.history, since, subject.minimum_support, subject.spec.seed)


def _layer_fields(layers: HistoryLayers | None, threshold: float) -> dict[str, Any]:
    if layers is None:
        return {"limits": [words.NO_HISTORY, words.NO_INTERVALS]}
    return {
        "label_layer": layers.label.to_dict() if layers.label else None,
        "decision_layer": layers.decision,
        "over_time": layers.weekly.to_dict() if layers.weekly else None,
        "selective_labels": layers.selective,
        "oversight": {"confidence_threshold": f"{100 * threshold:g} %", **_oversight(layers.decision)},
        "legitimate_factors": words.FACTORS,
        "limits": [words.NO_INTERVALS, words.REPLAY_LIMITS],
    }  # fmt: skip


def _oversight(decision: Mapping[str, Any] | None) -> dict[str, str]:
    metrics = decision["metrics"] if decision else {}
    shares = {"auto_share": "automated", "override_share": "overridden"}
    return {
        field: f"{100 * metrics[name]['overall']:.1f} %"
        for field, name in shares.items()
        if name in metrics and metrics[name]["overall"] is not None
    }


def _inputs(stores: ModelStores, subject: Subject) -> tuple[pd.DataFrame, pd.DataFrame, list[str]] | None:
    """The model's rows as stored and as prepared, and the features that it uses; None if they are not published."""
    spec, snapshot = subject.spec, subject.snapshot
    if snapshot is None or spec.table not in snapshot.tables:
        return None
    evaluation = json.loads(read_evidence(stores, spec.name, subject.version, EVALUATION))
    used = [str(name) for name, _kind in evaluation["features"]]
    frame, features = read_rows(published_table(snapshot, spec.table, spec.view), spec.roles)
    return (frame, prepare(frame, features), used) if set(used) <= set(features.names) else None


def _model_fields(
    subject: Subject, inputs: tuple[pd.DataFrame, pd.DataFrame, list[str]] | None, boundary: pd.Timestamp
) -> dict[str, Any]:
    if inputs is None:
        return {}
    frame, prepared, used = inputs
    roles, seed = subject.spec.roles, subject.spec.seed
    found = proxies_of(prepared, frame[roles.groups[0]], used, seed)
    fields: dict[str, Any] = {"proxies": found.to_dict() if found else None}
    if subject.is_priced:
        known = frame[roles.target].notna()
        before = int((pd.to_datetime(frame.loc[known, roles.time], utc=True) < boundary).sum())
        curve = priced_remedies(
            prepared[known], frame.loc[known, roles.groups[0]], frame.loc[known, roles.target], used,
            [name for name in (found.proxies if found else ()) if name in used], before, subject.minimum_support, seed,
        )  # fmt: skip
        fields["mitigation"] = curve.to_dict() if curve else None
    return fields


def _routing_bounds(stores: ModelStores, subject: Subject) -> list[dict[str, Any]]:
    """What a regional bound in routing costs, where remedies are priced and the audited model is one of orders."""
    if subject.snapshot is None or not subject.is_priced or not subject.spec.is_of_orders:
        return []
    return price_constraint(stores, subject.snapshot, max(subject.minimum_support // 4, 20))


def _changes(stores: ModelStores, subject: Subject, layers: HistoryLayers | None) -> list[dict[str, Any]]:
    """What changed, and how regions fared on either side: versions by the ledger, carriers by the parcels."""
    found = [*changes_of_service(stores), *(layers.changes if layers else ())]
    orders = subject.history.orders if subject.history else None
    return [
        {**change, "disparity": None if orders is None else disparity_around(
            orders, change["date"], subject.minimum_support, subject.spec.seed)}
        for change in sorted(found, key=lambda change: change["date"])
    ]  # fmt: skip


def changes_of_service(stores: ModelStores) -> list[dict[str, Any]]:
    """Versions of models and routing policies that came into force or were rolled back: `date`, `reason`, `what`."""
    said = {State.CHAMPION: words.PROMOTED, State.ROLLED_BACK: words.ROLLED_BACK}
    return [
        {"date": event.at[:10], "reason": event.reason, "effect": None,
         "what": words.filled(said[State(event.kind)], model=name, version=event.subject.rpartition("/")[2])}
        for name in (*MODELS, POLICY) for event in stores.promotions.events(name) if event.kind in set(said)
    ]  # fmt: skip


def _previous(stores: ModelStores, subject: Subject) -> dict[str, Any] | None:
    """The audit before this one: of the nearest earlier version that has one, else the last one of this version."""
    known = [v for v in stores.promotions.history(subject.spec.name).versions if int(v) < int(subject.version)]
    for version in [*sorted(known, key=int, reverse=True), subject.version]:
        found = read_fairness(stores.report_folder(subject.spec.name, version))
        if found:
            try:
                record = read_report(stores.paths.reports / AUDITS, found["sha256"])
            except ReportChanged:
                continue
            return {**record["audit"], "beside": summary_of_layers(context_of(record["context"]))}
    return None


def _statements(stores: ModelStores, subject: Subject, times: pd.Series) -> dict[str, Any]:
    spec, version = subject.spec, subject.version
    evaluated = stores.promotions.history(spec.name).version(version).evaluated
    made_from = evaluated["made_from"]
    policy = stores.promotions.history(ORDER_ROUTING.name).champion
    groups = ", ".join(dict.fromkeys([*spec.roles.groups, *(FURTHER_GROUPS if subject.history else ())]))
    absent = ", ".join(subject.history.absent) if subject.history and subject.history.absent else "–"
    return {
        "title": f"{spec.name} {version}",
        "decision_asked": words.filled(words.ASKED, version=version, model=spec.name),
        "identity": {
            "policy_version": f"{ORDER_ROUTING.name}/{policy}" if policy else words.NO_POLICY,
            "assessor": words.ASSESSOR, "model_version": f"{spec.name}/{version}",
            "data_snapshot": str(made_from["snapshot"]),
            "data_window": f"{times.min():%Y-%m-%d} – {times.max():%Y-%m-%d}", "commit": str(made_from["code_commit"]),
            "run": str(evaluated["run_id"]), "author": ", ".join(sorted(
                stores.promotions.history(spec.name).version(version).authors)),
            "independence": words.INDEPENDENCE,
        },
        "purpose": words.filled(words.PURPOSE, title=spec.title, flag=FLAG_FROM, missing=COST_OF_MISSING),
        "data": {"origin": words.filled(words.ORIGIN, table=spec.table), "preparation": words.PREPARATION,
                 "learned_label": words.LEARNED_LABEL[made_from.get("label", RECORDED)],
                 "gaps": words.filled(words.GAPS, absent=absent)},
        "group_definition": words.filled(words.GROUPS, groups=groups),
        "feedback": words.FEEDBACK,
        "logging": {"log": words.LOG, "retention": words.RETENTION, "integrity": words.INTEGRITY},
        "privacy": {"fields": groups, "necessity": spec.group_use},
    }  # fmt: skip
