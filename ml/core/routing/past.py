"""Two policies on the orders of one past day: the same stock, lanes and predictions, another choice.

Belongs here: a past day as a problem, and what each policy would have chosen on it. Does not belong here: reading the
day (ml/io/past_orders), judging the differences by region (ml/core/fairness/policies).

Both answers are valued alike: money that carriers charge plus the current policy's price of a further parcel, and the
expected on-time share under one lateness model, so that a policy never looks better by weighing things otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.core.light_model import LightModel
from ml.core.routing.confidence import Uncertainty, confidence
from ml.core.routing.evaluate import evaluate
from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.places import lateness_of_offers
from ml.core.routing.policy import RoutingPolicy
from ml.core.routing.problem import UNLIMITED, Fence, LatenessLanes, LatenessTable, RoutingProblem, stock_csr
from ml.core.routing.result import RoutingResult
from ml.core.routing.shipping import ShippingCost
from ml.core.routing.solve import solve_batch

#: Log-odds of lateness where no model predicts any: nothing is ever late.
_NEVER = -50.0


@dataclass(frozen=True)
class Network:
    """What does not change from day to day.

    Attributes:
        nodes: `warehouse_id`, `daily_capacity_orders`, `opened_date`, `closed_date`, by `warehouse_id`.
        km: Kilometres, nodes × regions.
        products: `product_id`, `weight_kg`, by `product_id`.
        shipping: Prices of lanes.
        lateness: P(late) of parcels; None: no model predicts it, and on-time shares are not known.
        uncertainty: What both predictions err by; None: no confidence is known.
    """

    nodes: pd.DataFrame
    km: pd.DataFrame
    products: pd.DataFrame
    shipping: ShippingCost
    lateness: LightModel | None
    uncertainty: Uncertainty | None


def day_problem(network: Network, day: pd.Timestamp, orders: pd.DataFrame, lines: pd.DataFrame, stock: pd.DataFrame,
                priority: NDArray[np.float64]) -> RoutingProblem:  # fmt: skip
    """The orders of a day as a problem.

    Args:
        network: Nodes, lanes, products, predictions.
        day: The day, for which nodes are open then.
        orders: (O,) `order_id`, `region_code` and the columns `places.OF_ORDER`.
        lines: (L,) `order_id`, `product_id`, `quantity`, in the order of the orders.
        stock: `warehouse_id`, `product_id`, `units` that could be promised.
        priority: (O,) weight of lateness.
    """
    node_ids, region_ids = [list(map(str, axis)) for axis in (network.km.index, network.km.columns)]
    km = network.km.to_numpy(np.float64)
    region = pd.Index(region_ids).get_indexer(orders["region_code"])
    owner = pd.Index(orders["order_id"]).get_indexer(lines["order_id"])
    product = pd.Index(network.products["product_id"])
    at_node, of_product = (
        pd.Index(node_ids).get_indexer(stock["warehouse_id"]),
        product.get_indexer(stock["product_id"]),
    )
    known = (at_node >= 0) & (of_product >= 0)
    units = np.maximum(stock["units"].to_numpy(np.int64), 0)
    start, cell_node, (on_hand,) = stock_csr(
        of_product[known], at_node[known], len(product), len(node_ids), units[known]
    )
    fixed, per_kg = network.shipping.lanes(km, region_ids)
    services = network.shipping.services
    lateness: LatenessTable | LatenessLanes = LatenessLanes(np.full(fixed.shape, _NEVER), np.zeros(len(orders)))
    if network.lateness is not None:
        names = (node_ids, region_ids, services)
        lateness = LatenessTable(lateness_of_offers(network.lateness, orders, region, names, km))
    capacity = network.nodes["daily_capacity_orders"].to_numpy(np.float64)
    shut = ~(network.nodes["closed_date"].isna() | (network.nodes["closed_date"] > day)).to_numpy()
    shut |= (network.nodes["opened_date"] > day).fillna(False).to_numpy()
    return RoutingProblem(
        order_region=region.astype(np.int32),
        order_priority=priority,
        order_line_start=np.searchsorted(owner, np.arange(len(orders) + 1)).astype(np.int64),
        line_product=product.get_indexer(lines["product_id"]).astype(np.int32),
        line_quantity=lines["quantity"].to_numpy(np.int64),
        product_weight_kg=network.products["weight_kg"].to_numpy(np.float64),
        product_cell_start=start,
        cell_node=cell_node,
        cell_on_hand=on_hand,
        node_capacity=np.where(np.isnan(capacity), UNLIMITED, capacity).astype(np.int64),
        ship_fixed=fixed,
        ship_per_kg=per_kg,
        lateness=lateness,
        fences=(Fence("closed", shut),) if shut.any() else (),
        distance_km=km,
        node_names=tuple(node_ids),
        region_names=tuple(region_ids),
        service_names=tuple(services),
    )


def replay_day(
    problem: RoutingProblem, current: RoutingPolicy, proposed: RoutingPolicy, uncertainty: Uncertainty | None
) -> pd.DataFrame:
    """What both policies choose for each order of the problem, in its order.

    Returns:
        For `before` (current) and `after` (proposed): `status_`, `reason_`, `node_`, `service_` (names joined by +, ""
        where nothing ships), `parcels_`, `cost_` (money), `on_time_` (expected share) and `confidence_` (NaN where not
        known). Excluded orders have the status `excluded`.
    """
    money = RoutingParameters(split_cost=current.parameters.split_cost, lateness_cost=0.0, unfilled_cost=0.0,
                              scarcity_weight=0.0, relief_weight=0.0)  # fmt: skip
    columns: dict[str, object] = {}
    for when, policy in (("before", current), ("after", proposed)):
        seen = policy.over(problem)
        result = solve_batch(seen, policy.parameters)
        counted = result.order_status != "excluded"
        valued = evaluate(problem, money, counted, result.line_node, result.line_service)
        sure = np.full(problem.orders, np.nan)
        if uncertainty is not None:
            sure = confidence(seen, result, uncertainty)
        columns |= {
            f"status_{when}": result.order_status, f"reason_{when}": result.order_reason,
            f"node_{when}": _joined(problem, result, result.line_node, problem.node_names),
            f"service_{when}": _joined(problem, result, result.line_service, problem.service_names),
            f"parcels_{when}": valued.order_parcels, f"cost_{when}": valued.order_cost,
            f"on_time_{when}": np.where(counted, valued.order_on_time, np.nan), f"confidence_{when}": sure,
        }  # fmt: skip
    return pd.DataFrame(columns)


def _joined(problem: RoutingProblem, result: RoutingResult, chosen: NDArray[np.integer],
            names: Sequence[str]) -> list[str]:  # fmt: skip
    """Names of what each order's lines were given, each once, ascending."""
    found: list[set[str]] = [set() for _ in range(problem.orders)]
    owner = np.repeat(np.arange(problem.orders), np.diff(problem.order_line_start))
    for line in np.flatnonzero(result.line_node >= 0):
        found[owner[line]].add(names[chosen[line]])
    return ["+".join(sorted(own)) for own in found]
