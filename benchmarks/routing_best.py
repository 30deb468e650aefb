"""The best that any policy can do with single orders, where it can be computed: one line an order, few units a product.

Belongs here: dynamic programming over what is left of one product, and the policies it is compared with. Does not
belong here: whole days (`routing_day`).

With one line an order and no limit on parcels, products do not touch each other, and what is left of one is a small
state: units by node. Backward induction over the orders still to come (Bellman 1957) then gives the least expected cost
of every policy that knows how many there will be, and so of all that know less. What it costs over hindsight is the
price of not knowing the regions.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from benchmarks.routing_day import Day, make_day
from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.problem import LatenessLanes

#: Products by units of the day, states of one, products and days that are drawn, and forecasts that prices average.
UNITS, STATES, PRODUCTS, DRAWS, FORECASTS = (4, 9), 20_000, 40, 20, 8
Prices = Callable[[int, NDArray[np.int64]], NDArray[np.float64]]


@dataclass(frozen=True)
class Slow:
    """A slow product: `cost` (K, R) of a unit from a node that has any, `stock` (K,) there, `orders` of the day."""

    cost: NDArray[np.float64]
    stock: NDArray[np.int64]
    orders: int


def report() -> None:
    """Print the regret of the best policy, of mean prices and of none, over drawn days of slow products."""
    print("\n### The best policy where orders have one line\n")
    day = make_day(10_000, 1_778, days=FORECASTS)
    rng = np.random.default_rng(1)
    people = np.bincount(day.history.order_region, minlength=day.today.shape[1]) / day.history.orders
    priority = day.history.order_priority
    unfilled = RoutingParameters().unfilled_cost * float(np.maximum(priority, 1.0).mean())
    products = slow_products(day, float(priority.mean()), rng)
    spent = np.array([_compared(product, people, unfilled, rng) for product in products])
    least, best, priced, myopic = spent.sum(axis=0)
    error = np.std(spent[:, 2] - spent[:, 1]) * np.sqrt(len(products)) / least
    units = np.mean([product.orders for product in products])
    print(
        f"{len(products)} products of {units:.1f} units in the mean, {DRAWS} days each, a unit an order, no limit on "
        f"parcels. Regret of the best of all policies that know how many units the day takes: {best / least - 1:.2%}; "
        f"of mean prices of {FORECASTS} draws: {priced / least - 1:.2%}, which is {(priced - best) / least:.2%} more "
        f"(standard error {error:.2%}); of no prices: {myopic / least - 1:.2%}."
    )


def slow_products(day: Day, priority: float, rng: np.random.Generator) -> list[Slow]:
    """Up to `PRODUCTS` products with units and states within bounds, each at its cheaper service."""
    today, weights = day.today, RoutingParameters()
    assert isinstance(today.lateness, LatenessLanes)
    late = weights.lateness_cost * priority / (1.0 + np.exp(-today.lateness.lane_logit))
    units = np.bincount(today.line_product, weights=today.line_quantity, minlength=len(today.product_weight_kg))
    found: list[Slow] = []
    for product in rng.permutation(np.flatnonzero((units >= UNITS[0]) & (units <= UNITS[1]))):
        cells = slice(today.product_cell_start[product], today.product_cell_start[product + 1])
        orders, stock = int(units[product]), np.minimum(today.cell_on_hand[cells], int(units[product]))
        node = today.cell_node[cells][stock > 0]
        stock = stock[stock > 0]
        if 0 < np.prod(stock + 1.0) <= STATES and len(found) < PRODUCTS:
            money = today.ship_fixed + today.ship_per_kg * today.product_weight_kg[product] + late
            found.append(Slow(money[node].min(axis=2), stock, orders))
    return found


@njit
def backward(
    orders: int, stock: NDArray[np.int64], cost: NDArray[np.float64], people: NDArray[np.float64], unfilled: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Least expected cost (orders + 1, states) by orders to come and stock left, and the stride (K,) of each node."""
    stride = np.ones(len(stock), np.int64)
    for k in range(1, len(stock)):
        stride[k] = stride[k - 1] * (stock[k - 1] + 1)
    states = stride[-1] * (stock[-1] + 1)
    value = np.zeros((orders + 1, states))
    for left in range(1, orders + 1):
        for state in range(states):
            for r in range(len(people)):
                least = unfilled + value[left - 1, state]
                for k in range(len(stock)):
                    if state // stride[k] % (stock[k] + 1) > 0:
                        least = min(least, cost[k, r] + value[left - 1, state - stride[k]])
                value[left, state] += people[r] * least
    return value, stride


def hindsight(
    cost: NDArray[np.float64], stock: NDArray[np.int64], regions: NDArray[np.int64], unfilled: float
) -> tuple[float, NDArray[np.float64]]:
    """Least cost of orders from these regions, and what a unit more at each node (K,) would save."""
    if not len(regions):
        return 0.0, np.zeros(len(stock))
    own, count = np.unique(regions, return_counts=True)
    nodes, kinds = len(stock), len(own)
    money = np.concatenate((cost[:, own].ravel(), np.full(kinds, unfilled)))
    limits = sparse.kron(sparse.eye(nodes, nodes + 1), np.ones((1, kinds))).tocsr()
    served = sparse.kron(np.ones((1, nodes + 1)), sparse.eye(kinds)).tocsr()
    found = linprog(money, A_ub=limits, b_ub=stock, A_eq=served, b_eq=count, method="highs")
    return float(found.fun), -found.ineqlin.marginals


def follow(product: Slow, regions: NDArray[np.int64], unfilled: float, prices: Prices) -> float:
    """Cost of taking, for each order in turn, the node of the least cost and price; `prices(left, stock)` is (K,)."""
    stock, spent = product.stock.copy(), 0.0
    for turn, region in enumerate(regions):
        price = prices(len(regions) - turn - 1, stock)
        offers = np.where(stock > 0, product.cost[:, region] + price, np.inf)
        node = int(np.argmin(offers))
        if offers[node] < unfilled:
            stock[node] -= 1
            spent += product.cost[node, region]
        else:
            spent += unfilled
    return float(spent)


def _compared(
    product: Slow, people: NDArray[np.float64], unfilled: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Cost (4,) of `DRAWS` days in hindsight, by the best policy, by mean prices and without prices."""
    value, stride = backward(product.orders, product.stock, product.cost, people, unfilled)

    def worth(left: int, stock: NDArray[np.int64]) -> NDArray[np.float64]:
        state = int((stock * stride).sum())
        worths = [value[left, state - s] - value[left, state] if n else 0.0 for s, n in zip(stride, stock, strict=True)]
        return np.array(worths)

    def none(_left: int, stock: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.zeros(len(stock))

    spent = np.zeros(4)
    for _ in range(DRAWS):
        regions, *forecasts = rng.choice(len(people), (1 + FORECASTS, product.orders), p=people)

        def mean(left: int, stock: NDArray[np.int64], days: list[NDArray[np.int64]] = forecasts) -> NDArray[np.float64]:
            found = [hindsight(product.cost, stock, day[len(day) - left :], unfilled)[1] for day in days]
            return np.asarray(np.mean(found, axis=0))

        spent += [
            hindsight(product.cost, product.stock, regions, unfilled)[0],
            *(follow(product, regions, unfilled, prices) for prices in (worth, mean, none)),
        ]
    return spent
