"""The order-routing model: lateness of each candidate node, its price, and the policy that weighs them, as one thing.

Belongs here: `NodeRanker`, what MLflow registers, and the offers that it ranks. Does not belong here: solving a batch
(`solve`), registering (ml/jobs/routing).
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from ml.core.features import FeatureSet, feature_set_of, prepare
from ml.core.risk_model import positive_probability
from ml.core.routing.confidence import Uncertainty
from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.shipping import ShippingCost

#: News of an order's destination that the lateness model reads beside the parcel's own columns.
NEWS = (
    "destination_late_share_28d", "destination_late_share_90d", "destination_late_outlook_7d",
    "destination_late_outlook_14d", "destination_late_outlook_28d", "company_late_outlook_7d",
    "weather_destination_severity",
)  # fmt: skip
#: What an offer is: one row an order line and node that has stock records of it; each with its kind.
OFFER = {
    "order_id": "string", "priority": "string", "region_code": "string", "warehouse_id": "string",
    "distance_km": "double", "slack_hours": "double", "allocated_hour": "double", "allocated_weekday": "double",
    "quantity": "double", "weight_kg": "double", "available_quantity": "double", **dict.fromkeys(NEWS, "double"),
}  # fmt: skip
#: What is given back: nodes of each order, best first; one row without a node for an order that none can serve.
RANKED = {
    "order_id": "string", "rank": "long", "warehouse_id": "string", "service_level": "string",
    "lines_filled": "long", "lines_short": "long", "shipping_amount": "double", "late_probability": "double",
    "total_amount": "double", "reason": "string",
}  # fmt: skip


class NodeRanker(ClassifierMixin, BaseEstimator):
    """One version of order routing; `predict` ranks nodes, `predict_proba` is the lateness of single parcels.

    Args:
        lateness: Fitted, calibrated classifier of parcels.
        features: Name and kind of each column that it reads.
        shipping: Prices as `ShippingCost.as_dict`.
        policy: Fields of `RoutingParameters` that differ from the default.
        priorities: Priority → weight of lateness.
        lateness_logit_error: Standard deviation of what a lane's log-odds of lateness are off by.
    """

    def __init__(
        self,
        lateness: Any,
        features: list[list[str]],
        shipping: dict[str, Any],
        policy: dict[str, Any],
        priorities: dict[str, float],
        lateness_logit_error: float,
    ) -> None:
        self.lateness = lateness
        self.features = features
        self.shipping = shipping
        self.policy = policy
        self.priorities = priorities
        self.lateness_logit_error = lateness_logit_error
        self.classes_ = np.array([0.0, 1.0])

    @property
    def cost(self) -> ShippingCost:
        """Prices of lanes."""
        stored = self.shipping
        return ShippingCost(
            tuple(stored["services"]), np.array(stored["fixed"]), np.array(stored["per_kg"]),
            np.array(stored["reach_km"]), dict(stored["region_factor"]), float(stored["relative_error"]),
        )  # fmt: skip

    @property
    def parameters(self) -> RoutingParameters:
        """The policy's weights and limits."""
        return RoutingParameters(**self.policy)

    @property
    def uncertainty(self) -> Uncertainty:
        """What its predictions err by on a lane."""
        return Uncertainty(self.lateness_logit_error, float(self.shipping["relative_error"]))

    @property
    def feature_set(self) -> FeatureSet:
        """What the lateness model reads."""
        return feature_set_of([(name, "number" if kind == "number" else "category") for name, kind in self.features])

    def weight_of(self, priority: str | None) -> float:
        """Weight of a late parcel of an order of this priority; 1 where the policy names none."""
        return float(self.priorities.get(priority or "", 1.0))

    def __sklearn_is_fitted__(self) -> bool:
        """It is made of fitted parts."""
        return True

    def predict_proba(self, parcels: pd.DataFrame) -> NDArray[np.float64]:
        """P(in time), P(late) of parcels with the columns of the lateness model, shape (rows, 2)."""
        return np.asarray(self.lateness.predict_proba(parcels), np.float64)

    def predict(self, offers: pd.DataFrame) -> pd.DataFrame:
        """Nodes of each order, best first, each shipping from there alone every line that it can.

        Args:
            offers: Columns of `OFFER`.

        Returns:
            Columns of `RANKED`, by order and rank. Ties go to the node that comes first by name.
        """
        offered = self._priced(self._parcels(offers))
        keys = ["order_id", "total_amount", "warehouse_id", "service_level"]
        best = offered.sort_values(keys, kind="stable").drop_duplicates(["order_id", "warehouse_id"])
        best = best.assign(rank=best.groupby("order_id").cumcount() + 1, reason="")
        lost = pd.Index(offers["order_id"].unique()).difference(best["order_id"])
        nowhere = pd.DataFrame({"order_id": lost, "rank": 0, "reason": "no_node_has_stock_and_a_lane"})
        found = pd.concat([best, nowhere], ignore_index=True).reindex(columns=list(RANKED))
        counts = {"rank": "int64", "lines_filled": "int64", "lines_short": "int64"}
        return found.fillna(dict.fromkeys(counts, 0)).astype(counts).reset_index(drop=True)

    def _parcels(self, offers: pd.DataFrame) -> pd.DataFrame:
        """One row an order, node and service, for nodes that can ship at least one line."""
        fills = (offers["available_quantity"] >= offers["quantity"]) & (offers["quantity"] > 0)
        rows = offers.assign(
            kilograms=(offers["quantity"] * offers["weight_kg"]).where(fills, 0.0), filled=fills.astype(int), asked=1
        )
        same = ["priority", "region_code", "distance_km", "slack_hours", "allocated_hour", "allocated_weekday", *NEWS]
        grouped = rows.groupby(["order_id", "warehouse_id"], sort=True)
        parcels = grouped[same].first().join(grouped[["kilograms", "filled"]].sum())
        # A node without a record of a line's product cannot fill it: lines are counted over the order.
        asked = offers.groupby("order_id").size() // offers.groupby("order_id")["warehouse_id"].nunique()
        parcels = parcels.join(grouped["asked"].sum()).reset_index()
        parcels["asked"] = np.maximum(parcels["asked"], parcels["order_id"].map(asked))
        parcels = parcels[parcels["filled"] > 0].rename(columns={"kilograms": "weight_kg", "filled": "lines_filled"})
        return parcels.merge(pd.DataFrame({"service_level": list(self.shipping["services"])}), how="cross")

    def _priced(self, parcels: pd.DataFrame) -> pd.DataFrame:
        """Parcels that a lane is offered for, with every part of their total."""
        weights = self.parameters
        parcels = parcels.assign(shipping_amount=self.cost.predict(parcels))
        parcels = parcels[parcels["shipping_amount"].notna()].reset_index(drop=True)
        if parcels.empty:
            return parcels.assign(late_probability=[], lines_short=[], total_amount=[])
        inputs = prepare(parcels, self.feature_set)[self.feature_set.names]
        late = positive_probability(self.lateness, inputs)
        priority = np.array([self.weight_of(name) for name in parcels["priority"]])
        short = (parcels["asked"] - parcels["lines_filled"]).to_numpy(np.float64)
        total = (
            weights.shipping_weight * parcels["shipping_amount"].to_numpy(np.float64)
            + weights.lateness_cost * priority * late
            + weights.unfilled_cost * np.maximum(1.0, priority) * short
        )
        return parcels.assign(late_probability=late, lines_short=short, total_amount=total)
