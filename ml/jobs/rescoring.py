"""What a run of matching scores: all pairs, those that a new or changed record is part of, or none.

Belongs here: the choice, and pairs in the order of the records. Does not belong here: Splink's calls (linking), what
follows from scores and where it is kept (master).

The linkage model is trained once and kept, so that the same records get the same scores tomorrow; it is trained anew
when the comparisons change or the records have doubled. Large tables are then compared incrementally. Products are
scored by a matcher of their own, whole when any of them changed: each pair is judged beside all rivals of its records.
"""

import hashlib
import inspect
from dataclasses import dataclass
from typing import Any

import polars as pl
import polars.selectors as cs

import ml.core.matching.customers
import ml.core.matching.model
import ml.core.matching.products.candidates
import ml.core.matching.products.doubts
import ml.core.matching.products.features
import ml.core.matching.products.labels
import ml.core.matching.products.matcher
import ml.core.matching.products.records
import ml.core.matching.products.views
import ml.core.matching.records
import ml.core.matching.romanise
import ml.core.matching.warehouses
from ml.core.matching.model import Entity, SplinkEntity
from ml.core.matching.products.entity import PRODUCT
from ml.core.matching.products.matcher import Matcher
from ml.io.linking_database import linking_database
from ml.io.matchers import load_matcher
from ml.io.matching import State
from ml.jobs.linking import prepared_for, score, score_changed, train
from ml.jobs.products import product_table, score_products
from workspace.settings import Settings

#: Records below which all pairs are scored each time: it takes seconds, and keys see the whole table.
FEWEST_FOR_INCREMENT = 20_000
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
    ml.core.matching.products.views,
)


@dataclass(frozen=True)
class Scored:
    """Records in the order of their ids, and pairs by position in it.

    Attributes:
        ids: Record ids.
        records: Normalised columns.
        pairs: `left`, `right`, `probability`; of products also `is_doubtful`.
        model: The linkage model, or who taught the product matcher; None where nothing could be compared.
        way: `whole`, `changed` or `unchanged`.
        count_compared: New and changed records.
        note: Why nothing was compared, where so.
    """

    ids: pl.Series
    records: pl.DataFrame
    pairs: pl.DataFrame
    model: Any
    way: str
    count_compared: int
    note: str = ""


def scored_pairs(settings: Settings, entity: Entity, raw: pl.DataFrame, state: State | None) -> Scored:
    """Pairs of the records of `raw` (with `record_id` and `digest`), as much as possible from the state before.

    Raises:
        NothingToCompare: no column says who the records are.
    """
    if not isinstance(entity, SplinkEntity):
        return _score_products(settings, raw, state)
    fingerprint = rules_fingerprint()
    fits = state is not None and state.facts["fingerprint"] == fingerprint and state.facts["model"] is not None
    if not fits or state is None or raw.height >= 2 * int(state.facts["count_trained"]):
        return _score_all(settings, entity, raw, None)
    known = raw.select("record_id", "digest").join(
        state.records.select("record_id", "digest", "record"), on="record_id", how="left", suffix="_before",
        maintain_order="left",
    )  # fmt: skip
    is_changed = (known["digest"] != known["digest_before"]).fill_null(True)
    if raw.height < FEWEST_FOR_INCREMENT or is_changed.sum() > LARGEST_INCREMENT * raw.height:
        return _score_all(settings, entity, raw, state.facts["model"])
    return _score_increment(settings, entity, raw, state, is_changed)


def _score_products(settings: Settings, raw: pl.DataFrame, state: State | None) -> Scored:
    """Score all product pairs by what people taught, else by what the records teach; none where nothing changed."""
    taught = load_matcher(settings.paths.matching, PRODUCT.name)
    if state is not None and _same_products(raw, state, taught):
        records = state.records.drop("record_id", "digest")
        return Scored(state.records["record_id"], records, state.pairs, state.facts["model"], "unchanged", 0)
    products = product_table(raw)
    pairs, used = score_products(products, taught)
    records = products.records.drop("record_id", cs.list()).with_columns(
        record=pl.int_range(raw.height, dtype=pl.Int64)
    )
    return Scored(products.ids, records, pairs, _teaching(used), "whole", raw.height)


def _same_products(raw: pl.DataFrame, state: State, taught: Matcher | None) -> bool:
    """Whether records, rules and what people taught are those of the state."""
    before = state.facts["model"]
    if state.facts["fingerprint"] != rules_fingerprint() or before is None:
        return False
    is_taught_anew = before["taught_by"] == "labels" if taught is None else before != _teaching(taught)
    return not is_taught_anew and raw.select("record_id", "digest").equals(state.records.select("record_id", "digest"))


def _teaching(used: Matcher) -> dict[str, Any]:
    """Who taught a matcher, and by what."""
    return {"taught_by": used.taught_by, "count_same": used.count_same, "count_other": used.count_other}


def _score_all(settings: Settings, entity: SplinkEntity, raw: pl.DataFrame, model: Any) -> Scored:
    prepared = prepared_for(entity, raw)
    with linking_database(settings) as database:
        if model is None:
            model = train(entity, prepared, database)
        pairs, model = score(prepared, model, database)
    return Scored(prepared.ids, prepared.records, pairs, model, "whole", raw.height)


def _score_increment(
    settings: Settings, entity: SplinkEntity, raw: pl.DataFrame, state: State, is_changed: pl.Series
) -> Scored:
    """Score what a changed record is part of; all other pairs keep their score. Positions follow `raw`."""
    position = raw.select("record_id").with_row_index("record").with_columns(pl.col("record").cast(pl.Int64))
    changed_ids = raw.filter(is_changed)["record_id"]
    moved = state.records.select("record_id", before="record").join(position, on="record_id")
    kept = moved.join(changed_ids.to_frame(), on="record_id", how="anti").select("before", "record")
    others = state.records.join(kept, left_on="record", right_on="before").drop("record", "digest").rename(
        {"record_right": "record"})  # fmt: skip
    pairs = state.pairs
    for end in ("left", "right"):
        pairs = pairs.join(kept, left_on=end, right_on="before").drop(end).rename({"record": end})
    model, records = state.facts["model"], others
    if changed_ids.len():
        prepared = prepared_for(entity, raw.filter(is_changed))
        numbers = prepared.ids.to_frame().join(position, on="record_id", maintain_order="left", how="left")["record"]
        changed = prepared.records.with_columns(record=numbers)
        rest = others.select([pl.col(c).cast(t) for c, t in changed.schema.items()])
        with linking_database(settings) as database:
            new_pairs = score_changed(changed, rest, model, database)
        pairs = pl.concat([pairs.select(new_pairs.columns), new_pairs])
        records = pl.concat([rest, changed])
    return Scored(raw["record_id"], records.sort("record"), _in_order(pairs), model,
                   "changed" if changed_ids.len() else "unchanged", changed_ids.len())  # fmt: skip


def _in_order(pairs: pl.DataFrame) -> pl.DataFrame:
    return pairs.select(
        left=pl.min_horizontal("left", "right"), right=pl.max_horizontal("left", "right"), probability="probability"
    ).sort("left", "right")


def all_single(raw: pl.DataFrame, why: str) -> Scored:
    """No pairs at all, and why."""
    none = pl.DataFrame(schema={"left": pl.Int64, "right": pl.Int64, "probability": pl.Float64})
    records = raw.with_columns(pl.col(pl.String), record=pl.int_range(raw.height, dtype=pl.Int64))
    return Scored(raw["record_id"], records, none, None, "whole", 0, why)


def rules_fingerprint() -> str:
    """Digest of the code that decides which pairs are compared and how."""
    return hashlib.sha256("".join(inspect.getsource(module) for module in _RULES).encode()).hexdigest()
