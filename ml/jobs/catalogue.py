"""The models that this platform trains: their table, roles of its columns, and how they are learned.

Belongs here: one entry a registered model. Does not belong here: methods (ml/core).
"""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ml.core.features import Roles
from ml.core.risk_model import BoostingParameters, Plan
from ml.jobs.stock_rows import LABELLED


@dataclass(frozen=True)
class ModelSpec:
    """A model to be trained.

    Attributes:
        name: Registered model.
        title: What it tells, in one line.
        table: Published table that it learns from.
        roles: Roles of the table's columns.
        plan: How it is learned.
        folds: Stretches of the rolling-origin backtest; the last one is judged by the version that is shipped.
        judged_share: Share of the labelled rows, newest first, that the backtest judges.
        replicates: Bootstrap resamples of each interval.
        seed: Seed of everything random.
        view: SQL of the rows that it learns from, over `{table}`; empty: the table's own rows.
        is_of_orders: Whether a row is an order, so that audits look at what history did to the orders and add a
            data sheet of them.
        answer: What it gives: the probability of a yes/no outcome, or quantiles of hours.
    """

    name: str
    title: str
    table: str
    roles: Roles
    plan: Plan = field(default_factory=Plan)
    folds: int = 4
    judged_share: float = 0.6
    replicates: int = 200
    seed: int = 20261122
    view: str = ""
    is_of_orders: bool = True
    answer: Literal["probability", "hours"] = "probability"

    @property
    def group_use(self) -> str:
        """How the model uses the columns that split its audits, as sentences for its papers."""
        read = [name for name in self.roles.groups if name in self.roles.included]
        only_audited = [name for name in self.roles.groups if name not in self.roles.included]
        sentences = []
        if read:
            sentences.append(f"{', '.join(read)}: read by the model, so that its probabilities hold in each group.")
        if only_audited:
            sentences.append(f"{', '.join(only_audited)}: read for audits only.")
        return " ".join(sentences)

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return asdict(self)


LATE_DELIVERY = ModelSpec(
    name="late-delivery-risk",
    title="Probability that an order is delivered after its promise, as of the moment it is placed",
    table="feat_order_delivery",
    roles=Roles(
        key="order_id",
        time="ordered_at",
        target="is_late",
        known_at="label_known_at",
        matures_at="promised_at",
        groups=("region_code", "segment"),
        lanes=("origin_region_code", "region_code"),
        # Without the region 7 of 29 regions of the demo company got probabilities that did not hold there, with it 1:
        # distance and lane histories tell the region anyway, only less exactly. See docs/adr/0005.
        included=("region_code",),
    ),
    # Which way these act is known beforehand. Without it the trees read past months into them: on the public Olist
    # orders the directions lift out-of-time ROC-AUC and average precision by as much as the outlooks do. See ADR 20.
    plan=Plan(
        rising=("*_late_share_*", "*_late_outlook_*", "lane_lead_time_hours_*"),
        falling=("promise_hours", "promise_slack_hours"),
    ),
    judged_share=0.5,
)

STOCKOUT = ModelSpec(
    name="stockout-risk",
    title="Probability that a node has nothing left of a product at a count within 24, 48 or 72 hours",
    table="feat_stock_daily",
    view=LABELLED,
    is_of_orders=False,
    roles=Roles(
        key="stock_key",
        time="observed_at",
        target="is_stocked_out",
        known_at="matures_at",
        groups=("region_code", "horizon"),
        lanes=("cover_band",),
        excluded=("cover_band", "hours_to_out"),
    ),
    # One candidate: on the twin the coarser one was chosen in no stretch, and the rows are many.
    plan=Plan(
        candidates=(BoostingParameters(leaves=15, leaf_rows=40),),
        rehearsals=2,
        rising=("horizon_hours", "waiting_units", "expected_units"),
        falling=("available_quantity", "cushion_*"),
    ),
    folds=3,
    judged_share=0.5,
)

#: Hours from order to door, null while open. What depends on a promise is no feature: a promise is to be made from it.
LEAD_TIME = ModelSpec(
    name="lead-time",
    title="Hours from order to door: median, 90 % interval and promises, as of the moment the order is placed",
    table="feat_order_delivery",
    view="(select *, epoch(label_known_at - ordered_at) / 3600.0 as lead_time_hours from {table})",
    is_of_orders=False,
    answer="hours",
    roles=Roles(
        key="order_id",
        time="ordered_at",
        target="lead_time_hours",
        known_at="label_known_at",
        groups=("region_code", "segment"),
        lanes=("origin_region_code", "region_code"),
        excluded=("is_late", "promise_hours", "promise_slack_hours", *(
            f"{place}_late_outlook_{days}d" for place in ("company", "destination") for days in (7, 14, 28)
        )),
        included=("region_code",),
    ),
    # Each stretch costs twelve fits; more of them are for the benchmark.
    folds=2,
    judged_share=0.5,
)  # fmt: skip

#: Lateness of a parcel from each node that could send it; the registered version holds prices and policy as well.
ORDER_ROUTING = ModelSpec(
    name="order-routing",
    title="Ranked nodes and services of an order: probability of lateness, price and policy of each",
    table="feat_parcel_delivery",
    is_of_orders=False,
    roles=Roles(
        key="shipment_id",
        time="allocated_at",
        target="is_late",
        known_at="label_known_at",
        matures_at="promised_at",
        groups=("region_code", "segment"),
        lanes=("warehouse_id", "region_code"),
        excluded=("order_id",),
        included=("region_code", "warehouse_id"),
    ),
    plan=Plan(rising=("*_late_share_*", "*_late_outlook_*"), falling=("slack_hours",)),
    folds=2,
    judged_share=0.4,
)

MODELS = {spec.name: spec for spec in (LATE_DELIVERY, LEAD_TIME, STOCKOUT, ORDER_ROUTING)}


def spec_of(name: str) -> ModelSpec:
    """The model of this name.

    Raises:
        KeyError: there is none; names those that are.
    """
    if name not in MODELS:
        raise KeyError(f"There is no model {name!r}; there are {', '.join(MODELS)}.")
    return MODELS[name]
