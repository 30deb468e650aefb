"""Giving a prediction again: the same rows, the same verified model, and whether the same answer comes out.

Belongs here: finding a stored prediction, rebuilding what it was made from, comparing. Does not belong here: scoring as
such (ml/jobs/score), keeping snapshots (workspace/published).

An id is `ORDER`, for the newest prediction of an order, or `ORDER@FILE` with the name of a file of predictions, such as
`o00042@20260701T000000Z-3f1c`; replaying prints that form.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from ml.core.replayed import Replayed
from ml.io.champion import signed_digest
from ml.io.data import TableSource, read_batches
from ml.io.kept import NotKept, kept_table
from ml.io.predictions import files_of
from ml.io.registry import LoadedModel, load
from ml.io.stores import open_stores
from ml.jobs.catalogue import LATE_DELIVERY, ModelSpec
from ml.jobs.score import reasons_of
from workspace.files import sha256_of_json
from workspace.settings import Settings

#: What an answer consists of; its hash covers these and nothing that differs from one replay to the next.
ANSWER = ("order_id", "model_name", "model_version", "as_of", "data_snapshot", "late_probability", "reasons")


class NotReplayable(RuntimeError):
    """A prediction cannot be given again: there is none, or what it was made from is not kept."""


@dataclass(frozen=True)
class Replay(Replayed):
    """A prediction beside the same one made again.

    Attributes:
        id: `ORDER@FILE`.
        dossier: SHA-256 of the dossier of the version that gave it.
        table_sha256: SHA-256 of the features' file, which was verified.
        recorded, replayed: The answers, by the names in `ANSWER`.
    """

    id: str
    dossier: str
    table_sha256: str
    recorded: Mapping[str, Any]
    replayed: Mapping[str, Any]


@dataclass(frozen=True)
class ReplayJob:
    """Give a prediction again from the snapshot and the version that it names."""

    prediction: str
    spec: ModelSpec = field(default=LATE_DELIVERY)

    def run(self, settings: Settings) -> Replay:
        """Replay, without writing anything.

        Raises:
            NotReplayable: there is no such prediction, or its snapshot is gone or was changed.
            ArtifactMismatch, DossierBroken: the version's files or its dossier are not those that were signed.
        """
        path, recorded = _recorded(settings, self.spec.name, self.prediction)
        version = str(recorded["model_version"])
        try:
            source = kept_table(settings, str(recorded["data_snapshot"]), self.spec.table)
        except NotKept as error:
            raise NotReplayable(str(error)) from error
        with open_stores(settings) as stores:
            dossier = stores.promotions.history(self.spec.name).version(version).dossier or ""
            model = load(stores, self.spec.name, version, signed_digest(stores, self.spec.name, version))
        replayed = {**recorded, **_answer(model, self.spec, source, str(recorded["order_id"]), recorded)}
        return Replay(
            f"{recorded['order_id']}@{path.stem}", dossier, source.file_sha256, recorded, replayed,
            recorded_hash=sha256_of_json(recorded), replayed_hash=sha256_of_json(replayed),
        )  # fmt: skip


def _recorded(settings: Settings, model: str, prediction: str) -> tuple[Path, dict[str, Any]]:
    order, _, file = prediction.partition("@")
    files = [path for path in files_of(settings.paths.predictions, model) if file in ("", path.stem)]
    for path in reversed(files):
        with duckdb.connect(":memory:") as connection:
            found = connection.execute(
                "select * from read_parquet(?) where order_id = ?", [str(path), order]
            ).to_arrow_table()
        if found.num_rows:
            row = {"reasons": None, **found.to_pylist()[0]}
            return path, {name: _plain(row[name]) for name in ANSWER}
    raise NotReplayable(
        f"No prediction of {model} has the id {prediction[:80]!r}; {len(files)} files were searched. Name an order, or "
        f"ORDER@FILE with a file of {settings.paths.predictions}."
    )


def _answer(model: LoadedModel, spec: ModelSpec, source: TableSource, order: str,
            recorded: Mapping[str, Any]) -> dict[str, Any]:  # fmt: skip
    """What the model says of an order now; reasons only where they were given."""
    columns = list(dict.fromkeys([spec.roles.key, *model.features.of_kind("category")]))
    where = f"\"{spec.roles.key}\" = '{order.replace(chr(39), chr(39) * 2)}'"
    frames = [b.to_pandas() for b in read_batches(source, columns, model.features.of_kind("number"), where, 10)]
    frame = pd.concat(frames, ignore_index=True)
    if len(frame) != 1:
        raise NotReplayable(f"{source.name} of snapshot {source.snapshot} holds {len(frame)} rows of order {order!r}.")
    predicted = model.predict(frame)
    is_explained = pd.Series([recorded["reasons"] is not None]).to_numpy()
    reasons = reasons_of(model.light, frame, predicted, is_explained)[0]
    as_of = source.as_of.tz_convert(None).to_pydatetime() if source.as_of is not None else None
    return {"late_probability": float(predicted[0]), "reasons": _plain(reasons), "as_of": _plain(as_of)}


def _plain(value: Any) -> Any:
    """A JSON value; the JSON of reasons is read, so that its spelling does not count."""
    if isinstance(value, datetime):
        return value.isoformat()
    return json.loads(value) if isinstance(value, str) and value.startswith("[") else value
