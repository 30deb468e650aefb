"""Scoring: the champion's probability for open and young orders, appended once for each state of data and version.

The challenger, if there is one, scores the same orders in shadow: its answers lie apart and decide nothing.

Belongs here: the job, which orders are scored, validation of what comes out. Does not belong here: layout of the files
(ml/io/predictions), what is done with a probability (decisions).
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ml.core.features import UnusableTable
from ml.core.light_model import LightModel
from ml.io.champion import NoChampion, load_champion
from ml.io.data import TableSource, published_table, read_batches
from ml.io.predictions import SCHEMA, file_for, snapshot_of, write_once
from ml.io.registry import ArtifactMismatch, LoadedModel, load
from ml.io.stores import ModelStores, open_stores
from ml.jobs.catalogue import LATE_DELIVERY, ModelSpec
from workspace.files import sha256_of_json
from workspace.published import Snapshot
from workspace.settings import Settings

BATCH_ROWS = 100_000
#: Reasons a row, and open rows of a batch that get them, riskiest first: each takes a third of a millisecond.
REASONS, MOST_EXPLAINED = 6, 5_000


class PredictionsRefused(RuntimeError):
    """The champion gave something that is no probability; nothing was written."""


@dataclass(frozen=True)
class ScoreReport:
    """What a scoring did.

    Attributes:
        status: `scored`, `reused` (the same version has scored the same data), or `refused` (no champion).
        model, version: The champion; version is empty when refused.
        reason: One sentence.
        rows: Rows in the file.
        path: The file; None when refused.
        numbers: Rows, mean, quantiles and rows a second.
        markdown: The numbers as a table.
        shadow: What the challenger did beside it, one sentence; empty if there is none.
    """

    status: str
    model: str
    version: str
    reason: str
    rows: int
    path: Path | None
    numbers: Mapping[str, float]
    markdown: str
    shadow: str = ""


@dataclass(frozen=True)
class ScoreJob:
    """Score orders with the champion.

    Attributes:
        spec: The model.
        since: First order time scored; None: from the end of the champion's training on.
        until: Order time before which orders are scored; None: no end.
        with_open: Whether orders whose outcome is still open are scored, whenever they were placed.
    """

    spec: ModelSpec = field(default=LATE_DELIVERY)
    since: datetime | None = None
    until: datetime | None = None
    with_open: bool = True

    def run(self, settings: Settings, snapshot: Snapshot) -> ScoreReport:
        """Score, validate and append one file; a second run on the same data and version adds nothing.

        Without a champion nothing is scored, and the report says so: there is no probability to fall back on that
        anybody has approved.

        Raises:
            ArtifactMismatch, DossierBroken: the champion's files are not those that were approved.
            PredictionsRefused: a prediction is not a probability.
            UnusableTable: the snapshot lacks the table or a column that the champion reads.
        """
        with open_stores(settings) as stores:
            try:
                champion = load_champion(stores, self.spec.name)
            except NoChampion as error:
                return ScoreReport("refused", self.spec.name, "", str(error), 0, None, {}, str(error))
            source = published_table(snapshot, self.spec.table, self.spec.view)
            where = self._where(stores, champion.version)
            report = self._scored(champion, source, where, stores.paths.predictions, settings.threads)
            same = as_scored(source, report.path)

            def silently(challenger: LoadedModel) -> str:
                return self._scored(
                    challenger, same, where, stores.paths.shadow, settings.threads, is_explained=False
                ).reason

            return replace(report, shadow=score_in_shadow(stores, self.spec.name, silently))

    def _scored(
        self, model: LoadedModel, source: TableSource, where: str, folder: Path, threads: int, is_explained: bool = True
    ) -> ScoreReport:
        as_of = _as_of(source)
        run = sha256_of_json({"model": self.spec.name, "version": model.version, "table": source.digest,
                              "where": where})[:12]  # fmt: skip
        path = file_for(folder, self.spec.name, as_of, run)
        if path.is_file():
            rows = pq.read_metadata(path).num_rows
            reason = f"Version {model.version} has scored this very data; nothing was added."
            return ScoreReport("reused", self.spec.name, model.version, reason, rows, path, {"rows": rows}, reason)
        started = datetime.now(UTC)
        probabilities: list[np.ndarray] = []
        batches = self._batches(model, source, where, as_of, started, probabilities, threads, is_explained)
        rows = write_once(path, batches)
        seconds = (datetime.now(UTC) - started).total_seconds()
        numbers = _numbers(np.concatenate([*probabilities, np.empty(0)]), rows, seconds)
        reason = f"Version {model.version} scored {rows:,} orders as of {as_of:%Y-%m-%d %H:%M} UTC."
        lines = ["| | |", "|---|---|", *(f"| {name} | {value:,.4g} |" for name, value in numbers.items())]
        return ScoreReport("scored", self.spec.name, model.version, reason, rows, path, numbers, "\n".join(lines))

    def _batches(self, model: LoadedModel, source: TableSource, where: str, as_of: datetime, started: datetime,
                 seen: list[np.ndarray], threads: int, is_explained: bool) -> Iterator[pa.RecordBatch]:  # fmt: skip
        roles = self.spec.roles
        numbers, categories = model.features.of_kind("number"), model.features.of_kind("category")
        columns = list(dict.fromkeys([roles.key, roles.groups[0], roles.target, *categories]))
        for batch in read_batches(source, columns, numbers, where, BATCH_ROWS):
            frame = batch.to_pandas()
            predicted = model.predict(frame, threads)
            require_probabilities(predicted, frame[roles.key])
            seen.append(predicted)
            is_open = frame[roles.target].isna().to_numpy()
            yield pa.RecordBatch.from_pydict(
                {
                    "order_id": batch.column(roles.key).cast(pa.string()),
                    "region_code": batch.column(roles.groups[0]).cast(pa.string()),
                    "model_name": pa.repeat(self.spec.name, len(frame)),
                    "model_version": pa.repeat(model.version, len(frame)),
                    "as_of": pa.repeat(pa.scalar(_naive(as_of), pa.timestamp("us")), len(frame)),
                    "scored_at": pa.repeat(pa.scalar(_naive(started), pa.timestamp("us")), len(frame)),
                    "late_probability": predicted,
                    "data_snapshot": pa.repeat(source.snapshot, len(frame)),
                    "reasons": reasons_of(model.light, frame, predicted, is_open & is_explained),
                },
                schema=SCHEMA,
            )

    def _where(self, stores: ModelStores, version: str) -> str:
        roles = self.spec.roles
        trained_until = pd.Timestamp(stores.promotions.history(self.spec.name).version(version).evaluated["origin"])
        since = pd.Timestamp(self.since) if self.since else trained_until
        window = f"\"{roles.time}\" >= timestamp '{_naive(since)}'"
        if self.until:
            window += f" and \"{roles.time}\" < timestamp '{_naive(pd.Timestamp(self.until))}'"
        return f'({window}) or "{roles.target}" is null' if self.with_open else window


def score_in_shadow(stores: ModelStores, model: str, score: Callable[[LoadedModel], str]) -> str:
    """Let the challenger answer what the champion answers; what keeps it from that must not keep the champion.

    Args:
        stores: Open stores.
        model: Registered model.
        score: Lets a version answer into the folder of shadows; returns one sentence.

    Returns:
        What it did, one sentence; empty if there is no challenger.
    """
    history = stores.promotions.history(model)
    if history.challenger is None:
        return ""
    version = history.version(history.challenger)
    try:
        return f"In shadow: {score(load(stores, model, version.version, str(version.evaluated['artifact']['digest'])))}"
    except (ArtifactMismatch, UnusableTable, PredictionsRefused) as error:
        return f"Version {version.version} could not score in shadow: {error}"


def as_scored(source: TableSource, path: Path | None) -> TableSource:
    """A table under the name of the snapshot by which the champion's file knows it, so that both can be paired.

    Later snapshots carry the same table: what the champion has scored once it does not score again under their names.
    """
    return replace(source, snapshot=(snapshot_of(path) if path else None) or source.snapshot)


def reasons_of(model: LightModel, frame: pd.DataFrame, predicted: np.ndarray, is_open: np.ndarray) -> list[str | None]:
    """The strongest reasons of the riskiest open rows as JSON, None for the others."""
    candidates = np.flatnonzero(is_open)
    explained = candidates[np.argsort(-predicted[candidates], kind="stable")][:MOST_EXPLAINED]
    found: list[str | None] = [None] * len(frame)
    added = model.reasons(frame.iloc[explained])
    strongest = np.argsort(-np.abs(added.to_numpy()), axis=1, kind="stable")[:, :REASONS]
    for position, row, order in zip(explained, added.to_numpy(), strongest, strict=True):
        found[position] = json.dumps(
            [{"feature": added.columns[i], "value": _plain(frame[added.columns[i]].iat[position]),
              "log_odds": round(float(row[i]), 4)} for i in order],
            ensure_ascii=False,
        )  # fmt: skip
    return found


def _plain(value: Any) -> Any:
    """A JSON value: numbers to six digits, texts, null for what is missing."""
    if pd.isna(value):
        return None
    return value if isinstance(value, str) else float(f"{float(value):.6g}")


def require_probabilities(predicted: np.ndarray, keys: pd.Series) -> None:
    """Refuse a batch that holds anything but probabilities.

    Raises:
        PredictionsRefused: names the first row that is none.
    """
    wrong = ~(np.isfinite(predicted) & (predicted >= 0) & (predicted <= 1))
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise PredictionsRefused(
            f"A prediction must be a number within 0 and 1; {int(wrong.sum())} are not, the first is "
            f"{predicted[first]} for {keys.iloc[first]}. Nothing was written. Roll back, or mend the features."
        )


def _as_of(source: TableSource) -> datetime:
    if source.as_of is None:
        raise PredictionsRefused(
            f"Snapshot {source.snapshot} does not say as of when it is. Publish with the note `as_of`."
        )
    return source.as_of.to_pydatetime()


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _numbers(predicted: np.ndarray, rows: int, seconds: float) -> dict[str, float]:
    if rows == 0:
        return {"rows": 0.0}
    low, middle, high = np.quantile(predicted, [0.05, 0.5, 0.95])
    return {"rows": float(rows), "mean": float(predicted.mean()), "p05": float(low), "median": float(middle),
            "p95": float(high), "rows_per_second": rows / max(seconds, 1e-9)}  # fmt: skip
