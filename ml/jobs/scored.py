"""What a run of matching scored, and what it keeps of the run before.

Belongs here: what Splink's entities and products share. Does not belong here: the choice of what is scored (rescoring,
rescoring_products), what follows from scores (master).
"""

import hashlib
import inspect
from dataclasses import dataclass
from typing import Any

import polars as pl

import ml.core.matching.customers
import ml.core.matching.model
import ml.core.matching.products.candidates
import ml.core.matching.products.doubts
import ml.core.matching.products.features
import ml.core.matching.products.labels
import ml.core.matching.products.matcher
import ml.core.matching.products.records
import ml.core.matching.products.text
import ml.core.matching.products.views
import ml.core.matching.records
import ml.core.matching.romanise
import ml.core.matching.warehouses
from ml.io.matching import State

#: Share of changed records from which on scoring all pairs is no slower.
LARGEST_INCREMENT = 0.3
#: Modules that decide which pairs are compared and how; when their text changes, all is scored anew.
_RULES = (
    ml.core.matching.customers,
    ml.core.matching.model,
    ml.core.matching.records,
    ml.core.matching.romanise,
    ml.core.matching.warehouses,
    ml.core.matching.products.candidates,
    ml.core.matching.products.doubts,
    ml.core.matching.products.features,
    ml.core.matching.products.labels,
    ml.core.matching.products.matcher,
    ml.core.matching.products.records,
    ml.core.matching.products.text,
    ml.core.matching.products.views,
)


@dataclass(frozen=True)
class Scored:
    """Records in the order of their ids, and pairs by position in it.

    Attributes:
        ids: Record ids.
        records: Normalised columns.
        pairs: `left`, `right`, `probability`; of products also what `score_products` says of them.
        model: The linkage model, or who taught the product matcher; None where nothing could be compared.
        way: `whole`, `changed` or `unchanged`.
        count_compared: New and changed records.
        count_pairs: Pairs that were scored in this run.
        note: Why nothing was compared, where so.
        rarities: Of products: what their words and codes are weighed by (`Rarities.things`).
    """

    ids: pl.Series
    records: pl.DataFrame
    pairs: pl.DataFrame
    model: Any
    way: str
    count_compared: int
    count_pairs: int
    note: str = ""
    rarities: pl.DataFrame | None = None


@dataclass(frozen=True)
class Kept:
    """What is still as it was.

    Attributes:
        is_changed: Of each record now, whether it is new or changed.
        places: `before`, `record`: position of each unchanged record in the state, and now.
        pairs: Scored pairs of two unchanged records, by their positions now.
    """

    is_changed: pl.Series
    places: pl.DataFrame
    pairs: pl.DataFrame


def kept(raw: pl.DataFrame, state: State) -> Kept:
    """The records of `raw` (with `record_id` and `digest`) beside those of the state."""
    now = raw.select("record_id", "digest", record=pl.int_range(pl.len(), dtype=pl.Int64))
    before = state.records.select("record_id", before="record", digest_before="digest")
    known = now.join(before, on="record_id", how="left", maintain_order="left")
    is_changed = (known["digest"] != known["digest_before"]).fill_null(True)
    places = known.filter(~is_changed).select("before", "record")
    pairs = state.pairs
    for end in ("left", "right"):
        pairs = pairs.join(places, left_on=end, right_on="before").drop(end).rename({"record": end})
    return Kept(is_changed, places, pairs)


def in_order(pairs: pl.DataFrame) -> pl.DataFrame:
    """The pairs with left < right, in order."""
    ends = {"left": pl.min_horizontal("left", "right"), "right": pl.max_horizontal("left", "right")}
    return pairs.with_columns(**ends).sort("left", "right")


def all_single(raw: pl.DataFrame, why: str) -> Scored:
    """No pairs at all, and why."""
    none = pl.DataFrame(schema={"left": pl.Int64, "right": pl.Int64, "probability": pl.Float64})
    records = raw.with_columns(pl.col(pl.String), record=pl.int_range(raw.height, dtype=pl.Int64))
    return Scored(raw["record_id"], records, none, None, "whole", 0, 0, why)


def rules_fingerprint() -> str:
    """Digest of the code that decides which pairs are compared and how."""
    return hashlib.sha256("".join(inspect.getsource(module) for module in _RULES).encode()).hexdigest()
