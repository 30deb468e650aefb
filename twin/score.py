"""Scoring a pipeline's published tables against the truth.

Belongs here: pairwise precision and recall of cross-references, orders found, lateness labels. Does not belong here:
anything that the pipeline may read.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from workspace.published import Snapshot


class NoTruth(FileNotFoundError):
    """There is no truth where it should be."""


@dataclass(frozen=True)
class MatchScore:
    """How well records were brought together.

    Attributes:
        entity: `customers`, `products` or `warehouses`.
        records: Records that both the truth and the cross-reference know.
        missing: Records of the truth that the cross-reference lacks.
        clusters, true_entities: Golden ids, and true things, behind those records.
        pairs, true_pairs: Pairs of records brought together, and that belong together.
        precision, recall, f1: Of pairs; None where there is no pair.
    """

    entity: str
    records: int
    missing: int
    clusters: int
    true_entities: int
    pairs: int
    true_pairs: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class LabelScore:
    """How the late label of a region agrees with what truly happened.

    Attributes:
        region_code: Region; empty for all.
        orders: Orders with a label and a true delivery.
        late_share, true_late_share: By the label, and truly.
        wrong_share: Orders whose label is wrong.
    """

    region_code: str
    orders: int
    late_share: float
    true_late_share: float
    wrong_share: float


@dataclass(frozen=True)
class Score:
    """All that could be scored; `unavailable` names what could not, and why."""

    matches: list[MatchScore]
    orders_true: int
    orders_found: int
    labels: list[LabelScore]
    unavailable: dict[str, str]


_ENTITIES = {"customers": ("customer_code", "customer_id", "customer"), "products": ("product_code", "product_id",
"product"),
             "warehouses": ("warehouse_code", "warehouse_id", "node")}  # fmt: skip


def score(snapshot: Snapshot, truth: Path) -> Score:
    """Compare the published snapshot with the truth.

    Raises:
        NoTruth: `truth` holds no generation.
    """
    if not (truth / "effects.json").is_file():
        raise NoTruth(f"No truth of a simulated company in {truth}. Run `oi twin generate` first, or give --truth.")
    matches, unavailable = [], {}
    with snapshot.connect() as connection:
        for entity, columns in _ENTITIES.items():
            if f"xref_{entity}" in snapshot.tables:
                matches.append(_match(connection, truth, entity, *columns))
            else:
                unavailable[f"matches of {entity}"] = f"xref_{entity} is not published"
        true, found, labels = 0, 0, []
        if "fct_orders" in snapshot.tables:
            true, found = _orders(connection, truth)
            labels = _labels(connection, truth)
        else:
            unavailable["orders and labels"] = "fct_orders is not published"
    return Score(matches, true, found, labels, unavailable)


def read_effects(truth: Path) -> list[dict[str, object]]:
    """The planted effects, as `twin.truth.describe_effects` wrote them."""
    return list(json.loads((truth / "effects.json").read_text(encoding="utf-8")))


def pairwise(entity: str, golden: np.ndarray, true: np.ndarray, missing: int) -> MatchScore:
    """Pairwise precision and recall of a clustering; one entry a record in `golden` and `true`."""
    pairs, true_pairs = _pairs_within(golden), _pairs_within(true)
    both = _pairs_within(golden.astype(np.int64) * (int(true.max(initial=0)) + 1) + true)
    precision = both / pairs if pairs else None
    recall = both / true_pairs if true_pairs else None
    f1 = 2 * precision * recall / (precision + recall) if precision and recall else None
    return MatchScore(entity, len(golden), missing, len(np.unique(golden)), len(np.unique(true)), pairs, true_pairs,
                      precision, recall, f1)  # fmt: skip


def _pairs_within(label: np.ndarray) -> int:
    size = np.unique(label, return_counts=True)[1].astype(np.int64)
    return int((size * (size - 1) // 2).sum())


def _match(
    connection: duckdb.DuckDBPyConnection, truth: Path, entity: str, code: str, golden: str, true: str
) -> MatchScore:
    # A code that a system gave to two things in turn has no one truth, so it is not scored.
    query = f"""
        with truth as (
            select source_system, {code}, any_value({true}) as true_id
            from read_parquet(?) group by all having count(distinct {true}) = 1
        )
        select x.{golden} as golden, t.true_id from truth as t left join xref_{entity} as x using (source_system,
        {code})
    """
    frame = connection.execute(query, [str(truth / f"{entity}.parquet")]).pl()
    known = frame.filter(pl.col("golden").is_not_null())
    label = known["golden"].cast(pl.String).rank("dense").cast(pl.Int64).to_numpy()
    return pairwise(entity, label, known["true_id"].to_numpy(), frame.height - known.height)


def _orders(connection: duckdb.DuckDBPyConnection, truth: Path) -> tuple[int, int]:
    row = connection.execute(
        "select count(*), count(f.order_code) from read_parquet(?) as t "
        "left join fct_orders as f using (source_system, order_code)", [str(truth / "orders.parquet")],
    ).fetchone()  # fmt: skip
    return (int(row[0]), int(row[1])) if row else (0, 0)


def _labels(connection: duckdb.DuckDBPyConnection, truth: Path) -> list[LabelScore]:
    query = """
        select
            coalesce(t.region_code, '') as region_code, count(*) as n, avg(f.is_late::int) as late,
            avg((t.delivered_at > t.fair_promised_at)::int) as true_late,
            avg((f.is_late <> (t.delivered_at > t.fair_promised_at))::int) as wrong
        from read_parquet(?) as t inner join fct_orders as f using (source_system, order_code)
        where f.is_late is not null and t.delivered_at > 0
        group by rollup (t.region_code) order by region_code
    """
    rows = connection.execute(query, [str(truth / "orders.parquet")]).fetchall()
    return [LabelScore(str(r[0]), int(r[1]), float(r[2]), float(r[3]), float(r[4])) for r in rows if r[1]]
