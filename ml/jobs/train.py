"""Training: from a published table to a registered version with its evidence, or to the version that already is it.

Belongs here: the job, its report, what is logged where. Does not belong here: methods (ml/core), the steps of learning
(ml/jobs/learning), promotion (ml/jobs/promote).
"""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.base import BaseEstimator

from ml.core.features import FeatureSet
from ml.core.intervals import Estimate
from ml.core.lifecycle import TRAINING_ACTOR, State
from ml.io.data import TableSource, published_table, read_rows
from ml.io.provenance import code_state, recipe_digest
from ml.io.registry import Interface, Registered, RunRecord, digest_of_text, register
from ml.io.stores import ModelStores, open_stores
from ml.jobs.catalogue import LATE_DELIVERY, ModelSpec
from ml.jobs.evidence import evaluation, flat_metrics, metrics_markdown, model_card, plots, segments_markdown
from ml.jobs.learning import Learned, learn_again, learn_and_judge
from ml.jobs.repair import RECORDED, REPAIRED, repaired_outcome
from workspace.files import write_atomically
from workspace.published import Snapshot
from workspace.settings import Settings

EVALUATION, BACKTEST, CARD = "evaluation.json", "backtest.parquet", "model_card.md"
EXAMPLE_ROWS, DATASET_ROWS = 5, 1000


@dataclass(frozen=True)
class TrainReport:
    """What a training did.

    Attributes:
        status: `trained`, or `reused` when nothing that decides the model has changed.
        model, version, run_id: The version.
        reason: One sentence.
        numbers: Metric → value, with `_low` and `_high`.
        markdown: Metrics and segments as tables.
        folder: Where the evidence lies.
    """

    status: str
    model: str
    version: str
    run_id: str
    reason: str
    numbers: Mapping[str, float]
    markdown: str
    folder: Path


@dataclass(frozen=True)
class Trained:
    """What one training gives to be registered.

    Attributes:
        estimator: What is registered.
        features: What it reads.
        interface: What MLflow answers; None: a classifier's probabilities.
        example: Some prepared rows.
        origin: Moment before which the version learned.
        count_learned, count_judged: Rows.
        parameters: Of the training.
        overall, latest: Metrics over all stretches of the backtest, and over the last.
        evidence: Facts about what it was made from → file name → content.
        markdown: Metrics, segments and notes for a person.
    """

    estimator: BaseEstimator
    features: FeatureSet
    interface: Interface | None
    example: pd.DataFrame
    origin: pd.Timestamp
    count_learned: int
    count_judged: int
    parameters: Mapping[str, Any]
    overall: Mapping[str, Estimate]
    latest: Mapping[str, Estimate]
    evidence: Callable[[Mapping[str, Any]], dict[str, str | bytes]]
    markdown: str


@dataclass(frozen=True)
class TrainJob:
    """Train a model on a published snapshot.

    Attributes:
        spec: The model.
        dagster_run_id: Run that this training belongs to, for the record.
        is_forced: Train even where nothing has changed.
        label: What is learned from, one of `repair.LABELS`; every version is judged by the label as recorded.
    """

    spec: ModelSpec = field(default=LATE_DELIVERY)
    dagster_run_id: str = ""
    is_forced: bool = False
    label: str = RECORDED

    def run(self, settings: Settings, snapshot: Snapshot) -> TrainReport:
        """Train, register and record a version, unless one made in the same way from the same data exists.

        Raises:
            UnusableTable: the table cannot be learned from; says why and what to do.
        """
        source = published_table(snapshot, self.spec.table, self.spec.view)
        recipe = self.recipe(settings, snapshot, source)
        with open_stores(settings) as stores:
            same = None if self.is_forced else _version_of(stores, self.spec.name, recipe)
            if same is not None:
                return _reused(stores, self.spec.name, same)
            frame, features = read_rows(source, self.spec.roles)
            trained = self.trained(frame, features, source, snapshot, settings)
            return self._record(stores, source, frame, trained, recipe)

    def recipe(self, settings: Settings, snapshot: Snapshot, source: TableSource) -> str:
        """SHA-256 of everything that decides the version: data, code, settings, locked packages."""
        return recipe_digest(
            {"spec": self.spec.as_dict(), "minimum_support": settings.minimum_support, "table": source.digest,
             "label": self.label, **self.own_recipe(snapshot)}
        )  # fmt: skip

    def own_recipe(self, snapshot: Snapshot) -> dict[str, Any]:
        """What decides this kind of model beside its table and settings; a kind of its own says so."""
        return {}

    def trained(self, frame: pd.DataFrame, features: FeatureSet, source: TableSource, snapshot: Snapshot,
                settings: Settings) -> Trained:  # fmt: skip
        """Learn and judge; a kind of model of its own does so in its own way."""
        taught, notes = None, list[str]()
        if self.label == REPAIRED:
            taught, *notes = repaired_outcome(frame, self.spec, snapshot, source.as_of, settings.minimum_support)
        learned = learn_and_judge(
            frame, features, self.spec, source.as_of, settings.minimum_support, settings.threads, taught
        )
        learned = replace(learned, notes=(*learned.notes, *notes))
        estimator, interface = self.packed(learned, snapshot)
        return Trained(
            estimator=estimator, features=learned.fitted.features, interface=interface,
            example=learned.inputs[learned.fitted.features.names].head(EXAMPLE_ROWS), origin=learned.folds[-1].origin,
            count_learned=learned.folds[-1].count_learned, count_judged=len(learned.backtest),
            parameters=_parameters(self.spec, learned), overall=learned.overall, latest=learned.latest,
            evidence=partial(evidence_files, learned, self.spec), markdown=report_markdown(learned),
        )  # fmt: skip

    def again(self, frame: pd.DataFrame, features: FeatureSet, source: TableSource, settings: Settings,
              origin: pd.Timestamp) -> tuple[BaseEstimator, FeatureSet]:  # fmt: skip
        """What answers, fitted again as a version of this origin was, and what it reads; nothing is judged."""
        fitted = learn_again(frame, features, self.spec, source.as_of, settings.threads)
        return fitted.model, fitted.features

    def packed(self, learned: Learned, snapshot: Snapshot) -> tuple[Any, Interface | None]:
        """What is registered, and its interface where that is not a classifier's."""
        return learned.fitted.model, None

    def _record(self, stores: ModelStores, source: TableSource, frame: pd.DataFrame, trained: Trained,
                recipe: str) -> TrainReport:  # fmt: skip
        made_from = {**made_from_facts(source, self.spec.seed, self.dagster_run_id), "label": self.label}
        files = trained.evidence(made_from)
        numbers = flat_metrics(trained.overall, trained.latest)
        record = RunRecord(
            model=self.spec.name, parameters=trained.parameters, metrics=numbers,
            tags={**{name: str(value) for name, value in made_from.items()}, "recipe": recipe}, files=files,
            source=source,
            rows=frame[list(dict.fromkeys([*self.spec.roles.named, *trained.features.names]))].head(DATASET_ROWS),
            estimator=trained.estimator, features=trained.features, example=trained.example,
            interface=trained.interface,
        )  # fmt: skip
        registered = register(stores, record)
        folder = stores.report_folder(self.spec.name, registered.version)
        for name, content in files.items():
            write_atomically(folder / name, content)
        _enter_in_ledger(stores, registered, recipe, made_from, trained, files)
        reason = f"Learned from {trained.count_learned:,} rows, judged on {trained.count_judged:,}."
        return TrainReport("trained", self.spec.name, registered.version, registered.run_id, reason, numbers,
                           trained.markdown, folder)  # fmt: skip


def made_from_facts(source: TableSource, seed: int, dagster_run_id: str) -> dict[str, Any]:
    """What a version was made from and by."""
    code = code_state()
    return {
        "table": source.name, "table_digest": source.digest, "table_sha256": source.file_sha256,
        "snapshot": source.snapshot, "snapshot_digest": source.snapshot_digest,
        "as_of": source.as_of.isoformat() if source.as_of is not None else "",
        "code_commit": code.commit, "code_is_dirty": code.is_dirty, "lock_sha256": code.lock_sha256,
        "seed": seed, "dagster_run_id": dagster_run_id,
    }  # fmt: skip


def evidence_files(learned: Learned, spec: ModelSpec, made_from: Mapping[str, Any]) -> dict[str, str | bytes]:
    """File name → content of everything that backs a version's figures."""
    buffer = io.BytesIO()
    learned.backtest.to_parquet(buffer, index=False)
    figures = {f"plots/{name}": content for name, content in plots(learned).items()}
    return {
        EVALUATION: json.dumps(evaluation(learned, spec), indent=1, allow_nan=False),
        CARD: model_card(learned, spec, made_from), BACKTEST: buffer.getvalue(), **figures,
    }  # fmt: skip


def report_markdown(learned: Learned) -> str:
    """Metrics, segments and notes for a person."""
    notes = "\n".join(f"- {note}" for note in learned.notes)
    return f"{metrics_markdown(learned)}\n\n{segments_markdown(learned.by_group, limit=15)}\n\n{notes}"


def _parameters(spec: ModelSpec, learned: Learned) -> dict[str, Any]:
    return {
        **asdict(learned.fitted.parameters), "calibration": learned.fitted.calibration, "seed": spec.seed,
        "folds": spec.folds, "judged_share": spec.judged_share, "rehearsals": spec.plan.rehearsals,
        "clock_limit": spec.plan.clock_limit, "features": len(learned.fitted.features.features),
        "rows_learned": learned.folds[-1].count_learned, "origin": learned.folds[-1].origin.isoformat(),
    }  # fmt: skip


def _enter_in_ledger(stores: ModelStores, registered: Registered, recipe: str, made_from: Mapping[str, Any],
                     trained: Trained, files: Mapping[str, str | bytes]) -> None:  # fmt: skip
    artifact = {"digest": registered.artifact_digest, "files": dict(registered.artifact_files)}
    stores.promotions.move(
        registered.model, registered.version, State.REGISTERED, TRAINING_ACTOR, "a training ended",
        {"run_id": registered.run_id, "artifact": artifact, "made_from": dict(made_from)},
    )  # fmt: skip
    stores.promotions.move(
        registered.model, registered.version, State.EVALUATED, TRAINING_ACTOR, "judged at rolling origins",
        {
            "run_id": registered.run_id, "recipe": recipe, "artifact": artifact, "made_from": dict(made_from),
            "origin": trained.origin.isoformat(),
            "evidence": {name: digest_of_text(content) for name, content in files.items()},
            "metrics": {name: estimate.as_dict() for name, estimate in trained.overall.items()},
        },
    )  # fmt: skip


def _version_of(stores: ModelStores, model: str, recipe: str) -> str | None:
    known = stores.promotions.history(model).versions
    same = [name for name, version in known.items() if version.evaluated.get("recipe") == recipe]
    return max(same, key=int) if same else None


def _reused(stores: ModelStores, model: str, version: str) -> TrainReport:
    evaluated = stores.promotions.history(model).version(version).evaluated
    numbers = {}
    for name, estimate in evaluated["metrics"].items():
        numbers[name] = estimate["value"]
        if estimate["low"] is not None:
            numbers[f"{name}_low"], numbers[f"{name}_high"] = estimate["low"], estimate["high"]
    reason = f"Data, recipe, code and packages are those of version {version}; nothing was trained."
    return TrainReport("reused", model, version, str(evaluated["run_id"]), reason, numbers, reason,
                       stores.report_folder(model, version))  # fmt: skip
