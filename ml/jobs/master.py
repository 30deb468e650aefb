"""Matching a company's master data: from the staged records to clusters with lasting golden ids.

Belongs here: one run for one entity, whole or of what changed. Does not belong here: comparing (ml/core/matching),
which pairs are scored (rescoring), files (ml/io/matching), golden values (dbt_project).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import polars as pl

from ml.core.matching.decisions import Decided, RecordPair, decide, evidence
from ml.core.matching.identities import Change, assign, own_id
from ml.core.matching.model import Entity, SplinkEntity
from ml.core.matching.quality import measures
from ml.core.matching.records import NothingToCompare
from ml.core.matching.verdicts import APART, LINKED, Pair, Verdicts
from ml.core.matching.zones import PRECISION_FLOOR
from ml.io.matching import MatchingStore, State
from ml.io.verdicts import MATCHER, open_verdicts
from ml.jobs.rescoring import scored_pairs
from ml.jobs.scored import Scored, all_single, rules_fingerprint
from workspace.files import sha256_of_json
from workspace.settings import Settings
from workspace.warehouse import open_warehouse

#: Probability below which a pair is not kept for the next run, unless its records share a cluster.
LEAST_KEPT = 0.001


@dataclass(frozen=True)
class MatchReport:
    """What a run found.

    Attributes:
        entity: Entity matched.
        way: `whole`, `changed` or `unchanged`.
        count_records: Records now.
        count_compared: New and changed records.
        count_pairs: Pairs that were scored.
        count_golden: Clusters.
        counts: Pairs by zone.
        link_at, queue_at: Thresholds.
        expected_precision: Of the linked pairs.
        refused: Links that the cluster guard refused.
        largest: Records of the largest cluster.
        changes: Merges and splits of earlier ids.
        note: Why nothing was compared, where so.
    """

    entity: str
    way: str
    count_records: int
    count_compared: int
    count_pairs: int
    count_golden: int
    counts: dict[str, int]
    link_at: float
    queue_at: float
    expected_precision: float
    refused: int
    largest: int
    changes: tuple[Change, ...]
    note: str = ""


def match_entity(
    settings: Settings, entity: Entity, whole: bool = False, floor: float = PRECISION_FLOOR
) -> MatchReport:
    """Match the staged records of an entity and publish clusters, pairs, changes and quality.

    Args:
        settings: Company to work on; its staging models must have been built.
        entity: One of `ENTITIES`.
        whole: Score all pairs with a newly trained model, whatever has changed.
        floor: Least expected precision of what is linked.
    """
    store = MatchingStore(settings.paths.ensure().matching).ensure()
    raw = _staged(settings, entity)
    ledger = open_verdicts(settings)
    try:
        verdicts = ledger.verdicts(entity.name)
        state = store.load(entity.name)
        run = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        try:
            scored = scored_pairs(settings, entity, raw, None if whole else state)
        except NothingToCompare as nothing:
            scored = all_single(raw, str(nothing))
            entity = replace(entity, certain=(), evidence=(), told_apart_by="")
        linked, apart = (_positions(scored.ids, verdicts.pairs(kind)) for kind in (LINKED, APART))
        decided = decide(entity, scored.records, scored.pairs, linked, apart, floor)
        identities, changes = _identified(settings, entity, raw, scored, decided, state)
        rows = _change_rows(entity, run, changes, verdicts, identities)
        if changes:
            ledger.note_changes(entity.name, run, rows, sha256_of_json(rows))
            store.append("identity_changes", entity.name, run, _frame(rows))
        _publish(store, entity, run, raw, scored, decided, identities)
        store.save(entity.name, run, _state(entity, raw, scored, decided, identities, state))
    finally:
        ledger.close()
    return _report(entity, scored, decided, changes)


def _staged(settings: Settings, entity: Entity) -> pl.DataFrame:
    """Staged records with `record_id`, `own_id`, `digest`, in order of their id."""
    with open_warehouse(settings, f"match {entity.name}s", read_only=True) as connection:
        found = connection.execute(f"select * from int_{entity.name}s_comparable").pl()
    compared = [column for column in found.columns if column in entity.aliases]
    return found.with_columns(
        record_id=pl.concat_str("source_system", pl.lit("|"), "code"), digest=found.select(compared).hash_rows(seed=1)
    ).sort("record_id")  # fmt: skip


def _positions(ids: pl.Series, pairs: Sequence[Pair]) -> list[RecordPair]:
    """Positions of the pairs whose records are both there still."""
    named = {one for pair in pairs for one in pair}
    place = {str(record): number for number, record in enumerate(ids) if record in named} if named else {}
    return [(place[a], place[b]) for a, b in pairs if a in place and b in place]


def _identified(
    settings: Settings, entity: Entity, raw: pl.DataFrame, scored: Scored, decided: Decided, state: State | None
) -> tuple[pl.DataFrame, list[Change]]:
    previous = state.identities if state is not None else _ids_in_warehouse(settings, entity)
    own = [own_id(entity.prefix, system, code) for system, code in raw.select("source_system", "code").iter_rows()]
    founded = raw.select("record_id", "first_landed_at").with_columns(own_id=pl.Series(own, dtype=pl.String))
    labelled = pl.DataFrame({"record_id": scored.ids, "cluster": decided.clusters.labels})
    return assign(labelled.join(founded, on="record_id", maintain_order="left"), previous)


def _ids_in_warehouse(settings: Settings, entity: Entity) -> pl.DataFrame:
    """Ids that records had before this way of matching came; none in a new warehouse."""
    name = entity.name
    with open_warehouse(settings, f"read ids of {name}s", read_only=True) as connection:
        there = connection.execute(
            "select count(*) from information_schema.tables where table_name = ?", [f"xref_{name}s"]
        ).fetchone()
        if not there or not there[0]:
            return pl.DataFrame(schema={"record_id": pl.String, "golden_id": pl.String})
        return connection.execute(
            f"select source_system || '|' || {name}_code as record_id, {name}_id as golden_id from xref_{name}s"
        ).pl()


def _change_rows(
    entity: Entity, run: str, changes: Sequence[Change], verdicts: Verdicts, identities: pl.DataFrame
) -> list[dict[str, Any]]:
    """Rows of `identity_changes`: what changed, into what, why and by whom."""
    if not changes:
        return []
    now = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    decided_by_person = _golden_ids_of(verdicts, identities)
    return [
        {"entity": entity.name, "change_id": f"{run}-{number}", "kind": change.kind, "golden_id": change.golden_id,
         "into": ",".join(change.into),
         "evidence": "a steward's verdict" if set(change.into) & decided_by_person else "records or rules changed",
         "actor": MATCHER, "changed_at": now}
        for number, change in enumerate(changes)
    ]  # fmt: skip


def _golden_ids_of(verdicts: Verdicts, identities: pl.DataFrame) -> set[str]:
    named = pl.Series(sorted({record for pair in verdicts.of_pair for record in pair}), dtype=pl.String)
    return set(identities.filter(pl.col("record_id").is_in(named.implode()))["golden_id"])


def _frame(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows).with_columns(pl.col("changed_at").str.to_datetime())


def _publish(
    store: MatchingStore, entity: Entity, run: str, raw: pl.DataFrame, scored: Scored, decided: Decided,
    identities: pl.DataFrame,
) -> None:  # fmt: skip
    named = identities.with_columns(match_rule=decided.rules, match_probability=decided.strengths)
    matched = named.join(raw.select("record_id", "source_system", "code"), on="record_id", maintain_order="left")
    store.publish("matched_records", entity.name, matched.with_columns(entity=pl.lit(entity.name)))
    shown = decided.pairs.filter((pl.col("zone") != "apart") | (pl.col("rule") == "verdict"))
    pairs = shown.select(
        entity=pl.lit(entity.name), left_record=scored.ids.gather(shown["left"]),
        right_record=scored.ids.gather(shown["right"]), probability="probability", zone="zone",
        match_rule=pl.col("rule").fill_null("model"), evidence=evidence(entity, scored.records, shown),
    )  # fmt: skip
    store.publish("matched_pairs", entity.name, pairs)
    store.append("match_quality", entity.name, run, measures(entity, scored.records, raw, identities, decided))


def _state(
    entity: Entity, raw: pl.DataFrame, scored: Scored, decided: Decided, identities: pl.DataFrame,
    before: State | None,
) -> State:  # fmt: skip
    gone = before.identities.join(identities, on="record_id", how="anti") if before is not None else None
    kept = scored.pairs
    # Of products all are kept: a pair that is none may be another's rival.
    if isinstance(entity, SplinkEntity):
        labels = decided.clusters.labels
        together = labels[kept["left"].to_numpy()] == labels[kept["right"].to_numpy()]
        kept = kept.filter(pl.Series(together) | (kept["probability"] >= LEAST_KEPT))
    trained = scored.records.height
    if before is not None and scored.way != "whole":
        trained = int(before.facts["count_trained"])
    return State(
        records=scored.records.with_columns(record_id=scored.ids, digest=raw["digest"]),
        pairs=kept,
        identities=identities if gone is None else pl.concat([identities, gone.select(identities.columns)]),
        facts={
            "model": scored.model, "fingerprint": rules_fingerprint(), "count_trained": trained,
            "link_at": decided.zones.link_at, "queue_at": decided.zones.queue_at, "entity": entity.name,
        },
        rarities=scored.rarities,
    )  # fmt: skip


def _report(entity: Entity, scored: Scored, decided: Decided, changes: Sequence[Change]) -> MatchReport:
    sizes = pl.Series(decided.clusters.labels).value_counts()["count"]
    return MatchReport(
        entity=entity.name, way=scored.way, count_records=scored.records.height, count_compared=scored.count_compared,
        count_pairs=scored.count_pairs,
        count_golden=sizes.len(), counts=dict(decided.pairs["zone"].value_counts().iter_rows()),
        link_at=decided.zones.link_at, queue_at=decided.zones.queue_at,
        expected_precision=decided.zones.expected_precision, refused=int(decided.clusters.refused.size),
        largest=int(sizes.max() or 0), changes=tuple(changes), note=scored.note,  # type: ignore[arg-type]
    )  # fmt: skip
