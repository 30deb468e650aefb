"""Model versions of the console's test company: evaluated, audited, gated and promoted by the functions of `ml`.

Only the predictions are made up: a probability that leans on the region's distance and misses one region on purpose.
"""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from ml.core import gates
from ml.core.fairness.audit import audit_predictions
from ml.core.fairness.report.context import ReportContext
from ml.core.intervals import ClusterBootstrap, Estimate
from ml.core.lifecycle import FIRST_VERSION_ONLY, GATES_ACTOR, TRAINING_ACTOR, State, expiry
from ml.core.metrics import evaluate, reliability
from ml.io.audit_reports import save_report
from ml.io.gate_limits import load_limits
from ml.io.promotions import PromotionLedger, open_promotions
from ml.io.stores import open_stores
from tests.support.people import add_people, signer
from workspace.files import write_atomically
from workspace.published import open_current
from workspace.settings import Settings

MODEL = "late-delivery-risk"
MISSED_REGION = "CN-JS"
#: Version → how strongly its probabilities follow what happened, and how far they miss that region (in logits).
VERSIONS = {"1": (0.6, 0.0), "2": (0.35, -0.9), "3": (0.9, 0.0), "4": (1.0, -0.5)}
PERSON = "wang.li"


def write_models(settings: Settings) -> None:
    """Version 1 retired, version 2 rejected, version 3 champion, version 4 waiting for a decision."""
    settings.paths.ensure()
    add_people(settings.home)
    ledger, person = open_promotions(settings), signer(settings.home, PERSON)
    for version, (skill, miss) in VERSIONS.items():
        rows = _predictions(settings, skill, miss)
        evaluation = _evaluate(ledger, settings, version, rows)
        dossier = _judge(ledger, version, evaluation, _audit(settings, version, rows))
        ledger.move(MODEL, version, State.PROPOSED, GATES_ACTOR, "the gates did not fail it", {"dossier": dossier})
        if version == "1":
            payload = {"dossier": dossier, "expires_at": expiry(datetime.now(UTC), 7), "automatic": FIRST_VERSION_ONLY}
            ledger.move(MODEL, version, State.APPROVED, GATES_ACTOR, "first version, gates passed", payload)
            ledger.move(MODEL, version, State.CHAMPION, GATES_ACTOR, "first version", {"dossier": dossier})
        if version == "2":
            ledger.move(MODEL, version, State.REJECTED, person, "<i>ranks hardly better than the lane’s rate</i>")
        if version == "3":
            payload = {"dossier": dossier, "expires_at": expiry(datetime.now(UTC), 7)}
            ledger.move(MODEL, version, State.APPROVED, person, "better in every region", payload)
            ledger.move(MODEL, version, State.CHAMPION, person, "replaces version 1", {"dossier": dossier})
    ledger.close()


def register_versions(settings: Settings) -> None:
    """The same versions in the registry, so that its aliases can follow the ledger."""
    with open_stores(settings) as stores:
        stores.client.create_registered_model(MODEL)
        for _ in VERSIONS:
            stores.client.create_model_version(MODEL, source=stores.paths.mlflow.as_uri())


def _predictions(settings: Settings, skill: float, miss: float) -> pd.DataFrame:
    connection = open_current(settings.paths.published).connect()
    rows = connection.execute(
        "select order_date, region_code, segment, is_late::int as outcome, delivered_at, promised_at from fct_orders "
        "where is_late is not null and order_date >= date '2026-04-01' order by order_id"
    ).df()
    connection.close()
    generator = np.random.default_rng(7)
    margin = (rows["delivered_at"] - rows["promised_at"]).dt.total_seconds() / 3600
    signal = skill * np.clip(margin + generator.normal(0, 22, len(rows)), -90, 60) / 18 - 1.1
    level = np.where(rows["region_code"] == MISSED_REGION, miss, 0.0)
    predicted = 1 / (1 + np.exp(-(signal + level)))
    return rows.assign(predicted=predicted * rows["outcome"].mean() / predicted.mean())


def _evaluate(ledger: PromotionLedger, settings: Settings, version: str, rows: pd.DataFrame) -> dict[str, Any]:
    outcome, predicted = rows["outcome"].to_numpy(float), rows["predicted"].to_numpy().clip(0, 1)
    bootstrap = ClusterBootstrap(rows["order_date"].astype(str), 120, 3)
    found = evaluate(outcome, predicted, bootstrap, {"base_rate": np.full(len(rows), outcome.mean())})
    metrics = {name: estimate.as_dict() for name, estimate in found.items()}
    evaluation = {
        "model": MODEL, "title": "Risk that an order is late", "origin": "2026-05-20T00:00:00+00:00",
        "judged": {"rows": len(rows), "positives": int(outcome.sum()), "from": "2026-04-01T00:00:00+00:00",
                   "to": "2026-05-31T00:00:00+00:00"},
        "backtest": metrics, "latest": metrics, "folds": [{}, {}, {}],
        "reliability": reliability(outcome, predicted).to_dict(orient="records"),
    }  # fmt: skip
    content = json.dumps(evaluation, indent=1)
    write_atomically(settings.paths.reports / "models" / MODEL / version / "evaluation.json", content)
    made_from = {"snapshot": "20260531T180000000000Z", "code_commit": "0123456789abcdef", "code_is_dirty": False}
    artifact = {"digest": "e" * 64, "files": {}}
    ledger.move(MODEL, version, State.REGISTERED, TRAINING_ACTOR, "a training ended", {"run_id": f"run{version}"})
    ledger.move(MODEL, version, State.EVALUATED, TRAINING_ACTOR, "judged at rolling origins", {
        "run_id": f"run{version}", "recipe": version, "artifact": artifact, "made_from": made_from, "metrics": metrics,
        "origin": evaluation["origin"],
        "evidence": {"evaluation.json": hashlib.sha256(content.encode()).hexdigest()},
    })  # fmt: skip
    return evaluation


def _audit(settings: Settings, version: str, rows: pd.DataFrame) -> dict[str, Any]:
    result = audit_predictions(
        rows.assign(predicted=rows["predicted"].clip(0, 1)), label="outcome", score="predicted", group="region_code",
        metrics=("base_rate", "mean_prediction", "calibration_error"), minimum_support=settings.minimum_support,
        tolerance=0.02, resamples=400,
    )  # fmt: skip
    saved = save_report(settings.paths.reports / "audits", result, ReportContext(title=f"{MODEL} version {version}"))
    judged = result.metrics["calibration_error"]
    worst = judged.group(judged.worst) if judged.worst else None
    rates = rows.groupby("region_code").agg(count=("outcome", "size"), realised=("outcome", "mean"),
                                            predicted=("predicted", "mean")).reset_index(names="group")  # fmt: skip
    summary = {
        "basis": "b", "measure": "calibration_error", "verdict": judged.verdict, "overall_verdict": result.verdict,
        "reason": judged.reason.text(), "worst_group": judged.worst, "worst_gap": worst.difference if worst else None,
        "worst_interval": None, "beyond": [], "all_within": False, "counts": dict(result.counts),
        "sha256": saved.digest,
        "page": str(saved.pages["en"].relative_to(settings.paths.reports)), "by_group": rates.to_dict(orient="records"),
    }  # fmt: skip
    path = settings.paths.reports / "models" / MODEL / version / "fairness.json"
    write_atomically(path, json.dumps(summary, indent=1))
    return summary


def _judge(ledger: PromotionLedger, version: str, evaluation: dict[str, Any], fairness: dict[str, Any]) -> str:
    limits = load_limits()
    metrics = {name: Estimate(**values) for name, values in evaluation["backtest"].items()}
    rows = int(evaluation["judged"]["rows"])
    found = [
        gates.better_than_baselines(metrics, rows, limits),
        gates.calibration(metrics, rows, limits),
        gates.not_worse_than_champion(None, None, {}, {}, limits),
        gates.fairness(fairness, limits),
        gates.signature([("distance_km", "number")], {"distance_km": "number"}),
        gates.data_checks({"landing.orders.has_rows": {"passed": True, "severity": "fail"}}),
        gates.artifact("e" * 64, "e" * 64),
    ]
    return ledger.save_dossier({
        "kind": "model", "model": MODEL, "version": version, "gates": [gate.as_dict() for gate in found],
        "verdict": gates.overall(found), "metrics": evaluation["backtest"],
        "artifact": {"digest": "e" * 64, "files": {}},
    })  # fmt: skip
