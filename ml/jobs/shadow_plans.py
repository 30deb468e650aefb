"""Plans of an order-routing challenger beside the champion's: their agreement, and what its choices would change.

Belongs here: what is read off the pairs of two plans. Does not belong here: making and pairing plans
(decisions/routing), other models' answers (ml/jobs/shadow).

Layout: `shadow/order-routing/<plan>-<challenger>.parquet`, one row an order that the champion did not exclude: both
versions, the plan, whether the challenger answered, and for `_before` (champion) and `_after` (challenger) `cost`
(money paid for parcels), `on_time` (expected share) and `automatic` (0 or 1).
"""

from typing import Any

import duckdb
import pandas as pd

from ml.core.benefits import Benefit, benefits
from ml.core.intervals import ClusterBootstrap
from ml.io.predictions import files_of
from ml.io.stores import ModelStores
from ml.jobs.catalogue import ModelSpec
from ml.jobs.learning import days_of

#: Of the newest plan of each order.
_PAIRS = """
select * from read_parquet($files) where champion = $champion and challenger = $challenger
qualify row_number() over (partition by order_id order by plan desc) = 1
order by order_id
"""
_EXPECTED = ("expected", "of open orders, each version by its own predictions")
BASIS = {
    "cost": ("expected", "money paid for an order's parcels, each version by its own prices"),
    "on_time": _EXPECTED, "regional": _EXPECTED,
    "automatic": ("expected", "share decided without a person"),
    "error": ("not recorded", "nobody knows what would have become of a choice that was not made"),
}  # fmt: skip


def plans_beside(stores: ModelStores, spec: ModelSpec, challenger: str, champion: str,
                 fewest: int) -> tuple[dict[str, Any] | None, tuple[Benefit, ...]]:  # fmt: skip
    """Agreement, as its gate reads it, and benefits; None and nothing where no plan was made in shadow.

    They agree by the expected share on time of what each chose for an order.
    """
    files = [str(path) for path in files_of(stores.paths.shadow, spec.name)]
    if not files:
        return None, ()
    with duckdb.connect(":memory:") as connection:
        values = {"files": files, "champion": champion, "challenger": challenger}
        pairs = connection.execute(_PAIRS, values).df()
    both = pairs[pairs["is_answered"]].dropna(subset=["on_time_before", "on_time_after"]).reset_index(drop=True)
    if both.empty:
        return None, ()
    both["day"] = days_of(both, "ordered_at")
    both["regional_before"], both["regional_after"] = both["on_time_before"], both["on_time_after"]
    found = benefits(both, BASIS, "day", "region_code", fewest, spec.replicates, spec.seed)
    return _agreement(pairs, both, spec), tuple(found)


def _agreement(pairs: pd.DataFrame, both: pd.DataFrame, spec: ModelSpec) -> dict[str, Any]:
    apart = (both["on_time_after"] - both["on_time_before"]).abs().to_numpy()
    days = both["day"].to_numpy()
    groups = both.groupby("region_code").indices

    def mean(rows: Any) -> dict[str, float | None]:
        return ClusterBootstrap(days[rows], spec.replicates, spec.seed).mean(apart[rows]).as_dict()

    return {
        "scored": len(pairs), "both": len(both), "as_of": [str(pairs["plan"].min()), str(pairs["plan"].max())],
        "difference": mean(slice(None)), "by_region": {str(region): mean(at) for region, at in groups.items()},
        "rows": {str(region): len(at) for region, at in groups.items()},
    }  # fmt: skip
