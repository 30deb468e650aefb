"""The challenger beside the champion: what it said in shadow, and what putting it to work would change.

Belongs here: pairing stored predictions, the agreement that its gate reads, the benefits. Does not belong here: scoring
in shadow (ml/jobs/score), the measures (ml/core/benefits), the verdict (ml/core/operating_gates).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from ml.core.benefits import Benefit, benefits, shown
from ml.core.intervals import ClusterBootstrap
from ml.io.data import published_table
from ml.io.predictions import files_of
from ml.io.stores import ModelStores
from ml.jobs.catalogue import LATE_DELIVERY, LEAD_TIME, ORDER_ROUTING, STOCKOUT, ModelSpec
from ml.jobs.learning import days_of
from ml.jobs.shadow_plans import plans_beside
from workspace.published import Snapshot
from workspace.settings import CompanyPaths

#: Newest pair of a key: both answers were given as of the same moment, from the same snapshot.
_PAIRS = """
with champion as (select * from read_parquet($decided, union_by_name = true) where model_version = $champion),
shadow as (select * from read_parquet($shadow, union_by_name = true) where model_version = $challenger),
moments as (select distinct as_of, data_snapshot from shadow)
select {keys}, c.region_code, as_of, c.{answer} as champion, s.{answer} as challenger
from champion c join moments using (as_of, data_snapshot)
left join shadow s using ({keys}, as_of, data_snapshot)
qualify row_number() over (partition by {keys} order by as_of desc, c.scored_at desc) = 1
order by {keys}
"""
_OF_ORDERS = """
select pairs.*, t."{time}", cast(t."{target}" as double) as outcome
from pairs join {rows} as t on pairs.order_id = cast(t."{key}" as varchar)
"""
_OF_COUNTS = """
select pairs.*, any_value(asked.observed_at) as "{time}", case
    when max(later.stock_date) = any_value(asked.stock_date) + any_value(pairs.horizon_hours) // 24
        then cast(min(later.available_quantity) <= 0 as double) end as outcome
from pairs
join {rows} as asked
    on (pairs.warehouse_id, pairs.product_id, pairs.as_of) = (asked.warehouse_id, asked.product_id, asked.observed_at)
left join {rows} as later on (later.warehouse_id, later.product_id) = (asked.warehouse_id, asked.product_id)
    and later.stock_date between asked.stock_date + 1 and asked.stock_date + pairs.horizon_hours // 24
group by all
"""
NOT_RECORDED = {
    "cost": ("not recorded", "no cost of acting on this answer is recorded"),
    "on_time": ("not recorded", "an answer alone delivers nothing sooner; see order-routing"),
}


@dataclass(frozen=True)
class Stated:
    """Where a model's answers lie and what tells them apart.

    Attributes:
        folder: The company's folder of the champion's answers.
        keys: Columns by which an answer is found again.
        answer: Column compared: a probability, or the median of hours.
        outcomes: SQL that joins what became of them to `pairs`; `{rows}` are the published ones.
        is_of_view: Whether `{rows}` are the model's view of the table, or the table as published.
    """

    folder: Callable[[CompanyPaths], Path]
    keys: tuple[str, ...]
    answer: str
    outcomes: str = _OF_ORDERS
    is_of_view: bool = True


STATED = {
    LATE_DELIVERY.name: Stated(lambda paths: paths.predictions, ("order_id",), "late_probability"),
    LEAD_TIME.name: Stated(lambda paths: paths.forecasts, ("order_id",), "median_hours"),
    STOCKOUT.name: Stated(lambda paths: paths.forecasts, ("warehouse_id", "product_id", "horizon_hours"),
                          "stockout_probability", _OF_COUNTS, is_of_view=False),
}  # fmt: skip


@dataclass(frozen=True)
class Shadow:
    """A challenger beside a champion.

    Attributes:
        challenger, champion: Versions.
        agreement: As `ml.core.operating_gates.shadow_agreement` reads it; None where nothing was scored in shadow.
        benefits: What would change; empty where nothing was scored in shadow.
    """

    challenger: str
    champion: str
    agreement: Mapping[str, Any] | None
    benefits: Sequence[Benefit]

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {"challenger": self.challenger, "champion": self.champion,
                "agreement": dict(self.agreement) if self.agreement else None,
                "benefits": [benefit.as_dict() for benefit in self.benefits]}  # fmt: skip


def beside(stores: ModelStores, spec: ModelSpec, snapshot: Snapshot, challenger: str, champion: str,
           fewest: int) -> Shadow:  # fmt: skip
    """What the two said of the same rows.

    Args:
        stores: Open stores.
        spec: The model.
        snapshot: The present one, for what became of the orders.
        challenger: Version that scored in shadow.
        champion: Version that decided.
        fewest: Fewest orders of a region that counts in the regional gap.
    """
    if spec.name == ORDER_ROUTING.name:
        return Shadow(challenger, champion, *plans_beside(stores, spec, challenger, champion, fewest))
    stated, nothing = STATED[spec.name], Shadow(challenger, champion, None, ())
    folders = (stated.folder(stores.paths), stores.paths.shadow)
    decided, silent = (files_of(folder, spec.name) for folder in folders)
    if not decided or not silent:
        return nothing
    pairs = _pairs(decided, silent, challenger, champion, stated)
    both = _with_outcomes(pairs.dropna(subset=["challenger"]), snapshot, spec, stated)
    if both.empty:
        return nothing
    both["day"] = days_of(both, spec.roles.time)
    origins = [stores.promotions.history(spec.name).version(v).evaluated["origin"] for v in (challenger, champion)]
    unseen = pd.to_datetime(both[spec.roles.time], utc=True) >= max(pd.Timestamp(origin) for origin in origins)
    return Shadow(challenger, champion, _agreement(pairs, both, spec),
                  _benefits(both, unseen.to_numpy(), spec, stores.settings.confidence_threshold, fewest))  # fmt: skip


def _pairs(decided: list[Path], silent: list[Path], challenger: str, champion: str, stated: Stated) -> pd.DataFrame:
    values = {"decided": [str(p) for p in decided], "shadow": [str(p) for p in silent], "champion": champion,
              "challenger": challenger}  # fmt: skip
    with duckdb.connect(":memory:") as connection:
        query = _PAIRS.format(keys=", ".join(stated.keys), answer=stated.answer)
        return connection.execute(query, values).df()


def _with_outcomes(pairs: pd.DataFrame, snapshot: Snapshot, spec: ModelSpec, stated: Stated) -> pd.DataFrame:
    """Pairs of published rows with their time and `outcome`, NaN while it is open."""
    source = published_table(snapshot, spec.table, spec.view if stated.is_of_view else "")
    roles = spec.roles
    query = stated.outcomes.format(key=roles.key, time=roles.time, target=roles.target, rows=source.relation)
    with duckdb.connect(":memory:") as connection:
        connection.register("pairs", pairs)
        return connection.execute(f"select * from ({query}) order by {', '.join(stated.keys)}").df()


def _agreement(pairs: pd.DataFrame, both: pd.DataFrame, spec: ModelSpec) -> dict[str, Any]:
    apart = (both["challenger"] - both["champion"]).abs().to_numpy()
    if spec.answer == "hours":
        apart = apart / both["champion"].to_numpy()
    days = both["day"].to_numpy()
    groups = both.groupby(both["region_code"].fillna("unknown").astype(str)).indices
    by_region = {str(region): ClusterBootstrap(days[at], spec.replicates, spec.seed).mean(apart[at]).as_dict()
                 for region, at in groups.items()}  # fmt: skip
    return {
        "scored": len(pairs), "both": len(both),
        "as_of": [str(pairs["as_of"].min()), str(pairs["as_of"].max())],
        "difference": ClusterBootstrap(days, spec.replicates, spec.seed).mean(apart).as_dict(),
        "by_region": by_region, "rows": {str(region): len(at) for region, at in groups.items()},
    }  # fmt: skip


def _benefits(both: pd.DataFrame, unseen: np.ndarray, spec: ModelSpec, threshold: float,
              fewest: int) -> tuple[Benefit, ...]:  # fmt: skip
    """By outcomes on matured rows that neither version learned from; the automatic share on every row."""
    outcome, is_hours = both["outcome"].where(unseen), spec.answer == "hours"
    for side, name in (("_before", "champion"), ("_after", "challenger")):
        both[f"error{side}"] = (both[name] - outcome).abs() if is_hours else (both[name] - outcome) ** 2
        both[f"regional{side}"] = outcome - both[name]
        both[f"automatic{side}"] = (np.maximum(both[name], 1 - both[name]) >= threshold).astype(float)
    basis = {
        **NOT_RECORDED,
        "automatic": ("not recorded", "nothing is executed on hours alone") if is_hours else
            ("expected", f"certain at {threshold:g} or more of yes or of no"),
        "error": ("outcome", f"{'absolute error of the median, hours' if is_hours else 'squared error'}; matured rows "
                             f"that neither version learned from"),
        "regional": ("outcome", "realised less predicted mean of a region, the highest less the lowest"),
    }  # fmt: skip
    return tuple(benefits(both, basis, "day", "region_code", fewest, spec.replicates, spec.seed))


def benefits_markdown(found: Sequence[Mapping[str, Any]]) -> str:
    """Benefits as a table."""
    lines = ["| measure | by | orders | champion | challenger | difference | |", "|---|---|---|---|---|---|---|"]
    for benefit in found:
        before, after, difference = shown(benefit)
        lines.append(f"| {benefit['measure']} | {benefit['basis']} | {benefit['orders']:,} | {before} | {after} "
                     f"| {difference} | {benefit['note']} |")  # fmt: skip
    return "\n".join(lines)
