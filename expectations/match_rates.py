"""Match rates beside their own past: overall, by region and by the script of the name, for each kind of record.

Belongs here: which rates are judged, and against what. Does not belong here: the rates (ml/core/matching/quality), the
learned rule itself (learning), the check in Dagster (orchestration/defs/matching).

A rate that falls for one region or one script alone says that links are missed there: its people look like newcomers.
A rate that jumps says that strangers became one.
"""

import math
from dataclasses import dataclass

import polars as pl

from expectations.checks import LearnedMeasure
from expectations.learning import LearnedBounds, learn

JUDGED = ("all", "region", "script")
#: As all learned measures; a smaller change than two points of a hundred is no drift.
RATE = LearnedMeasure("match rate", "", at_least_relative=0.0, at_least_absolute=0.02)
#: Records of a segment below which a rate says too little to be judged.
FEWEST_RECORDS = 50
#: Standard errors of a rate that chance alone may move it by, on top of what its past tells.
CHANCE = 3.0


@dataclass(frozen=True)
class JudgedRate:
    """The newest match rate of a segment and the bounds that its past draws.

    Attributes:
        entity: Kind of records.
        kind, segment: `all`, or `region` or `script` and which.
        rate: Share of its records that another record was found for.
        count: Its records.
        bounds: Learned from the runs before.
        is_near: Whether the rate lies within, or the past is too short to tell.
    """

    entity: str
    kind: str
    segment: str
    rate: float
    count: int
    bounds: LearnedBounds
    is_near: bool


def judged_rates(quality: pl.DataFrame) -> list[JudgedRate]:
    """Each entity's newest rates of segments that are large enough, in the order of their names.

    Args:
        quality: Rows of `match_quality`, of all runs.
    """
    rates = quality.filter((pl.col("measure") == "match_rate") & pl.col("segment_kind").is_in(JUDGED))
    newest = pl.col("measured_at") == pl.col("measured_at").max().over("entity")
    grouped = rates.with_columns(is_newest=newest).sort("measured_at").group_by(
        "entity", "segment_kind", "segment", maintain_order=True
    ).agg(
        pl.col("value").filter(~pl.col("is_newest")).alias("past"), pl.col("is_newest").last(),
        pl.col("value").last(), pl.col("count").last(),
    ).filter(pl.col("is_newest") & (pl.col("count") >= FEWEST_RECORDS))  # fmt: skip
    return [
        _judged(row["entity"], row["segment_kind"], row["segment"], row["value"], row["count"], row["past"])
        for row in grouped.sort("entity", "segment_kind", "segment").iter_rows(named=True)
    ]


def _judged(entity: str, kind: str, segment: str, rate: float, count: int, past: list[float]) -> JudgedRate:
    bounds = learn(RATE, past)
    chance = CHANCE * math.sqrt(rate * (1 - rate) / count)
    is_near = (bounds.low is None or rate + chance >= bounds.low) and (
        bounds.high is None or rate - chance <= bounds.high
    )
    return JudgedRate(entity, kind, segment, rate, count, bounds, is_near)
