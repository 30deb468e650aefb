"""A proposed routing policy on past orders: what it would have decided, beside what the current one decides.

Belongs here: which model predicts, which orders can be decided anew, the table of both decisions. Does not belong here:
deciding (ml/core/routing/past), reading the past (ml/io/past_orders), whether regions lose (ml/core/fairness).

Each day is decided from what its nodes could promise on that morning. What a policy's own choices would have left on
the shelves for the next day is not carried on; the twin shows that (`oi audit replay --twin`).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.past import Network, day_problem, replay_day
from ml.core.routing.policy import RoutingPolicy
from ml.core.routing.ranker import NodeRanker
from ml.io.champion import newest_version
from ml.io.past_orders import NothingToReplay, PastOrders, newest_day, read_past_orders
from ml.io.policies import DecisionPolicy, certified_policy
from ml.io.registry import LoadedModel, load
from ml.io.stores import ModelStores, open_stores
from ml.jobs.catalogue import ORDER_ROUTING
from ml.jobs.routing import POLICY, PRIORITIES, paid_prices
from workspace.published import Snapshot, open_current
from workspace.settings import Settings

#: Days that a replay looks back on, unless it is told otherwise.
WINDOW_DAYS = 28
#: Columns of a day's order that both decisions are joined to.
_OF_ORDER = ("order_id", "day", "region_code", "value_tier", "channel", "segment", "node_actual", "parcels_actual",
             "cost_actual", "on_time_actual")  # fmt: skip


@dataclass(frozen=True)
class Router:
    """What past orders are decided with.

    Attributes:
        model: Version of order-routing: the champion, else the newest evaluated; None: nothing predicts lateness, and
            prices are learned from the parcels.
        policy: What it decides by.
        priorities: Priority → weight of lateness.
        certified: The version of routing-policy that `policy` is of; None: it came with the model.
    """

    model: LoadedModel | None
    policy: RoutingPolicy
    priorities: Mapping[str, float]
    certified: DecisionPolicy | None = None

    def network(self, past: PastOrders, snapshot: Snapshot) -> Network:
        """Nodes, lanes and predictions of the past orders."""
        if self.model is None:
            return Network(past.nodes, past.km, past.products, paid_prices(snapshot), None, None)
        ranker: NodeRanker = self.model.estimator
        return Network(past.nodes, past.km, past.products, ranker.cost, self.model.light, ranker.uncertainty)


@dataclass(frozen=True)
class PolicyReplay:
    """Two policies on the same past orders.

    Attributes:
        orders: One row an order that both decided: `order_id`, `day`, `region_code`, `value_tier`, `channel`,
            `segment`; really done (`_actual`): `node_`, `parcels_`, `cost_`, `on_time_`; for `_before` (current) and
            `_after` (proposed): `status_`, `reason_`, `node_`, `service_`, `parcels_`, `cost_` (money), `on_time_`
            (expected share, NaN without a lateness model), `confidence_`; and `is_changed`: another node or service.
        left_out: Reason → orders of the window that could not be decided anew.
        since, until: First and last day.
        current, proposed: The policies.
        model_version: Of order-routing, whose predictions were used; "": no lateness model.
        snapshot: Version of the published data.
    """

    orders: pd.DataFrame
    left_out: Mapping[str, int]
    since: date
    until: date
    current: RoutingPolicy
    proposed: RoutingPolicy
    model_version: str
    snapshot: str

    @property
    def affected(self) -> pd.DataFrame:
        """The orders that the proposed policy decides otherwise."""
        return self.orders[self.orders["is_changed"]].reset_index(drop=True)


def replay_policy(
    settings: Settings,
    current: RoutingPolicy | None,
    proposed: RoutingPolicy,
    since: date | None = None,
    until: date | None = None,
    snapshot: Snapshot | None = None,
    model_version: str = "",
) -> PolicyReplay:
    """Decide the published past orders of a window by both policies.

    Args:
        settings: The company's.
        current: What to compare with; None: the policy in force.
        proposed: The policy that is asked about.
        since: First day; None: `WINDOW_DAYS` up to `until`.
        until: Last day; None: the last on which a parcel was made.
        snapshot: The data; None: the published ones.
        model_version: Version of order-routing that predicts; empty: as `load_router` chooses.

    Raises:
        NothingToReplay: a table is absent, or no order of the window can be decided anew.
        BadPolicy: a policy names a region, service or node that the company does not have.
        ArtifactMismatch, DossierBroken: the model's files are not those that were registered or approved.
    """
    snapshot = snapshot or open_current(settings.paths.published)
    with snapshot.lease(), open_stores(settings) as stores:
        router = load_router(stores, model_version) if model_version else load_router(stores)
        return replay_with(router, snapshot, current or router.policy, proposed, since, until)


def replay_with(router: Router, snapshot: Snapshot, current: RoutingPolicy, proposed: RoutingPolicy,
                since: date | None = None, until: date | None = None) -> PolicyReplay:  # fmt: skip
    """`replay_policy` with a router that is loaded already."""
    last = until or newest_day(snapshot)
    first = since or last - timedelta(days=WINDOW_DAYS - 1)
    past = read_past_orders(snapshot, first, last)
    network = router.network(past, snapshot)
    for policy in (current, proposed):
        policy.check(list(past.km.columns), network.shipping.services, list(past.km.index))
    days = _replayed(past, network, router.priorities, current, proposed)
    reasons = Counter(past.orders.loc[past.orders["left_out"] != "", "left_out"])
    if not days:
        raise NothingToReplay(_why(first, last, reasons, len(past.orders)))
    orders = pd.concat(days, ignore_index=True)
    refused = orders["status_before"] == "excluded"
    reasons.update(orders.loc[refused, "reason_before"])
    orders = orders[~refused].reset_index(drop=True)
    if orders.empty:
        raise NothingToReplay(_why(first, last, reasons, len(past.orders)))
    version = router.model.version if router.model else ""
    return PolicyReplay(
        orders, dict(sorted(reasons.items())), first, last, current, proposed, version, snapshot.version
    )


def policy_in_force(settings: Settings) -> RoutingPolicy:
    """What the champion decides by; without one the policy of the newest evaluated version, else the built-in one."""
    with open_stores(settings) as stores:
        return load_router(stores).policy


def load_router(stores: ModelStores, version: str | None = None) -> Router:
    """The champion of order routing, else its newest evaluated version, else prices and the built-in policy alone.

    `version` names another. The policy is the certified one where it was judged with that very version, else its own.

    Raises:
        ArtifactMismatch, DossierBroken: the version's files are not those that were registered or approved.
    """
    name = ORDER_ROUTING.name
    history = stores.promotions.history(name)
    version = version or history.champion or newest_version(stores, name)
    if version is None:
        return Router(None, RoutingPolicy(RoutingParameters(**POLICY)), PRIORITIES)
    evaluated = history.version(version).evaluated
    model = load(stores, name, version, str(evaluated["artifact"]["digest"]))
    certified = certified_policy(stores, version)
    policy = certified.routing if certified else RoutingPolicy(model.estimator.parameters)
    return Router(model, policy, model.estimator.priorities, certified)


def _replayed(past: PastOrders, network: Network, priorities: Mapping[str, float], current: RoutingPolicy,
              proposed: RoutingPolicy) -> list[pd.DataFrame]:  # fmt: skip
    """Both decisions on each day that can be decided anew."""
    able = past.orders[past.orders["left_out"] == ""]
    lines = past.lines.merge(able[["order_id", "day"]], on="order_id")
    shelves = dict(list(past.stock.groupby("day")))
    found = []
    for day, orders in able.groupby("day"):
        own = orders.reset_index(drop=True)
        weight = own["priority"].map(priorities).fillna(1.0).to_numpy(np.float64)
        problem = day_problem(network, pd.Timestamp(str(day)), own, lines[lines["day"] == day], shelves[day], weight)
        decided = replay_day(problem, current, proposed, network.uncertainty)
        if network.lateness is None:
            decided = decided.assign(on_time_before=np.nan, on_time_after=np.nan)
        changed = (decided["node_before"] != decided["node_after"]) | (
            decided["service_before"] != decided["service_after"]
        )
        found.append(pd.concat([own[list(_OF_ORDER)], decided, changed.rename("is_changed")], axis=1))
    return found


def _why(since: date, until: date, reasons: Mapping[str, int], orders: int) -> str:
    told = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items())) or "no order was placed"
    return f"None of the {orders} orders from {since} to {until} can be decided anew: {told}. Choose another window."
