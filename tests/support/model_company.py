"""A company with published features of known risk, whose model is trained in a moment; and copies of it."""

import shutil
import sqlite3
from contextlib import closing
from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from ml.core.risk_model import BoostingParameters, Plan
from ml.io.stores import open_stores
from ml.jobs.audit import AuditJob
from ml.jobs.catalogue import LATE_DELIVERY, ModelSpec
from ml.jobs.promote import PromoteJob, PromoteReport
from ml.jobs.train import TrainJob, TrainReport
from ml.jobs.trial import TrialJob, TrialReport
from tests.support.people import add_people, open_accounts, signer
from workspace.keys import Signer
from workspace.published import Snapshot, open_current, publish
from workspace.settings import Settings

#: Where MLflow's database holds absolute paths.
PLACES = (("experiments", "artifact_location"), ("runs", "artifact_uri"), ("logged_models", "artifact_location"),
          ("model_versions", "source"), ("model_versions", "storage_location"))  # fmt: skip
AS_OF = pd.Timestamp("2026-07-01")
CHECKS = {"features.rows": {"passed": True, "severity": "fail"}}


def orders(count: int = 6000, seed: int = 0) -> pd.DataFrame:
    """Orders over half a year whose risk of lateness follows distance, promise and backlog, and no region."""
    rng = np.random.default_rng(seed)
    ordered = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.sort(rng.uniform(0, 181, count)), unit="D")
    frame = pd.DataFrame(
        {
            "order_id": [f"o{number:05d}" for number in range(count)],
            "order_date": ordered.date,
            "ordered_at": ordered,
            "region_code": rng.choice(["north", "south", "east"], count),
            "segment": rng.choice(["consumer", "business"], count),
            "channel": rng.choice(["web", "shop", None], count),
            "origin_region_code": rng.choice(["north", "west"], count),
            "promise_hours": rng.uniform(24, 96, count),
            "distance_km": rng.gamma(2, 100, count),
            "backlog_days": rng.gamma(2, 1, count),
            "orders_so_far": np.arange(count),
            "never_known": np.full(count, np.nan),
        }
    )
    score = (
        -3.2 + 0.008 * frame["distance_km"] - 0.05 * (frame["promise_hours"] - 60) + 0.4 * (frame["backlog_days"] - 2)
    )
    is_late = rng.random(count) < 1 / (1 + np.exp(-score))
    frame["promised_at"] = ordered + pd.to_timedelta(frame["promise_hours"], unit="h")
    shift = np.where(is_late, rng.uniform(1, 24, count), -rng.uniform(1, 20, count))
    delivered = frame["promised_at"] + pd.to_timedelta(shift, unit="h")
    frame["is_late"] = pd.array(np.where(delivered <= AS_OF, is_late, None), dtype="boolean")
    frame["label_known_at"] = delivered.where(delivered <= AS_OF)
    return frame


def publish_orders(settings: Settings, frame: pd.DataFrame, as_of: pd.Timestamp = AS_OF) -> Snapshot:
    """Publish a frame as the feature table."""
    paths = settings.paths.ensure()
    file = paths.root / "feat_order_delivery.parquet"
    frame.to_parquet(file)
    return publish(paths.published, {"feat_order_delivery": file}, {"as_of": as_of.isoformat()}, 3)


def copied_home(settings: Settings, home: Path) -> Settings:
    """A copy of a whole home, keys and registry among it, at a place that is still free."""
    shutil.copytree(settings.home, home, symlinks=True)
    there = Settings(home=home, company=settings.company)
    with closing(sqlite3.connect(there.paths.mlflow / "mlflow.db")) as database, database:
        for table, column in PLACES:
            database.execute(f"update {table} set {column} = replace({column}, ?, ?)", (str(settings.home), str(home)))
    return there


class Company:
    """A company and the model that its tests train quickly."""

    def __init__(self, home: Path, migrated: Path) -> None:
        self.settings = Settings(home=home, company="acme")
        shutil.copy(migrated, self.settings.paths.ensure().mlflow / "mlflow.db")
        plan = Plan(candidates=(BoostingParameters(trees=60, leaves=6, leaf_rows=40),), rehearsals=2)
        self.spec: ModelSpec = replace(LATE_DELIVERY, plan=plan, folds=2, replicates=100)
        self.snapshot = publish_orders(self.settings, orders())
        self.changes: dict[str, object] = {}
        add_people(home)

    @classmethod
    def of(cls, settings: Settings) -> "Company":
        """A company that was built by its own graph, with people and the model as it is shipped."""
        company = cls.__new__(cls)
        company.settings, company.spec, company.changes = settings, LATE_DELIVERY, {}
        company.snapshot = open_current(settings.paths.published)
        open_accounts(settings.home)
        return company

    def copied(self, home: Path) -> "Company":
        """The same company in another home, of its own: made in a moment, where training takes seconds."""
        company = copy(self)
        company.settings = copied_home(self.settings, home)
        company.snapshot = open_current(company.settings.paths.published)
        return company

    def signer(self, name: str) -> Signer:
        """The opened key of one of `tests.support.people`."""
        return signer(self.settings.home, name)

    def train(self, **changes: object) -> TrainReport:
        """Train; `changes` replace fields of the model's specification."""
        self.changes = changes
        return TrainJob(replace(self.spec, **changes)).run(self.settings, self.snapshot)

    def try_out(self, version: str | None = None, **changes: object) -> TrialReport:
        """Train a version again and time it; `changes` as it was trained with."""
        return TrialJob(TrainJob(replace(self.spec, **(changes or self.changes))), version).run(self.settings)

    def audit_and_judge(self, version: str | None = None) -> PromoteReport:
        """Audit a version, try it, and let the gates judge it."""
        AuditJob(self.spec, version, is_priced=False).run(self.settings)
        self.try_out(version)
        return PromoteJob(self.spec, version, CHECKS).run(self.settings, self.snapshot)


def migrate(folder: Path) -> Path:
    """An empty MLflow store, in a folder of its own: making one takes longer than training on it."""
    settings = Settings(home=folder, company="acme")
    with open_stores(settings):
        return settings.paths.mlflow / "mlflow.db"
