"""Registered versions in MLflow: logging a run with its model, fetching a version by digest, aliases.

Belongs here: everything that calls MLflow. Does not belong here: which version is champion; the promotion ledger says,
and the aliases follow (`project_aliases`).

A model's files are digested when it is registered and again before each load, from a private copy: MLflow itself
loads whatever lies there. `registered_model_meta` is left out, because MLflow writes it beside the files on loading.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import mlflow
import mlflow.data
import mlflow.sklearn
import pandas as pd
import sklearn
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models.signature import ModelSignature
from mlflow.types.schema import ColSpec, Schema
from mlflow.utils.file_utils import local_file_uri_to_path
from mlflow.utils.uri import is_local_uri
from sklearn.base import BaseEstimator

from ml.core.features import FeatureSet, feature_set_of
from ml.core.intervals import Floats
from ml.core.light_model import LightModel, lighten
from ml.core.risk_model import TRUSTED_TYPES
from ml.io.data import TableSource
from ml.io.stores import ModelStores
from workspace.files import sha256_of_file, sha256_of_json

CHAMPION, CHALLENGER = "champion", "challenger"
WRITTEN_BY_MLFLOW_LATER = "registered_model_meta"
MODEL = "model"
#: Types of ours that a version may be made of, and those of quantile trees.
OUR_TYPES = (
    "ml.core.lead_times.LeadTimeModel",
    "ml.core.routing.ranker.NodeRanker",
    "sklearn._loss.link.IdentityLink",
    "sklearn._loss.loss.PinballLoss",
)


class ArtifactMismatch(RuntimeError):
    """A model's stored files are not those that were registered."""


@dataclass(frozen=True)
class Interface:
    """What a version answers through MLflow, where that is not a classifier's probabilities.

    Attributes:
        method: Method that MLflow calls.
        signature: Of its input and output.
        example: Input that it takes.
    """

    method: str
    signature: ModelSignature
    example: pd.DataFrame


@dataclass(frozen=True)
class RunRecord:
    """Everything about one training that is logged.

    Attributes:
        model: Registered model.
        parameters: Parameters of the training.
        metrics: Metric → value.
        tags: What the version was made from and by.
        files: Artifact path → content.
        source: The table that was learned from.
        rows: Some of its rows, for the data set's schema.
        estimator: The fitted estimator; takes the columns of `features`, raw.
        features: What it reads.
        example: Some prepared rows.
        interface: What MLflow answers; None: the classifier's probabilities.
    """

    model: str
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    files: Mapping[str, str | bytes]
    source: TableSource
    rows: pd.DataFrame
    estimator: BaseEstimator
    features: FeatureSet
    example: pd.DataFrame
    interface: Interface | None = None


@dataclass(frozen=True)
class Registered:
    """A registered version: its run, and the digests of its files."""

    model: str
    version: str
    run_id: str
    artifact_digest: str
    artifact_files: Mapping[str, str]


@dataclass(frozen=True)
class LoadedModel:
    """A version whose files were verified."""

    model: str
    version: str
    estimator: BaseEstimator
    features: FeatureSet

    @cached_property
    def light(self) -> LightModel:
        """Its light form, which gives the same numbers."""
        return lighten(self.estimator, self.features)

    def predict(self, frame: pd.DataFrame, threads: int = 1) -> Floats:
        """Probability of the positive class of a table's rows, shape (rows,)."""
        return self.light.probabilities(frame, threads)


def register(stores: ModelStores, record: RunRecord) -> Registered:
    """Log a run with its model and register the model as the next version."""
    experiment = stores.experiment_id(record.model)
    with stores.fluent(), mlflow.start_run(experiment_id=experiment, tags=dict(record.tags)) as run:
        mlflow.log_params(dict(record.parameters))
        mlflow.log_metrics(dict(record.metrics))
        mlflow.log_input(_dataset(record), context="training")
        info = _log_model(record)
        log_files(stores, run.info.run_id, record.files)
        _ensure_registered_model(stores, record.model)
        made = stores.client.create_model_version(
            record.model, info.model_uri, run_id=run.info.run_id, tags=dict(record.tags), model_id=info.model_id
        )
    version = str(made.version)
    with tempfile.TemporaryDirectory() as scratch:
        files = file_digests(fetch(stores, record.model, version, Path(scratch)))
    return Registered(record.model, version, run.info.run_id, sha256_of_json(files), files)


def _ensure_registered_model(stores: ModelStores, model: str) -> None:
    try:
        stores.client.get_registered_model(model)
    except MlflowException:
        stores.client.create_registered_model(model)


def _dataset(record: RunRecord) -> Any:
    return mlflow.data.from_pandas(
        record.rows, source=record.source.path.as_uri(), name=record.source.name, digest=record.source.digest[:32]
    )


def _log_model(record: RunRecord) -> Any:
    face = record.interface or _classifier(record)
    requirements = [f"scikit-learn=={sklearn.__version__}", f"pandas=={pd.__version__}"]
    return mlflow.sklearn.log_model(
        record.estimator, name=MODEL, serialization_format="skops",
        skops_trusted_types=[*TRUSTED_TYPES, *OUR_TYPES], pyfunc_predict_fn=face.method,
        pip_requirements=requirements, signature=face.signature, input_example=face.example,
        metadata={"features": [[feature.name, feature.kind] for feature in record.features.features]},
    )  # fmt: skip


def _classifier(record: RunRecord) -> Interface:
    kinds = {"number": "double", "category": "string"}
    inputs = Schema([ColSpec(kinds[f.kind], f.name, required=False) for f in record.features.features])
    outputs = Schema([ColSpec("double", "0"), ColSpec("double", "1")])
    return Interface("predict_proba", ModelSignature(inputs=inputs, outputs=outputs), record.example)


def log_files(stores: ModelStores, run_id: str, files: Mapping[str, str | bytes]) -> None:
    """Add artifacts to a run: path below the run's artifacts → content."""
    with tempfile.TemporaryDirectory() as scratch:
        for name, content in files.items():
            path = Path(scratch) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        if files:
            stores.client.log_artifacts(run_id, scratch)


def file_digests(folder: Path) -> dict[str, str]:
    """Relative name → SHA-256 of each of a model's files."""
    return {
        path.relative_to(folder).as_posix(): sha256_of_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != WRITTEN_BY_MLFLOW_LATER
    }


def fetch(stores: ModelStores, model: str, version: str, into: Path) -> Path:
    """Copy the files of a version into a folder of the caller's; returns where they lie."""
    found = stores.client.get_model_version(model, version)
    logged = stores.client.get_logged_model(str(found.source).removeprefix("models:/"))
    location = str(logged.artifact_location)
    if is_local_uri(location):
        return Path(shutil.copytree(local_file_uri_to_path(location), into / MODEL))
    with stores.fluent():
        return Path(mlflow.artifacts.download_artifacts(artifact_uri=location, dst_path=str(into)))


def current_digest(stores: ModelStores, model: str, version: str) -> str | None:
    """Digest of a version's files as they lie there now; None if there are none."""
    try:
        with tempfile.TemporaryDirectory() as scratch:
            return sha256_of_json(file_digests(fetch(stores, model, version, Path(scratch))))
    except (MlflowException, OSError):
        return None


def load(stores: ModelStores, model: str, version: str, expected_digest: str) -> LoadedModel:
    """Load a version after verifying its files.

    Raises:
        ArtifactMismatch: the files are not those with `expected_digest`; nothing of them was loaded.
    """
    with tempfile.TemporaryDirectory() as scratch:
        try:
            folder = fetch(stores, model, version, Path(scratch))
        except (MlflowException, OSError) as error:
            raise ArtifactMismatch(f"The files of {model}/{version} cannot be read: {error}") from error
        found = sha256_of_json(file_digests(folder))
        if found != expected_digest:
            raise ArtifactMismatch(
                f"The files of {model}/{version} must have the digest {expected_digest}, recorded when it was "
                f"registered; they have {found}. Nothing was loaded. Restore the files, or roll back."
            )
        with stores.fluent():
            estimator = mlflow.sklearn.load_model(folder.as_uri())
        metadata = mlflow.models.Model.load(str(folder)).metadata
    return LoadedModel(model, version, estimator, feature_set_of([tuple(pair) for pair in metadata["features"]]))


def versions(stores: ModelStores, model: str) -> Sequence[ModelVersion]:
    """Registered versions, oldest first."""
    found = stores.client.search_model_versions(f"name = '{model}'")
    return sorted(found, key=lambda version: int(version.version))


def aliases(stores: ModelStores, model: str) -> dict[str, str]:
    """Alias → version; empty when the model is not registered."""
    try:
        return {str(name): str(version) for name, version in stores.client.get_registered_model(model).aliases.items()}
    except MlflowException:
        return {}


def project_aliases(stores: ModelStores, model: str, wanted: Mapping[str, str | None]) -> list[str]:
    """Make the aliases point where the ledger says; returns what was changed, in words."""
    present = aliases(stores, model)
    changes = []
    for alias, version in wanted.items():
        if present.get(alias) == version:
            continue
        if version is None:
            stores.client.delete_registered_model_alias(model, alias)
        else:
            stores.client.set_registered_model_alias(model, alias, version)
        changes.append(f"{alias}: {present.get(alias) or 'none'} → {version or 'none'}")
    return changes


def digest_of_text(content: str | bytes) -> str:
    """Hex SHA-256 of a text or bytes."""
    return hashlib.sha256(content.encode("utf-8") if isinstance(content, str) else content).hexdigest()
