"""The stores that models of one company meet, opened together.

Belongs here: the MLflow client with its addresses, the promotion ledger, the folders of reports and predictions.
Does not belong here: what is read from or written to them.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import mlflow
from mlflow import MlflowClient

from ml.io.promotions import PromotionLedger, open_promotions
from workspace.settings import CompanyPaths, Settings

NOISY_LOGGERS = ("mlflow", "alembic")


@dataclass(frozen=True)
class ModelStores:
    """Open stores of one company; get them from `open_stores`."""

    settings: Settings
    paths: CompanyPaths
    tracking_uri: str
    client: MlflowClient
    promotions: PromotionLedger

    def report_folder(self, model: str, version: str) -> Path:
        """Where the evidence about a version lies for readers without MLflow."""
        return self.paths.reports / "models" / model / version

    def experiment_id(self, model: str) -> str:
        """The experiment of a model, made on first use with an explicit place for its artifacts."""
        found = self.client.get_experiment_by_name(model)
        if found is not None:
            return str(found.experiment_id)
        is_local = self.tracking_uri.startswith("sqlite:")
        location = (self.paths.mlflow / "artifacts").as_uri() if is_local else None
        return str(self.client.create_experiment(model, artifact_location=location))

    @contextmanager
    def fluent(self) -> Iterator[None]:
        """MLflow's global functions pointed at these stores, and pointed back afterwards.

        What MLflow warns about in there is its own use of itself and of pandas, which no caller can mend.
        """
        before = mlflow.get_tracking_uri()
        mlflow.set_tracking_uri(self.tracking_uri)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        finally:
            mlflow.set_tracking_uri(before)


@contextmanager
def open_stores(settings: Settings) -> Iterator[ModelStores]:
    """Open the stores of the company that `settings` work on."""
    paths = settings.paths.ensure()
    for name in NOISY_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    uri = paths.mlflow_tracking_uri(settings)
    promotions = open_promotions(settings)
    try:
        yield ModelStores(settings, paths, uri, MlflowClient(uri, uri), promotions)
    finally:
        promotions.close()
