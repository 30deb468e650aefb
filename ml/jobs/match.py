"""Matching a free table, or two: from records to links, without a warehouse.

Belongs here: the way from a table to pairs, zones and clusters. Does not belong here: the company's own master data
(ml/jobs/master), reading files and comparing with a truth (orchestration/cli).
"""

from dataclasses import dataclass

import polars as pl

from ml.core.matching.decisions import decide
from ml.core.matching.model import ModelDocument, SplinkEntity
from ml.core.matching.zones import Zones
from ml.io.linking_database import linking_database
from ml.jobs.linking import prepared_for, score, train
from workspace.settings import Settings


@dataclass(frozen=True)
class Matched:
    """What matching a table found.

    Attributes:
        pairs: Every candidate pair: `left_record`, `right_record` (ids), `probability`, `rule` (null where the model
            decided), `zone`.
        clusters: Every record: `record_id`, `cluster` (id of its first record).
        zones: The thresholds chosen.
        model: The linkage model, to look at or to score with again.
        refused: Linked pairs that the cluster guard kept apart.
    """

    pairs: pl.DataFrame
    clusters: pl.DataFrame
    zones: Zones
    model: ModelDocument
    refused: int


def match_table(
    entity: SplinkEntity, table: pl.DataFrame, settings: Settings, other: pl.DataFrame | None = None,
    floor: float | None = None,
) -> Matched:  # fmt: skip
    """Find the records of one table that are the same, or those that two tables share.

    Args:
        entity: What the records are of.
        table: `record_id` and any of the entity's columns, by their canonical names.
        settings: For the threads, memory and spill folder of the scratch database.
        other: Second table to link the first with; pairs within a table are then not looked for.
        floor: Least expected precision of the links; None: where expected F1 is greatest.

    Raises:
        NothingToCompare: no column says who a record is.
    """
    prepared = prepared_for(entity, table, other)
    with linking_database(settings) as database:
        model = train(entity, prepared, database)
        pairs, model = score(prepared, model, database)
    decided = decide(entity, prepared.records, pairs, floor=floor)
    ids = prepared.ids
    return Matched(
        pairs=decided.pairs.select(
            left_record=ids.gather(decided.pairs["left"]), right_record=ids.gather(decided.pairs["right"]),
            probability="probability", rule="rule", zone="zone",
        ),
        clusters=pl.DataFrame({"record_id": ids, "cluster": ids.gather(decided.clusters.labels)}),
        zones=decided.zones, model=model, refused=int(decided.clusters.refused.size),
    )  # fmt: skip
