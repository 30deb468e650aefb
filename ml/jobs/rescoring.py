"""What a run of matching scores: all pairs, those that a new or changed record is part of, or none.

Belongs here: the choice, for entities that Splink compares. Does not belong here: Splink's calls (linking), products
(rescoring_products), what follows from scores and where it is kept (master).

The linkage model is trained once and kept, so that the same records get the same scores tomorrow; it is trained anew
when the comparisons change or the records have doubled. Large tables are then compared incrementally.
"""

from typing import Any

import polars as pl

from ml.core.matching.model import Entity, SplinkEntity
from ml.io.linking_database import linking_database
from ml.io.matching import State
from ml.jobs.linking import prepared_for, score, score_changed, train
from ml.jobs.rescoring_products import scored_products
from ml.jobs.scored import LARGEST_INCREMENT, Kept, Scored, in_order, kept, rules_fingerprint
from workspace.settings import Settings

#: Records below which all pairs are scored each time: it takes seconds, and keys see the whole table.
FEWEST_FOR_INCREMENT = 20_000


def scored_pairs(settings: Settings, entity: Entity, raw: pl.DataFrame, state: State | None) -> Scored:
    """Pairs of the records of `raw` (with `record_id` and `digest`), as much as possible from the state before.

    Raises:
        NothingToCompare: no column says who the records are.
    """
    if not isinstance(entity, SplinkEntity):
        return scored_products(settings, raw, state)
    fits = state is not None and state.facts["fingerprint"] == rules_fingerprint() and state.facts["model"] is not None
    if not fits or state is None or raw.height >= 2 * int(state.facts["count_trained"]):
        return _score_all(settings, entity, raw, None)
    before = kept(raw, state)
    if raw.height < FEWEST_FOR_INCREMENT or before.is_changed.sum() > LARGEST_INCREMENT * raw.height:
        return _score_all(settings, entity, raw, state.facts["model"])
    return _score_increment(settings, entity, raw, state, before)


def _score_all(settings: Settings, entity: SplinkEntity, raw: pl.DataFrame, model: Any) -> Scored:
    prepared = prepared_for(entity, raw)
    with linking_database(settings) as database:
        if model is None:
            model = train(entity, prepared, database)
        pairs, model = score(prepared, model, database)
    return Scored(prepared.ids, prepared.records, pairs, model, "whole", raw.height, pairs.height)


def _score_increment(settings: Settings, entity: SplinkEntity, raw: pl.DataFrame, state: State, before: Kept) -> Scored:
    """Score what a changed record is part of; all other pairs keep their score. Positions follow `raw`."""
    others = state.records.drop("digest").rename({"record": "before"}).join(before.places, on="before").drop("before")
    count = int(before.is_changed.sum())
    if not count:
        pairs = in_order(before.pairs)
        return Scored(raw["record_id"], others.sort("record"), pairs, state.facts["model"], "unchanged", 0, 0)
    prepared = prepared_for(entity, raw.filter(before.is_changed))
    changed = prepared.records.with_columns(record=before.is_changed.arg_true().cast(pl.Int64))
    rest = others.select([pl.col(c).cast(t) for c, t in changed.schema.items()])
    with linking_database(settings) as database:
        new = score_changed(entity, changed, rest, state.facts["model"], database)
    pairs = in_order(pl.concat([before.pairs.select(new.columns), new]))
    records = pl.concat([rest, changed]).sort("record")
    return Scored(raw["record_id"], records, pairs, state.facts["model"], "changed", count, new.height)
