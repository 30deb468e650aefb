"""Where matching keeps its work: the state of each entity, and the tables that dbt reads.

Belongs here: paths, schemas, atomic writes and reads. Does not belong here: matching (ml/jobs/master), verdicts
(ml/io/verdicts), golden values (dbt_project).

    matching/<table>/<entity>.parquet     what dbt reads; `empty.parquet` holds the typed columns
    matching/state/<entity>/<run>/        records, pairs, ids and model of the newest run; `current` names it

A run writes its state beside the old one and then moves the pointer, so that an interrupted run leaves the old state.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from workspace.files import canonical_json, write_atomically

TABLES: Mapping[str, Mapping[str, Any]] = {
    "matched_records": {
        "entity": pl.String, "source_system": pl.String, "code": pl.String, "golden_id": pl.String,
        "match_rule": pl.String, "match_probability": pl.Float64,
    },
    "matched_pairs": {
        "entity": pl.String, "left_record": pl.String, "right_record": pl.String, "probability": pl.Float64,
        "zone": pl.String, "match_rule": pl.String, "evidence": pl.String,
    },
    "identity_changes": {
        "entity": pl.String, "change_id": pl.String, "kind": pl.String, "golden_id": pl.String, "into": pl.String,
        "evidence": pl.String, "actor": pl.String, "changed_at": pl.Datetime("us"),
    },
    "match_quality": {
        "entity": pl.String, "measured_at": pl.Datetime("us"), "measure": pl.String, "segment_kind": pl.String,
        "segment": pl.String, "value": pl.Float64, "count": pl.Int64, "low": pl.Float64, "high": pl.Float64,
    },
}  # fmt: skip


@dataclass(frozen=True)
class State:
    """What the newest run of an entity left for the next.

    Attributes:
        records: Normalised columns and keys, with `record` (its lasting number), `record_id`, `digest` of the raw row.
        pairs: `left`, `right` (record numbers), `probability` by the model.
        identities: `record_id`, `golden_id`; records that are gone keep theirs.
        facts: `model`, `fingerprint` of code and comparisons, `count_trained` records, thresholds.
        rarities: Of products: what their words and codes were weighed by.
    """

    records: pl.DataFrame
    pairs: pl.DataFrame
    identities: pl.DataFrame
    facts: Mapping[str, Any]
    rarities: pl.DataFrame | None = None


class MatchingStore:
    """The matching folder of one company (`CompanyPaths.matching`)."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def ensure(self) -> "MatchingStore":
        """Give every table its typed columns, so that dbt can read it before the first run; returns itself."""
        for table, schema in TABLES.items():
            path = self._root / table / "empty.parquet"
            if not path.exists():
                _write(pl.DataFrame(schema=dict(schema)), path)
        return self

    def load(self, entity: str) -> State | None:
        """State of the newest finished run; None before the first."""
        pointer = self._root / "state" / entity / "current"
        if not pointer.exists():
            return None
        folder = pointer.parent / pointer.read_text(encoding="utf-8")
        rarities = folder / "rarities.parquet"
        return State(
            records=pl.read_parquet(folder / "records.parquet"), pairs=pl.read_parquet(folder / "pairs.parquet"),
            identities=pl.read_parquet(folder / "identities.parquet"),
            facts=json.loads((folder / "facts.json").read_text(encoding="utf-8")),
            rarities=pl.read_parquet(rarities) if rarities.exists() else None,
        )  # fmt: skip

    def facts(self, entity: str) -> Mapping[str, Any]:
        """The newest run's facts alone; empty before the first."""
        pointer = self._root / "state" / entity / "current"
        if not pointer.exists():
            return {}
        path = pointer.parent / pointer.read_text(encoding="utf-8") / "facts.json"
        found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found

    def save(self, entity: str, run: str, state: State) -> None:
        """Make `state` the newest; older ones are removed."""
        folder = self._root / "state" / entity / run
        _write(state.records, folder / "records.parquet")
        _write(state.pairs, folder / "pairs.parquet")
        _write(state.identities, folder / "identities.parquet")
        if state.rarities is not None:
            _write(state.rarities, folder / "rarities.parquet")
        write_atomically(folder / "facts.json", canonical_json(state.facts))
        write_atomically(folder.parent / "current", run)
        for other in folder.parent.iterdir():
            if other.is_dir() and other != folder:
                shutil.rmtree(other)

    def publish(self, table: str, entity: str, frame: pl.DataFrame) -> None:
        """Replace an entity's rows of a table."""
        _write(_typed(table, frame), self._root / table / f"{entity}.parquet")

    def append(self, table: str, entity: str, run: str, frame: pl.DataFrame) -> None:
        """Add a run's rows to a table that keeps its history."""
        _write(_typed(table, frame), self._root / table / f"{entity}-{run}.parquet")

    def read(self, table: str, entity: str | None = None) -> pl.DataFrame:
        """Rows of a table, of one entity if named."""
        files = sorted((self._root / table).glob(f"{entity}*.parquet" if entity else "*.parquet"))
        frames = [pl.read_parquet(file) for file in files]
        # Files of older versions lack newer columns.
        return pl.concat(frames, how="diagonal") if frames else pl.DataFrame(schema=dict(TABLES[table]))


def _typed(table: str, frame: pl.DataFrame) -> pl.DataFrame:
    schema = TABLES[table]
    return frame.select([pl.col(name).cast(kind) for name, kind in schema.items()])


def _write(frame: pl.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    frame.write_parquet(temporary)
    temporary.replace(path)
