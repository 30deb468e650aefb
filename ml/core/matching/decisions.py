"""What follows from scored pairs: rules and verdicts over the model, zones, guarded clusters, in one pass.

Belongs here: the order in which these speak. Does not belong here: each of them (model, zones, clusters, verdicts).

A person's verdict is above a deterministic rule, and a rule is above the model. Records that one system tells apart are
never one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ml.core.matching.clusters import Clusters, cluster
from ml.core.matching.model import Entity
from ml.core.matching.zones import LEAST_TO_LINK, PRECISION_FLOOR, Zones, balanced_floor, choose_zones, corrected

#: Probability of a pair that a deterministic rule links.
CERTAIN = 1.0 - 1e-6
VERDICT = "verdict"
MODEL = "model"
SINGLE = "single"
RecordPair = tuple[int, int]


@dataclass(frozen=True)
class Decided:
    """Pairs and records after every rule has spoken.

    Attributes:
        pairs: `left`, `right` (record positions), `probability`, `rule` (null where the model decided), `zone`.
        zones: The thresholds.
        clusters: Cluster of each record.
        rules: The strongest rule that links each record to another of its cluster, `single` where none does.
        strengths: Probability of the strongest link of each record, 1 for a single one.
        judged: Pairs that a person decided: `probability` without that verdict, `is_same` by it.
    """

    pairs: pl.DataFrame
    zones: Zones
    clusters: Clusters
    rules: pl.Series
    strengths: pl.Series
    judged: pl.DataFrame


def decide(
    entity: Entity, records: pl.DataFrame, pairs: pl.DataFrame, linked: Sequence[RecordPair] = (),
    apart: Sequence[RecordPair] = (), floor: float | None = PRECISION_FLOOR,
) -> Decided:  # fmt: skip
    """Zones of the pairs and clusters of the records.

    Args:
        entity: What the records are of.
        records: Normalised columns; a record's number is its position.
        pairs: `left`, `right`, `probability` by the model, left < right; perhaps `is_doubtful`, pairs that are for a
            person however likely they are.
        linked: Pairs that a person linked.
        apart: Pairs that a person kept apart.
        floor: Least expected precision of what is linked; None: where expected F1 is greatest.
    """
    known = _with_verdicts(pairs, linked, apart)
    verdict = known["verdict"]
    is_decided = verdict.is_not_null().to_numpy()
    says_linked = (verdict == "linked").fill_null(False).to_numpy()
    model = known["probability"].to_numpy()
    judged = is_decided & known["is_scored"].to_numpy()
    probability = corrected(model, model[judged], says_linked[judged])
    rule = certain_rule(entity, records, known)
    never = _told_apart(entity, records, known) & ~says_linked | is_decided & ~says_linked
    probability = np.where(rule.is_not_null().to_numpy(), CERTAIN, probability)
    told = pl.DataFrame({"probability": probability[judged], "is_same": says_linked[judged]})
    is_doubtful = known["is_doubtful"].to_numpy() & ~is_decided
    free = probability[~never & ~is_decided & ~is_doubtful]
    zones = choose_zones(free, balanced_floor(free) if floor is None else floor, count_verdicts=int(judged.sum()))
    probability = np.where(never, 0.0, np.where(says_linked, 1.0, probability))
    rule = pl.select(pl.when(pl.Series(is_decided)).then(pl.lit(VERDICT)).otherwise(rule)).to_series()
    left, right = known["left"].to_numpy(), known["right"].to_numpy()
    is_linked = (probability >= zones.link_at) & ~is_doubtful
    clusters = cluster(records.height, left, right, probability, is_linked, never | is_doubtful)
    zone = zones.of(probability)
    zone[is_doubtful] = np.where(probability[is_doubtful] >= LEAST_TO_LINK, "queue", "apart")
    # What the guard kept apart goes to a person, unless one has spoken.
    zone[clusters.refused] = np.where(is_decided[clusters.refused], zone[clusters.refused], "queue")
    # What ended in one cluster anyway needs nobody's look.
    together = clusters.labels[left] == clusters.labels[right]
    zone[together & (zone == "queue")] = "linked"
    judged_pairs = known.select("left", "right").with_columns(
        probability=pl.Series(probability), rule=rule, zone=pl.Series(zone)
    )
    rules, strengths = _strongest(entity, records.height, judged_pairs, together & is_linked)
    return Decided(judged_pairs, zones, clusters, rules, strengths, told)


def _with_verdicts(pairs: pl.DataFrame, linked: Sequence[RecordPair], apart: Sequence[RecordPair]) -> pl.DataFrame:
    spoken = pl.DataFrame(
        [(*sorted(pair), verdict) for verdict, given in (("linked", linked), ("apart", apart)) for pair in given],
        schema={"left": pl.Int64, "right": pl.Int64, "verdict": pl.String}, orient="row",
    )  # fmt: skip
    scored = pairs.with_columns(is_scored=pl.lit(True))
    if "is_doubtful" not in pairs.columns:
        scored = scored.with_columns(is_doubtful=pl.lit(False))
    if not spoken.height:
        return scored.with_columns(verdict=pl.lit(None, pl.String))
    return scored.join(spoken, on=["left", "right"], how="full", coalesce=True).with_columns(
        probability=pl.col("probability").fill_null(0.5), is_scored=pl.col("is_scored").fill_null(False),
        is_doubtful=pl.col("is_doubtful").fill_null(False),
    ).sort("left", "right")  # fmt: skip


def certain_rule(entity: Entity, records: pl.DataFrame, pairs: pl.DataFrame) -> pl.Series:
    """The first deterministic rule that each pair meets, null where none."""
    rule = pl.Series([None] * pairs.height, dtype=pl.String)
    for certain in reversed(entity.certain):
        agrees = np.ones(pairs.height, dtype=bool)
        for column in certain.columns:
            agrees &= agreement(records[column], pairs).fill_null(False).to_numpy()
        rule = pl.select(pl.when(pl.Series(agrees)).then(pl.lit(certain.name)).otherwise(rule)).to_series()
    return rule


def agreement(values: pl.Series, pairs: pl.DataFrame) -> pl.Series:
    """Whether the records of each pair have the same value; null where one has none."""
    return values.gather(pairs["left"]) == values.gather(pairs["right"])


def _told_apart(entity: Entity, records: pl.DataFrame, pairs: pl.DataFrame) -> npt.NDArray[np.bool_]:
    if not entity.told_apart_by:
        return np.zeros(pairs.height, dtype=bool)
    same_system = agreement(records["source_system"], pairs).fill_null(False)
    same_node = agreement(records[entity.told_apart_by], pairs).fill_null(True)
    return (same_system & ~same_node).to_numpy()


def _strongest(
    entity: Entity, count: int, pairs: pl.DataFrame, holding: npt.NDArray[np.bool_]
) -> tuple[pl.Series, pl.Series]:
    order = {name: rank for rank, name in enumerate([VERDICT, *[certain.name for certain in entity.certain], MODEL])}
    links = pairs.filter(pl.Series(holding)).with_columns(
        rank=pl.col("rule").fill_null(MODEL).replace_strict(order, return_dtype=pl.Int64)
    )
    ends = pl.concat([links.select("rank", "probability", record=end) for end in ("left", "right")])
    best = ends.group_by("record").agg(pl.col("rank").min(), pl.col("probability").max())
    names = {rank: name for name, rank in order.items()}
    of_all = pl.DataFrame({"record": pl.int_range(count, eager=True)}).join(
        best, on="record", how="left", maintain_order="left"
    )
    rules = of_all["rank"].replace_strict(names, default=SINGLE, return_dtype=pl.String)
    return rules.alias("match_rule"), of_all["probability"].fill_null(1.0).alias("match_probability")


def evidence(entity: Entity, records: pl.DataFrame, pairs: pl.DataFrame) -> pl.Series:
    """What speaks for and against each pair, as JSON: `agrees` and `differs`, each a list of what was compared."""
    told = {name: agreement(records[column], pairs) for name, column in entity.evidence}
    if not pairs.height or not told:
        return pl.Series("evidence", ["{}"] * pairs.height, dtype=pl.String)
    lists = [
        pl.concat_list([pl.when(pl.lit(values) == wanted).then(pl.lit(f'"{name}"')) for name, values in told.items()])
        .list.drop_nulls().list.join(", ")
        for wanted in (True, False)
    ]  # fmt: skip
    text = pl.format('{{"agrees": [{}], "differs": [{}]}}', *lists)
    return pairs.select(text.alias("evidence"))["evidence"]
