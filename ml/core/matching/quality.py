"""How good the matching is, as numbers: rates, duplicates, sizes, and whom links are missed for.

Belongs here: measures of a finished run. Does not belong here: precision and recall against a known truth, which no
company has (twin/score.py measures them on the twin), showing them (dashboards).

Where stewards gave verdicts, they estimate two more: of the pairs that the machine alone would link, how many are the
same (`steward_precision`), and of those that people found the same, how many it would link (`steward_recall`). Stewards
look at doubtful pairs first, so that both say more of doubts than of all pairs, and are no random sample.

A match rate is the share of records that were found in at least one other record's company. It is told by region and by
the script of the name, because links that are missed more often for some people make them look like newcomers.
"""

import math
from datetime import UTC, datetime

import polars as pl

from ml.core.matching.decisions import Decided
from ml.core.matching.model import Entity

SCRIPTS = ((r"\p{Han}", "chinese"), (r"\p{Latin}", "latin"), (r"\p{L}", "other"))

#: Quantile of the normal distribution for 95 %.
Z = 1.959964

SEGMENTS = (("all", None), ("region", "region_code"), ("script", "script"), ("system", "source_system"))


def measures(
    entity: Entity, records: pl.DataFrame, raw: pl.DataFrame, identities: pl.DataFrame, decided: Decided
) -> pl.DataFrame:
    """Rows of `match_quality`: `measure`, `segment_kind`, `segment`, `value`, and `count`, of what it is a share.

    `low` and `high` are the ends of the 95 % interval where the value is an estimate from verdicts.
    """
    name = next(column for column in ("full_name", "name", "title") if column in raw.columns)
    region = pl.col("region_code") if "region_code" in raw.columns else pl.lit(None, pl.String)
    told = identities.join(
        raw.select("record_id", "source_system", region_code=region, name=name), on="record_id", maintain_order="left"
    ).with_columns(
        size=pl.len().over("golden_id"), here=pl.len().over("golden_id", "source_system"),
        script=_script(), region_code=pl.col("region_code").fill_null("unknown"),
    )  # fmt: skip
    sizes = told.unique("golden_id")["size"]
    zones = dict(decided.pairs["zone"].value_counts().iter_rows())
    alone = [
        ("records", float(told.height), told.height),
        ("golden_records", float(sizes.len()), told.height),
        ("duplicates_found", float((told.unique(["golden_id", "source_system"])["here"] - 1).sum()), told.height),
        ("largest_cluster", float(sizes.max() or 0), sizes.len()),  # type: ignore[arg-type]
        ("queue", float(zones.get("queue", 0)), decided.pairs.height),
        ("links_refused_by_guard", float(decided.clusters.refused.size), zones.get("linked", 0)),
        ("expected_precision", decided.zones.expected_precision, zones.get("linked", 0)),
        ("expected_recall", decided.zones.expected_recall, decided.pairs.height),
    ]
    rows: list[tuple[str, str, str, float, int]] = [
        *[(measure, "all", "all", value, count) for measure, value, count in alone],
        *[("match_rate", kind, *row) for kind, column in SEGMENTS for row in _rates(told, column)],
        *[("clusters_of_size", "size", str(size), float(count), sizes.len())
          for size, count in sizes.value_counts().sort("size").iter_rows()],
    ]  # fmt: skip
    table = pl.DataFrame(
        [*((*row, None, None) for row in rows), *steward_estimates(decided)], orient="row",
        schema={"measure": pl.String, "segment_kind": pl.String, "segment": pl.String, "value": pl.Float64,
                "count": pl.Int64, "low": pl.Float64, "high": pl.Float64},
    )  # fmt: skip
    now = datetime.now(UTC).replace(tzinfo=None)
    return table.with_columns(entity=pl.lit(entity.name), measured_at=pl.lit(now, pl.Datetime("us")))


def steward_estimates(decided: Decided) -> list[tuple[str, str, str, float, int, float, float]]:
    """Precision and recall of the machine's links by people's verdicts, with Wilson's intervals."""
    would_link, is_same = decided.judged["probability"] >= decided.zones.link_at, decided.judged["is_same"]
    right = int((would_link & is_same).sum())
    asked = (("steward_precision", int(would_link.sum())), ("steward_recall", int(is_same.sum())))
    return [(name, "all", "all", right / count, count, *_wilson(right, count)) for name, count in asked if count]


def _wilson(right: int, count: int) -> tuple[float, float]:
    """Ends of Wilson's 95 % interval of a share (1927)."""
    share, spread = right / count, Z**2 / count
    middle = (share + spread / 2) / (1 + spread)
    reach = Z / (1 + spread) * math.sqrt(share * (1 - share) / count + spread / (4 * count))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _script() -> pl.Expr:
    found = pl.lit("none")
    for pattern, script in reversed(SCRIPTS):
        found = pl.when(pl.col("name").str.contains(pattern)).then(pl.lit(script)).otherwise(found)
    return found


def _rates(told: pl.DataFrame, column: str | None) -> list[tuple[str, float, int]]:
    """Segment, match rate, records of each segment."""
    grouped = told.with_columns(segment=pl.lit("all") if column is None else pl.col(column))
    rates = grouped.group_by("segment").agg((pl.col("size") > 1).mean().alias("value"), pl.len().cast(pl.Int64))
    return [(str(segment), float(rate), int(count)) for segment, rate, count in rates.sort("segment").iter_rows()]


def newest_rates(quality: pl.DataFrame) -> pl.DataFrame:
    """Match rates of each entity's newest run, from `match_quality`, by region, script and system."""
    return _newest(quality).filter(pl.col("measure") == "match_rate").sort("entity", "segment_kind", "segment")


def newest_figures(quality: pl.DataFrame) -> pl.DataFrame:
    """All other figures of each entity's newest run."""
    return _newest(quality).filter(pl.col("measure") != "match_rate")


def _newest(quality: pl.DataFrame) -> pl.DataFrame:
    return quality.filter(pl.col("measured_at") == pl.col("measured_at").max().over("entity"))
