"""What to do about a stock-out that is foreseen: move units from another node, tell customers, or let it be.

Belongs here: the choice, from forecasts, past transfers and positions of nodes. Does not belong here: the forecast
(ml/jobs/forecast_stock), reading and writing tables (decisions/stockouts/alerts).

Losses are counted in units and turned into money by the list price, so that a product without a price is decided on in
the same way. A transfer is worth it when the units that it is expected to save outweigh what moving costs.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

#: Past transfers between two nodes from which on their own times count; else those of all nodes.
FEWEST_OF_LANE = 5
CHOICE = ("action", "transfer_from", "transfer_units", "arrival_probability", "lost_units_with_transfer",
          "notify_customers")  # fmt: skip


@dataclass(frozen=True)
class AlertPolicy:
    """When an alert is raised, and what a transfer is thought to cost.

    Attributes:
        horizon_hours: Horizon that is acted on.
        least_probability: Probability of running out from which on an alert is raised.
        keep_days: Days of its own expected demand that a node keeps when it gives.
        unit_cost_share: Cost of moving a unit, as a share of its list price.
    """

    horizon_hours: int = 48
    least_probability: float = 0.1
    keep_days: float = 7.0
    unit_cost_share: float = 0.05

    def __post_init__(self) -> None:
        if not (self.horizon_hours > 0 and 0 < self.least_probability < 1):
            raise ValueError(f"The horizon must be above 0 and the least probability within (0, 1); got {self}.")
        if not (self.keep_days >= 0 and 0 <= self.unit_cost_share <= 1):
            raise ValueError(f"Days kept must not be negative and the cost share within 0 and 1; got {self}.")


def decide(forecasts: pd.DataFrame, transfers: pd.DataFrame, nodes: pd.DataFrame, policy: AlertPolicy) -> pd.DataFrame:
    """The alerts of one count, the dearest first, each with what to do.

    Units of a node are promised once: alerts choose in the order of their expected loss.

    Args:
        forecasts: Rows of `stockout_predictions` of one count.
        transfers: Transfers that arrived: `origin_warehouse_id`, `warehouse_id`, `hours`.
        nodes: `warehouse_id`, `latitude`, `longitude`.
        policy: Thresholds and costs.

    Returns:
        The alerts' forecast columns and `action` (transfer, none), `transfer_from`, `transfer_units`,
        `arrival_probability` (a transfer made now is there in time), `lost_units_with_transfer`,
        `lost_amount_with_transfer` (what moving costs included), `notify_customers`.
    """
    rows = forecasts[forecasts["horizon_hours"] == policy.horizon_hours].reset_index(drop=True)
    is_alert = rows["stockout_probability"] >= policy.least_probability
    kept = rows["waiting_units"] + np.ceil(policy.keep_days * rows["daily_units_expected"])
    spare = (rows["available_units"] - kept).clip(lower=0).where(~is_alert, 0).astype(int).to_numpy(copy=True)
    stock = _Stock(rows, spare, nodes.set_index("warehouse_id")[["latitude", "longitude"]])
    arrivals = _Arrivals(transfers, policy.horizon_hours)
    order = rows[is_alert].sort_values(["expected_lost_units", "stockout_probability"], ascending=False).index
    choices = [_choose(rows.loc[row], stock, arrivals, policy) for row in order]
    alerts = rows.loc[order].reset_index(drop=True).join(pd.DataFrame(choices, columns=list(CHOICE)))
    price = alerts["expected_lost_amount"] / alerts["expected_lost_units"].where(alerts["expected_lost_units"] > 0)
    return alerts.assign(lost_amount_with_transfer=alerts["lost_units_with_transfer"] * price)


def _choose(alert: pd.Series, stock: "_Stock", arrivals: "_Arrivals", policy: AlertPolicy) -> dict[str, Any]:
    """What to do about one alert; the units of a transfer are taken off the giver's spare ones."""
    loss, wanted = float(alert["expected_lost_units"]), _wanted(alert)
    least, giver, moved, chance = loss, None, 0, float("nan")
    for position in stock.givers(alert):
        units = min(wanted, int(stock.spare[position]))
        in_time = arrivals.share(stock.node(position), str(alert["warehouse_id"]))
        left = loss * (1 - in_time * units / wanted) + policy.unit_cost_share * units
        if left < least:
            least, giver, moved, chance = left, position, units, in_time
    if giver is not None:
        stock.spare[giver] -= moved
    return {
        "action": "none" if giver is None else "transfer",
        "transfer_from": None if giver is None else stock.node(giver), "transfer_units": moved,
        "arrival_probability": chance, "lost_units_with_transfer": least,
        "notify_customers": bool(alert["waiting_units"] > alert["available_units"] + moved),
    }  # fmt: skip


def _wanted(row: pd.Series) -> int:
    """Units that bring a node through the horizon with one to spare."""
    return max(1, int(np.ceil(row["expected_units"])) + 1 - int(row["available_units"]))


class _Stock:
    """Units that nodes can spare, by position of the forecasts' rows, and which nodes are near."""

    def __init__(self, rows: pd.DataFrame, spare: NDArray[np.int64], positions: pd.DataFrame) -> None:
        self.spare = spare
        self._nodes = rows["warehouse_id"].to_numpy()
        self._rows_of = rows.groupby("product_id").indices
        self._positions = positions

    def node(self, position: int) -> str:
        return str(self._nodes[position])

    def givers(self, alert: pd.Series) -> NDArray[np.int64]:
        """Rows with units of the product to spare, the nearest first; those without a position last."""
        found = self._rows_of[alert["product_id"]]
        found = found[self.spare[found] > 0]
        if alert["warehouse_id"] not in self._positions.index:
            return found
        here = np.radians(self._positions.loc[alert["warehouse_id"]].to_numpy(np.float64))
        there = np.radians(self._positions.reindex(self._nodes[found]).to_numpy(np.float64))
        # Haversine of the angle between them, which rises with the distance.
        away = (
            np.sin((there[:, 0] - here[0]) / 2) ** 2
            + np.cos(here[0]) * np.cos(there[:, 0]) * np.sin((there[:, 1] - here[1]) / 2) ** 2
        )
        return found[np.argsort(away, kind="stable")]


class _Arrivals:
    """How often a transfer arrived within a time, between two nodes or anywhere."""

    def __init__(self, transfers: pd.DataFrame, hours: int) -> None:
        in_time = transfers.assign(in_time=transfers["hours"] <= hours)
        self._everywhere = float(in_time["in_time"].mean()) if len(in_time) else 0.0
        by_lane = in_time.groupby(["origin_warehouse_id", "warehouse_id"])["in_time"].agg(["mean", "size"])
        known = by_lane[by_lane["size"] >= FEWEST_OF_LANE]
        self._lanes = {(str(origin), str(node)): float(share) for (origin, node), share in known["mean"].items()}

    def share(self, origin: str, node: str) -> float:
        return self._lanes.get((origin, node), self._everywhere)
