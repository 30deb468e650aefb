"""The challenger beside the champion: what it said in shadow, and what putting it to work would change.

Belongs here: pairing stored predictions, the agreement that its gate reads, the benefits. Does not belong here: scoring
in shadow (ml/jobs/score), the measures (ml/core/benefits), the verdict (ml/core/operating_gates).
"""

from collections.abc import Mapping, Sequence
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
from ml.jobs.catalogue import ModelSpec
from ml.jobs.learning import days_of
from workspace.published import Snapshot

#: Newest pair of an order: both answers were given as of the same moment, from the same snapshot.
_PAIRS = """
with champion as (select * from read_parquet($decided, union_by_name = true) where model_version = $champion),
shadow as (select * from read_parquet($shadow, union_by_name = true) where model_version = $challenger),
moments as (select distinct as_of, data_snapshot from shadow)
select c.order_id, c.region_code, c.as_of, c.late_probability as champion, s.late_probability as challenger
from champion c join moments using (as_of, data_snapshot)
left join shadow s on (s.order_id, s.as_of, s.data_snapshot) = (c.order_id, c.as_of, c.data_snapshot)
qualify row_number() over (partition by c.order_id order by c.as_of desc, c.scored_at desc) = 1
order by c.order_id
"""
NOT_RECORDED = {
    "cost": ("not recorded", "no cost of acting on a probability is recorded"),
    "on_time": ("not recorded", "a probability alone delivers nothing sooner; see order-routing"),
}


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
    """What the two said of the same orders.

    Args:
        stores: Open stores.
        spec: The model.
        snapshot: The present one, for what became of the orders.
        challenger: Version that scored in shadow.
        champion: Version that decided.
        fewest: Fewest orders of a region that counts in the regional gap.
    """
    decided, silent = (files_of(folder, spec.name) for folder in (stores.paths.predictions, stores.paths.shadow))
    if not decided or not silent:
        return Shadow(challenger, champion, None, ())
    pairs = _pairs(decided, silent, challenger, champion)
    both = pairs.dropna(subset=["challenger"]).merge(_outcomes(snapshot, spec), on="order_id")
    if both.empty:
        return Shadow(challenger, champion, None, ())
    both["day"] = days_of(both, spec.roles.time)
    origins = [stores.promotions.history(spec.name).version(v).evaluated["origin"] for v in (challenger, champion)]
    unseen = pd.to_datetime(both[spec.roles.time], utc=True) >= max(pd.Timestamp(origin) for origin in origins)
    return Shadow(challenger, champion, _agreement(pairs, both, spec),
                  _benefits(both, unseen.to_numpy(), spec, stores.settings.confidence_threshold, fewest))  # fmt: skip


def _pairs(decided: list[Path], silent: list[Path], challenger: str, champion: str) -> pd.DataFrame:
    values = {"decided": [str(p) for p in decided], "shadow": [str(p) for p in silent], "champion": champion,
              "challenger": challenger}  # fmt: skip
    with duckdb.connect(":memory:") as connection:
        return connection.execute(_PAIRS, values).df()


def _outcomes(snapshot: Snapshot, spec: ModelSpec) -> pd.DataFrame:
    source = published_table(snapshot, spec.table, spec.view)
    roles = spec.roles
    with duckdb.connect(":memory:") as connection:
        return connection.execute(
            f'select cast("{roles.key}" as varchar) as order_id, "{roles.time}", '
            f'cast("{roles.target}" as double) as outcome from {source.relation}'
        ).df()


def _agreement(pairs: pd.DataFrame, both: pd.DataFrame, spec: ModelSpec) -> dict[str, Any]:
    apart = (both["challenger"] - both["champion"]).abs().to_numpy()
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
    """By outcomes on matured orders that neither version learned from; the automatic share on every order."""
    outcome = both["outcome"].where(unseen)
    for side, name in (("_before", "champion"), ("_after", "challenger")):
        both[f"error{side}"] = (both[name] - outcome) ** 2
        both[f"regional{side}"] = outcome - both[name]
        both[f"automatic{side}"] = (np.maximum(both[name], 1 - both[name]) >= threshold).astype(float)
    basis = {
        **NOT_RECORDED,
        "automatic": ("expected", f"certain at {threshold:g} or more that the order is late, or that it is not"),
        "error": ("outcome", "matured orders that neither version learned from"),
        "regional": ("outcome", "realised less predicted late rate of a region, the highest less the lowest"),
    }
    return tuple(benefits(both, basis, "day", "region_code", fewest, spec.replicates, spec.seed))


def benefits_markdown(found: Sequence[Mapping[str, Any]]) -> str:
    """Benefits as a table."""
    lines = ["| measure | by | orders | champion | challenger | difference | |", "|---|---|---|---|---|---|---|"]
    for benefit in found:
        before, after, difference = shown(benefit)
        lines.append(f"| {benefit['measure']} | {benefit['basis']} | {benefit['orders']:,} | {before} | {after} "
                     f"| {difference} | {benefit['note']} |")  # fmt: skip
    return "\n".join(lines)
