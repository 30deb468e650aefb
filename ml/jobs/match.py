"""Matching a free table, or two: from records to links, without a warehouse.

Belongs here: the way from a table to pairs, zones and clusters. Does not belong here: the company's own master data
(ml/jobs/master), reading files and comparing with a truth (orchestration/cli).
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from splink import DuckDBAPI

from ml.core.matching.clusters import Clusters, cluster
from ml.core.matching.model import Entity, ModelDocument
from ml.core.matching.zones import PRECISION_FLOOR, Zones, choose_zones
from ml.jobs.linking import certain_pairs, prepared_for, score, train
from workspace.settings import Settings
from workspace.warehouse import scratch_connection

#: Probability of a pair that a deterministic rule links.
CERTAIN = 1.0 - 1e-6


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
    entity: Entity, table: pl.DataFrame, settings: Settings, other: pl.DataFrame | None = None,
    floor: float = PRECISION_FLOOR,
) -> Matched:  # fmt: skip
    """Find the records of one table that are the same, or those that two tables share.

    Args:
        entity: What the records are of.
        table: `record_id` and any of the entity's columns, by their canonical names.
        settings: For the threads, memory and spill folder of the scratch database.
        other: Second table to link the first with; pairs within a table are then not looked for.
        floor: Least expected precision of the links.

    Raises:
        NothingToCompare: no column says who a record is.
    """
    prepared = prepared_for(entity, table, other)
    with scratch_connection(settings) as connection:
        model = train(entity, prepared, DuckDBAPI(connection))
        pairs, model = score(prepared, model, DuckDBAPI(connection))
    rule = certain_pairs(entity, prepared, pairs)
    probability = np.where(rule.is_not_null().to_numpy(), CERTAIN, pairs["probability"].to_numpy())
    zones = choose_zones(probability, floor)
    left, right = pairs["left"].to_numpy(), pairs["right"].to_numpy()
    clusters: Clusters = cluster(prepared.records.height, left, right, probability, probability >= zones.link_at)
    return Matched(
        pairs=pl.DataFrame({
            "left_record": prepared.ids.gather(left), "right_record": prepared.ids.gather(right),
            "probability": probability, "rule": rule, "zone": zones.of(probability),
        }),
        clusters=pl.DataFrame({"record_id": prepared.ids, "cluster": prepared.ids.gather(clusters.labels)}),
        zones=zones, model=model, refused=int(clusters.refused.size),
    )  # fmt: skip
