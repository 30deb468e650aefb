"""How sure a recommendation is: the probability that no other node would have been better by more than a tolerance.

Belongs here: the uncertainty of lateness and prices, and the confidence that follows from it. Does not belong here:
what is done at which confidence (decisions).

Predictions err by lane, not by order: all parcels of a lane share the error of its lateness and its price. Each draw
moves every lane's log-odds of lateness and its price by such an error; an order's confidence is the share of draws in
which its choice costs no more than the best single node that is open to it, plus the tolerance. The noise of single
deliveries is no error of a decision and is left out.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit

from ml.core.routing.costs import fenced, lanes_of, late_probability
from ml.core.routing.problem import RoutingProblem
from ml.core.routing.result import RoutingResult

Floats = NDArray[np.float64]

#: Fewest judged rows of a group whose error is looked at.
FEWEST_ROWS = 30
_CHUNK = 256


@dataclass(frozen=True)
class Uncertainty:
    """Standard deviations of what predictions err by on a lane.

    Attributes:
        lateness_logit: Of the log-odds of lateness.
        cost_relative: Of the price, as a share of it.
    """

    lateness_logit: float
    cost_relative: float


def lateness_error(outcome: Floats, predicted: Floats, groups: pd.Series) -> float:
    """Standard deviation of the log-odds that groups are off by, beyond what chance in their rows explains.

    Method of moments over groups of at least `FEWEST_ROWS` rows, each weighted by its rows (DerSimonian & Laird 1986).

    Args:
        outcome: (n,) 0 or 1 of rows that the model did not learn from.
        predicted: (n,) their probabilities.
        groups: (n,) what shares an error.

    Returns:
        0 where no group is large enough, or chance explains everything.
    """
    table = pd.DataFrame({"outcome": outcome, "predicted": predicted, "group": groups.to_numpy()})
    found = table.groupby("group").agg(
        rows=("outcome", "size"), late=("outcome", "sum"), expected=("predicted", "mean"),
    )  # fmt: skip
    found = found[found["rows"] >= FEWEST_ROWS]
    if found.empty:
        return 0.0
    rows = found["rows"].to_numpy(np.float64)
    expected = np.clip(found["expected"].to_numpy(np.float64), 1e-3, 1 - 1e-3)
    error = logit((found["late"].to_numpy(np.float64) + expected) / (rows + 1)) - logit(expected)
    chance = 1.0 / (rows * expected * (1 - expected))
    return float(np.sqrt(max(0.0, np.average(error**2 - chance, weights=rows))))


def confidence(
    problem: RoutingProblem,
    result: RoutingResult,
    uncertainty: Uncertainty,
    tolerance: float = 0.05,
    draws: int = 200,
) -> Floats:
    """Confidence of each choice, shape (orders,), NaN where nothing was chosen; arguments as `right_in_draws`."""
    right = right_in_draws(problem, result, uncertainty, tolerance, draws)
    return np.where(result.order_parcels > 0, right.mean(axis=1), np.nan)


def right_in_draws(
    problem: RoutingProblem,
    result: RoutingResult,
    uncertainty: Uncertainty,
    tolerance: float = 0.05,
    draws: int = 200,
) -> NDArray[np.bool_]:
    """Whether each order's choice is right in each draw, shape (orders, draws); false where nothing was chosen.

    Args:
        problem: The batch.
        result: Its answer; prices of stock and capacity are held as they are.
        uncertainty: Of the predictions.
        tolerance: Regret that still counts as right, as a share of the order's money (0.05: 5 %).
        draws: Draws of the lanes' errors; the seed is that of the run.
    """
    rng = np.random.default_rng(result.parameters.seed)
    shape = (draws, *problem.shape)
    late_error = rng.normal(0.0, uncertainty.lateness_logit, shape)
    cost_factor = np.maximum(0.0, 1.0 + rng.normal(0.0, uncertainty.cost_relative, shape))
    return right_under(problem, result, late_error, cost_factor, tolerance)


def right_under(
    problem: RoutingProblem, result: RoutingResult, late_error: Floats, cost_factor: Floats, tolerance: float
) -> NDArray[np.bool_]:
    """As `right_in_draws`, under errors that are given: of log-odds, and factors of price, (draws, N, R, S) each."""
    right = np.zeros((problem.orders, len(late_error)), np.bool_)
    open_orders = np.flatnonzero(result.order_parcels > 0)
    choices = _Choices(problem, result)
    for begin in range(0, len(open_orders), _CHUNK):
        for order, options in choices.of(open_orders[begin : begin + _CHUNK]):
            region = int(problem.order_region[order])
            drawn = options.cost(late_error[:, :, region], cost_factor[:, :, region])
            chosen, best = options.chosen(drawn), options.best(drawn)
            right[order] = chosen - np.minimum(best, chosen) <= tolerance * np.abs(chosen)
    return right


@dataclass(frozen=True)
class _Options:
    """One order: what each node and service would cost it, and what it got. Arrays (N, S) unless said otherwise.

    `shipping` is money before the lane's error, infinite where closed; `late_weight` money of a late parcel; `extra`
    (N,) the price of stock and capacity; `whole` (N,) whether the node could ship everything; `parcels` the node,
    service, share of the node's money and extra of each parcel chosen; `constant` what splits and unfilled lines cost.
    """

    log_odds: Floats
    late_weight: float
    shipping: Floats
    extra: Floats
    whole: NDArray[np.bool_]
    parcels: tuple[tuple[int, int, float, float], ...]
    constant: float

    def cost(self, late_error: Floats, cost_factor: Floats) -> Floats:
        """(K, N, S) lateness and shipping of one parcel with everything under each draw; infinite where closed."""
        late = expit(self.log_odds + late_error) * self.late_weight
        return (
            np.where(np.isfinite(self.shipping), np.nan_to_num(self.shipping, posinf=0.0) * cost_factor, np.inf) + late
        )

    def chosen(self, drawn: Floats) -> Floats:
        """(K,) money of what the order got."""
        total = np.full(len(drawn), self.constant)
        for node, service, saved, extra in self.parcels:
            total += drawn[:, node, service] - saved + extra
        return total

    def best(self, drawn: Floats) -> Floats:
        """(K,) money of the best single node."""
        offered = np.where(self.whole[:, None], drawn + self.extra[:, None], np.inf)
        return np.asarray(offered.min(axis=(1, 2)), np.float64)


class _Choices:
    """Options of the orders of a solved batch."""

    def __init__(self, problem: RoutingProblem, result: RoutingResult) -> None:
        self.problem, self.result, self.weights = problem, result, result.parameters
        self.lanes = lanes_of(problem, self.weights)
        self.stock_price, self.node_price = result.prices.for_problem(problem)

    def of(self, orders: NDArray[np.int64]) -> list[tuple[int, _Options]]:
        """Each order with its options."""
        late = late_probability(self.problem, orders)
        fences = fenced(self.problem, orders, soft=True)
        none = np.zeros(self.problem.shape[0], bool)
        return [
            (int(order), self._options(int(order), late[at], none if fences is None else fences[at]))
            for at, order in enumerate(orders)
        ]

    def _options(self, order: int, late: Floats, barred: NDArray[np.bool_]) -> _Options:
        problem, result = self.problem, self.result
        nodes = problem.shape[0]
        lines = np.arange(problem.order_line_start[order], problem.order_line_start[order + 1])
        region = int(problem.order_region[order])
        node_kg = np.zeros(nodes)
        extra = self.node_price.copy()
        own_extra = self.node_price.copy()
        whole = ~barred & (result.capacity_left > 0)
        whole[result.line_node[lines[result.line_node[lines] >= 0]]] = True
        total_kg = 0.0
        for line in lines:
            product, quantity = int(problem.line_product[line]), int(problem.line_quantity[line])
            kg = float(problem.product_weight_kg[product]) * quantity
            total_kg += kg
            cells = np.arange(problem.product_cell_start[product], problem.product_cell_start[product + 1])
            at, free = problem.cell_node[cells], result.stock_left[cells].copy()
            own = at == result.line_node[line]
            free[own] += quantity
            enough = np.zeros(nodes, bool)
            enough[at[free >= quantity]] = True
            whole &= enough
            price = quantity * (self.stock_price[cells] + self.lanes.unit[cells])
            extra[at] += price
            own_extra[at[own]] += price[own]
            node_kg[at[own]] += kg
        per_kg = self.lanes.per_kg[region]
        shipping = self.lanes.fixed[region] + per_kg * total_kg
        shipping[np.isnan(late)] = np.inf
        priority = float(problem.order_priority[order])
        parcels = []
        for node in np.unique(result.line_node[lines]):
            if node >= 0:
                service = int(result.line_service[lines[result.line_node[lines] == node][0]])
                saved = float(per_kg[node, service] * (total_kg - node_kg[node]))
                parcels.append((int(node), service, saved, float(own_extra[node])))
        short = int((result.line_node[lines] < 0).sum())
        constant = (
            self.weights.split_cost * (len(parcels) - 1) + self.weights.unfilled_cost * max(1.0, priority) * short
        )
        bounded = np.clip(np.nan_to_num(late, nan=0.5), 1e-6, 1 - 1e-6)
        weight = self.weights.lateness_cost * priority
        return _Options(logit(bounded), weight, shipping, extra, whole, tuple(parcels), constant)
