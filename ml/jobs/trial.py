"""The trial of a version before the gates: trained again from its snapshot, and timed on a fixed sample.

Belongs here: both measurements and where they are kept. Does not belong here: their verdicts (ml/core/operating_gates).

Training again takes the time of one fit, not of the whole backtest. A trial is made once for a version's files; what it
found is kept beside the version's evidence, and its digest goes into the dossier.
"""

import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ml.core.features import UnusableTable
from ml.core.intervals import Estimate
from ml.io.champion import newest_version
from ml.io.data import published_table, read_rows
from ml.io.kept import NotKept, kept_snapshot, require_as_published
from ml.io.registry import LoadedModel, load
from ml.io.stores import ModelStores, open_stores
from ml.jobs.catalogue import ModelSpec
from ml.jobs.lead_times import BOUNDS
from ml.jobs.repair import RECORDED
from ml.jobs.train import TrainJob
from ml.jobs.train_lead_times import lead_time_model
from workspace.files import sha256_of_json, write_atomically
from workspace.published import open_current
from workspace.settings import Settings

TRIAL = "trial.json"
#: Rows compared, rows timed, and how often each is timed.
COMPARED_ROWS, TIMED_ROWS, ROUNDS = 20_000, 500, 5
PERCENTILE = 0.99


@dataclass(frozen=True)
class TrialReport:
    """What a trial found.

    Attributes:
        status: `tried`, `reused` (these very files were tried before), or `nothing` (no version).
        version: Which version.
        found: `latency` and `reproduction`, as the gates read them; empty when there was nothing to try.
        seconds: Time that training again took.
    """

    status: str
    version: str
    found: dict[str, Any]
    seconds: float

    @property
    def reason(self) -> str:
        """One sentence."""
        if not self.found:
            return "There is no version to try."
        again, time_taken = self.found["reproduction"], self.found["latency"]
        made = again["problem"] or f"trained again, answers differ by {again['largest_difference']:.2g} at most"
        quick = (
            f"99 % of answers within {Estimate(**time_taken['p99_ms'])} ms of a processor"
            if time_taken
            else "answers in batches"
        )
        return f"Version {self.version}: {made}; {quick}."


@dataclass(frozen=True)
class TrialJob:
    """Try a version; the newest one if none is named.

    Attributes:
        training: The job that trains this model.
        version: Version to try.
    """

    training: TrainJob = field(default_factory=TrainJob)
    version: str | None = None

    def run(self, settings: Settings) -> TrialReport:
        """Try the version, unless its files were tried before.

        Raises:
            ArtifactMismatch: its files are not those that were registered.
            UnusableTable: no published rows have the columns that it reads, so that nothing can be timed.
        """
        spec = self.training.spec
        with open_stores(settings) as stores:
            version = self.version or newest_version(stores, spec.name)
            if version is None:
                return TrialReport("nothing", "", {}, 0.0)
            evaluated = stores.promotions.history(spec.name).version(version).evaluated
            artifact = str(evaluated["artifact"]["digest"])
            known = read_trial(stores, spec.name, version, artifact)
            if known is not None:
                return TrialReport("reused", version, known, 0.0)
            model = load(stores, spec.name, version, artifact)
            begun = time.thread_time()
            repeated, rows = self._repeat(settings, model, evaluated)
            seconds = time.thread_time() - begun
            found = {"artifact": artifact, "reproduction": repeated, "latency": timed(spec, model, rows)}
            write_atomically(stores.report_folder(spec.name, version) / TRIAL, json.dumps(found, indent=1))
        return TrialReport("tried", version, found, seconds)

    def _repeat(self, settings: Settings, model: LoadedModel, evaluated: Any) -> tuple[dict[str, Any], pd.DataFrame]:
        """Train again and compare; gives what came of it, and rows that the version was judged on."""
        spec, made_from = self.training.spec, evaluated["made_from"]
        snapshot, problem = open_current(settings.paths.published), ""
        # The present snapshot will do where it carries the very file: the one trained on may have been collected.
        try:
            if snapshot.tables.get(spec.table, {}).get("sha256") != made_from["table_sha256"]:
                snapshot = kept_snapshot(settings, str(made_from["snapshot"]))
            require_as_published(snapshot, (spec.table,))
        except NotKept as error:
            problem = str(error)
        with snapshot.lease():
            source = published_table(snapshot, spec.table, spec.view)
            recipe = self.training.recipe(settings, snapshot, source)
            frame, features = read_rows(source, spec.roles)
        if made_from.get("label", RECORDED) != RECORDED:
            problem = "it learned the repaired label, and the orders that proved the repair are not kept with its table"
        if problem:
            return {"problem": problem}, frame.tail(COMPARED_ROWS)
        if recipe != evaluated["recipe"]:
            problem = (
                f"the code, packages or settings are not those that made it (recipe {evaluated['recipe'][:12]}, now "
                f"{recipe[:12]}); check out commit {made_from['code_commit'][:12]} and try it there"
            )
            return {"problem": problem}, frame.tail(COMPARED_ROWS)
        try:
            origin = pd.Timestamp(evaluated["origin"])
            estimator, read = self.training.again(frame, features, source, settings, origin)
        except UnusableTable as error:
            return {"problem": str(error)}, frame.tail(COMPARED_ROWS)
        rows = frame.tail(COMPARED_ROWS)
        made = LoadedModel(model.model, model.version, estimator, read)
        recorded, again = answers(spec, model, rows), answers(spec, made, rows)
        return {
            "problem": "", "rows": len(rows), "table_sha256": source.file_sha256, "seed": spec.seed,
            "recorded": _digest(recorded), "again": _digest(again),
            "largest_difference": float(np.abs(recorded - again).max()),
        }, rows  # fmt: skip


def answers(spec: ModelSpec, model: LoadedModel, rows: pd.DataFrame) -> np.ndarray:
    """What a version says of rows: probabilities, shape (rows,), or bounds in hours, shape (rows, 3)."""
    if spec.answer == "hours":
        return np.asarray(lead_time_model(model.estimator).predict(rows)[list(BOUNDS)], np.float64)
    return model.predict(rows)


def timed(spec: ModelSpec, model: LoadedModel, rows: pd.DataFrame) -> dict[str, Any] | None:
    """How long single answers take: the 99th percentile in ms, with its interval by order statistics (95 %).

    Counted is processor time, which is all that an answer of the light path costs: it waits for no file and no network,
    and what else the machine did at that moment says nothing about the version. The interval needs no assumption on how
    times are distributed: of n sorted times, the percentile lies between those whose ranks are two binomial standard
    deviations apart from it. None for hours: they are worked out for all open orders at once, and no single order waits
    for them.
    """
    if spec.answer == "hours":
        return None
    sample = rows.head(TIMED_ROWS)[list(dict.fromkeys(model.features.names))].to_dict("records")
    light = model.light
    for row in sample:
        light.probability(row)
    taken = np.empty(ROUNDS * len(sample))
    for number in range(len(taken)):
        row, begun = sample[number % len(sample)], time.thread_time()
        light.probability(row)
        taken[number] = 1000 * (time.thread_time() - begun)
    taken.sort()
    spread = 1.96 * np.sqrt(len(taken) * PERCENTILE * (1 - PERCENTILE))
    ranks = np.clip(len(taken) * PERCENTILE + np.array([0, -spread, spread]), 0, len(taken) - 1).astype(int)
    p99 = Estimate(*(round(float(taken[rank]), 5) for rank in ranks))
    return {"calls": len(taken), "sample_sha256": sha256_of_json([{k: str(v) for k, v in r.items()} for r in sample]),
            "p99_ms": p99.as_dict(), "median_ms": round(float(np.median(taken)), 5)}  # fmt: skip


def read_trial(stores: ModelStores, model: str, version: str, artifact: str) -> dict[str, Any] | None:
    """What the trial of these files found; None if they were not tried."""
    path = stores.report_folder(model, version) / TRIAL
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found if found.get("artifact") == artifact else None


def _digest(probabilities: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(probabilities, np.float64).tobytes()).hexdigest()
