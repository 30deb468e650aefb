"""Putting a version through the gates and binding what they said into a dossier.

Belongs here: gathering what each gate judges, the dossier's content. Does not belong here: the verdicts
(ml/core/gates), moving the version (ml/jobs/promote, ml/jobs/desk).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ml.core import gates, operating_gates
from ml.core.features import UnusableTable, choose_features
from ml.core.gates import Gate, Limits, Verdict
from ml.core.intervals import Estimate
from ml.io.data import published_table
from ml.io.registry import ArtifactMismatch, current_digest, log_files
from ml.io.stores import ModelStores
from ml.io.version_files import FAIRNESS, read_evidence, read_fairness
from ml.jobs.audit import JUDGED_MEASURE
from ml.jobs.catalogue import ModelSpec
from ml.jobs.compare import Comparison, compare_versions
from ml.jobs.shadow import Shadow, beside
from ml.jobs.train import EVALUATION
from ml.jobs.trial import TRIAL, read_trial
from workspace.files import canonical_json, sha256_of_file, write_atomically
from workspace.published import Snapshot

GATES = "gates.json"
Checks = Mapping[str, Mapping[str, Any]]
PRIVACY = "Features describe orders, products, lanes and nodes. No name, address or contact is read."


@dataclass(frozen=True)
class Judged:
    """What the gates said of a version.

    Attributes:
        gates: In the order in which they are read.
        comparison: With the champion, on the same labelled rows; None if there is none.
        shadow: Beside the champion, on the same live orders; None if there is no champion.
    """

    gates: Sequence[Gate]
    comparison: Comparison | None
    shadow: Shadow | None

    @property
    def verdict(self) -> Verdict:
        """Of all gates together."""
        return gates.overall(self.gates)


def judge(stores: ModelStores, spec: ModelSpec, version: str, snapshot: Snapshot, limits: Limits,
          data_checks: Checks | None) -> Judged:  # fmt: skip
    """Put a version through all gates.

    Args:
        stores: Open stores.
        spec: The model.
        version: An evaluated version.
        snapshot: The present snapshot, whose youngest rows decide between versions.
        limits: What the gates demand.
        data_checks: Check → passed and severity, of the snapshot that the version was trained on.
    """
    history = stores.promotions.history(spec.name)
    evaluated = history.version(version).evaluated
    evaluation = json.loads(read_evidence(stores, spec.name, version, EVALUATION))
    metrics = {name: Estimate(**values) for name, values in evaluation["backtest"].items()}
    rows = int(evaluation["judged"]["rows"])
    champion = history.champion if history.champion != version else None
    comparison, problem = _compared(stores, spec, version, champion, snapshot)
    shadow = beside(stores, spec, snapshot, version, champion, limits.minimum_region_rows) if champion else None
    trial = read_trial(stores, spec.name, version, str(evaluated["artifact"]["digest"])) or {}
    served = {
        f.name: f.kind
        for f in choose_features(published_table(snapshot, spec.table, spec.view).schema, spec.roles).features
    }
    found = [
        gates.better_than_baselines(metrics, rows, limits),
        gates.calibration(metrics, rows, limits),
        gates.not_worse_than_champion(
            champion,
            comparison.overall.get(comparison.measure) if comparison else None,
            comparison.by_region if comparison else {},
            comparison.rows if comparison else {},
            limits,
            problem,
            comparison.measure if comparison else gates.BRIER,
        ),
        fairness_gate(stores, spec.name, version, limits),
        gates.signature([(name, kind) for name, kind in evaluation["features"]], served),
        gates.data_checks(_checks_of_its_data(evaluated, spec, snapshot, data_checks)),
        gates.artifact(evaluated["artifact"]["digest"], current_digest(stores, spec.name, version)),
        operating_gates.latency(trial.get("latency"), limits, answers_singly=spec.answer != "hours"),
        operating_gates.reproduction(trial.get("reproduction"), limits),
        operating_gates.shadow_agreement(champion, shadow.agreement if shadow else None, limits),
    ]
    return Judged(found, comparison, shadow)


def _compared(stores: ModelStores, spec: ModelSpec, version: str, champion: str | None,
              snapshot: Snapshot) -> tuple[Comparison | None, str]:  # fmt: skip
    """The comparison with the champion, or why there is none: it must not keep the other gates from speaking."""
    if champion is None:
        return None, ""
    try:
        return compare_versions(stores, spec, snapshot, version, champion), ""
    except (UnusableTable, ArtifactMismatch) as error:
        return None, f"cannot be compared with version {champion}: {error}"


def fairness_gate(stores: ModelStores, model: str, version: str, limits: Limits) -> Gate:
    """What a version's audit says to its promotion."""
    return gates.fairness(_fairness_inputs(stores, model, version), limits)


def _fairness_inputs(stores: ModelStores, model: str, version: str) -> dict[str, Any] | None:
    found = read_fairness(stores.report_folder(model, version))
    if found is None:
        return None
    kept = (
        "verdict", "worst_group", "worst_gap", "worst_interval", "beyond", "all_within", "overall_verdict", "sha256",
    )  # fmt: skip
    return {"measure": JUDGED_MEASURE, **{name: found[name] for name in kept}}


def _checks_of_its_data(evaluated: Mapping[str, Any], spec: ModelSpec, snapshot: Snapshot,
                        data_checks: Checks | None) -> Checks | None:  # fmt: skip
    """The checks, if the snapshot that they are about holds the very table that the version learned from."""
    same = evaluated["made_from"]["table_sha256"] == snapshot.tables[spec.table]["sha256"]
    same = same or evaluated["made_from"]["table_digest"] == published_table(snapshot, spec.table, spec.view).digest
    return data_checks if same else None


def dossier_of(stores: ModelStores, spec: ModelSpec, version: str, judged: Judged, limits: Limits) -> dict[str, Any]:
    """Everything that people decide on, as JSON values; equal facts give an equal digest."""
    evaluated = stores.promotions.history(spec.name).version(version).evaluated
    folder = stores.report_folder(spec.name, version)
    later = {name: sha256_of_file(folder / name) if (folder / name).is_file() else None for name in (FAIRNESS, TRIAL)}
    return {
        "kind": "model",
        "model": spec.name,
        "version": version,
        "title": spec.title,
        "run_id": evaluated["run_id"],
        "artifact": evaluated["artifact"],
        "made_from": evaluated["made_from"],
        "recipe": evaluated["recipe"],
        "origin": evaluated["origin"],
        "metrics": evaluated["metrics"],
        "evidence": {**evaluated["evidence"], **later},
        "gates": [gate.as_dict() for gate in judged.gates],
        "verdict": judged.verdict,
        "limits": limits.model_dump(),
        "comparison": judged.comparison.as_dict() if judged.comparison else None,
        "shadow": judged.shadow.as_dict() if judged.shadow else None,
        "champion_dossier": _champion_dossier(stores, spec.name),
        "privacy": f"{PRIVACY} {spec.group_use}",
    }


def file_dossier(stores: ModelStores, spec: ModelSpec, version: str, judged: Judged, limits: Limits) -> str:
    """Store a version's dossier and its gates, beside its evidence and with its MLflow run; returns the SHA-256."""
    dossier = dossier_of(stores, spec, version, judged, limits)
    signed = stores.promotions.save_dossier(dossier)
    text = json.dumps({"verdict": dossier["verdict"], "dossier": signed, "gates": dossier["gates"]}, indent=1)
    write_atomically(stores.report_folder(spec.name, version) / GATES, text)
    log_files(stores, str(dossier["run_id"]), {GATES: text, "dossier.json": canonical_json(dossier)})
    return signed


def _champion_dossier(stores: ModelStores, model: str) -> str | None:
    history = stores.promotions.history(model)
    return history.version(history.champion).dossier if history.champion else None


def gates_markdown(found: Sequence[Gate]) -> str:
    """The gates as a table."""
    return gates_table([gate.as_dict() for gate in found], ("gate", "verdict", "why"))


def gates_table(found: Sequence[Mapping[str, Any]], headings: tuple[str, str, str]) -> str:
    """Filed gates as a table."""
    lines = [f"| {' | '.join(headings)} |", "|---|---|---|"]
    lines += [f"| {gate['name']} | {gate['verdict']} | {gate['reason']} |" for gate in found]
    return "\n".join(lines)
