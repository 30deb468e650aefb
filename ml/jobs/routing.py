"""Training the order-routing model: lateness of a parcel, prices of lanes and the policy as one registered version.

Belongs here: what differs from any other training. Does not belong here: how a version is judged and promoted, which
is the same for all models (ml/jobs/train, audit, promote).
"""

from dataclasses import dataclass, field
from typing import Any

import duckdb
import pandas as pd
from mlflow.models.signature import ModelSignature
from mlflow.types.schema import ColSpec, Schema

from ml.core.routing.confidence import lateness_error
from ml.core.routing.ranker import NEWS, OFFER, RANKED, NodeRanker
from ml.core.routing.shipping import ShippingCost, fit_shipping
from ml.io.registry import Interface
from ml.jobs.catalogue import ORDER_ROUTING, ModelSpec
from ml.jobs.learning import Learned
from ml.jobs.train import TrainJob
from workspace.published import Snapshot

#: Money of the policy, in the currency of the parcels' prices. A late parcel costs a call, a voucher and some of the
#: customer's next order; a line that ships from nowhere costs its margin and more of that. A node that runs out of a
#: product sends for it elsewhere, which costs a tenth of the price; a unit held for too long loses a fiftieth of it.
POLICY: dict[str, Any] = {"lateness_cost": 30.0, "split_cost": 6.0, "unfilled_cost": 150.0, "scarcity_weight": 0.1,
          "relief_weight": 0.02}  # fmt: skip
PRIORITIES = {"standard": 1.0, "express": 2.0, "critical": 4.0}


@dataclass(frozen=True)
class RoutingTrainJob(TrainJob):
    """Train order routing on a published snapshot.

    Attributes:
        policy: Fields of `RoutingParameters` that differ from the default.
        priorities: Priority → weight of lateness.
    """

    spec: ModelSpec = field(default=ORDER_ROUTING)
    policy: dict[str, Any] = field(default_factory=lambda: dict(POLICY))
    priorities: dict[str, float] = field(default_factory=lambda: dict(PRIORITIES))

    def own_recipe(self, snapshot: Snapshot) -> dict[str, Any]:
        """Policy and the parcels whose prices are learned."""
        return {"policy": self.policy, "priorities": self.priorities, "prices": snapshot.tables["fct_shipments"]}

    def packed(self, learned: Learned, snapshot: Snapshot) -> tuple[Any, Interface]:
        """The ranker with its signature: offers in, ranked nodes out."""
        shipping = paid_prices(snapshot)
        features = learned.fitted.features
        pairs = [[feature.name, feature.kind] for feature in features.features]
        judged = learned.backtest
        error = lateness_error(judged["outcome"].to_numpy(), judged["predicted"].to_numpy(), judged["region_code"])
        ranker = NodeRanker(learned.fitted.model, pairs, shipping.as_dict(), self.policy, self.priorities, error)
        signature = ModelSignature(inputs=_schema(OFFER), outputs=_schema(RANKED))
        return ranker, Interface("predict", signature, _example(learned))


def paid_prices(snapshot: Snapshot) -> ShippingCost:
    """Prices of lanes from the parcels of a snapshot; distances are those a candidate node knows, to the region.

    Raises:
        ValueError: too few parcels carry a price.
    """
    with snapshot.connect() as connection:
        return fit_shipping(_parcels(connection))


def _parcels(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    return connection.execute(
        "select f.service_level, f.distance_km, s.weight_kg, f.region_code, cast(s.cost_amount as double) cost_amount "
        "from feat_parcel_delivery f join fct_shipments s using (shipment_id) "
        "where s.cost_amount is not null order by f.allocated_at, f.shipment_id"
    ).df()


def _schema(columns: dict[str, str]) -> Schema:
    return Schema([ColSpec(kind, name, required=False) for name, kind in columns.items()])


def _example(learned: Learned) -> pd.DataFrame:
    """Two offers of a made-up order, in the form of the signature."""
    rows = learned.inputs.head(2)
    return pd.DataFrame(
        {
            "order_id": ["o_example"] * len(rows), "priority": "standard",
            "region_code": rows["region_code"].astype(str),
            "warehouse_id": rows["warehouse_id"].astype(str), "distance_km": [100.0, 800.0][: len(rows)],
            "slack_hours": 72.0, "allocated_hour": 9.0, "allocated_weekday": 1.0, "quantity": 1.0, "weight_kg": 2.0,
            "available_quantity": 5.0, **{name: rows[name].astype(float) for name in NEWS if name in rows},
        }
    ).reset_index(drop=True)  # fmt: skip
