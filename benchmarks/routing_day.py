"""A day of orders that arrive one after the other: committed at once, or held re-assignable for a window.

Belongs here: the simulated clock, and the policies that the routing benchmark compares on it. Does not belong here:
the twin, which simulates a network in time and decides whether a policy is good for a business.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.routing_instances import InstanceSpec, generate, other_days
from ml.core.routing.evaluate import Evaluation, evaluate
from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.problem import LatenessLanes, RoutingProblem
from ml.core.routing.realtime import OrderRequest, Router
from ml.core.routing.result import Prices
from ml.core.routing.solve import solve_batch

HOURS = 24


@dataclass(frozen=True)
class Day:
    """Today's orders in order of arrival, `hour` (O,) of each, and `history`: past days' orders with their hours."""

    today: RoutingProblem
    hour: NDArray[np.int64]
    history: RoutingProblem
    history_hour: NDArray[np.int64]
    days: int


def make_day(orders: int, products: int, days: int = 4, seed: int = 11) -> Day:
    """A day and `days` earlier ones that were drawn from the same demand; stock is today's."""
    spec = InstanceSpec(orders=orders, products=products, seed=seed)
    today = generate(spec)
    history = other_days(spec, today, days)
    hours = np.random.default_rng(seed).integers(0, HOURS, history.orders)
    return Day(today, np.arange(orders) * HOURS // orders, history, hours, days)


def subset(problem: RoutingProblem, orders: NDArray[np.int64]) -> RoutingProblem:
    """The same network with only these orders, in this order."""
    assert isinstance(problem.lateness, LatenessLanes)
    counts = np.diff(problem.order_line_start)[orders]
    start = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    lines = np.repeat(problem.order_line_start[orders] - start[:-1], counts) + np.arange(start[-1])
    return replace(
        problem,
        order_region=problem.order_region[orders],
        order_priority=problem.order_priority[orders],
        order_line_start=start,
        line_product=problem.line_product[lines],
        line_quantity=problem.line_quantity[lines],
        lateness=LatenessLanes(problem.lateness.lane_logit, problem.lateness.order_logit[orders]),
    )


def joined(first: RoutingProblem, second: RoutingProblem) -> RoutingProblem:
    """The orders of both over the network of the first."""
    assert isinstance(first.lateness, LatenessLanes)
    assert isinstance(second.lateness, LatenessLanes)
    return replace(
        first,
        order_region=np.concatenate((first.order_region, second.order_region)),
        order_priority=np.concatenate((first.order_priority, second.order_priority)),
        order_line_start=np.concatenate((first.order_line_start, second.order_line_start[1:] + first.lines)),
        line_product=np.concatenate((first.line_product, second.line_product)),
        line_quantity=np.concatenate((first.line_quantity, second.line_quantity)),
        lateness=LatenessLanes(
            first.lateness.lane_logit, np.concatenate((first.lateness.order_logit, second.lateness.order_logit))
        ),
    )


def request(problem: RoutingProblem, order: int, late: NDArray[np.float64]) -> OrderRequest:
    """One order of a problem as a request."""
    own = slice(problem.order_line_start[order], problem.order_line_start[order + 1])
    return OrderRequest(
        int(problem.order_region[order]),
        tuple(problem.line_product[own].tolist()),
        tuple(problem.line_quantity[own].tolist()),
        late,
        float(problem.order_priority[order]),
    )


def foreseen_prices(
    day: Day, left: RoutingProblem, hour: int, parameters: RoutingParameters, last: Prices | None
) -> Prices:
    """Prices of what is left: the mean over past days of solving the open orders of `left` and that day from `hour` on.

    A mean of prices over days knows how much demand scatters; prices of the mean day do not.
    """
    found = []
    for past in range(day.days):
        own = slice(past * day.today.orders, (past + 1) * day.today.orders)
        rest = np.arange(own.start, own.stop)[day.history_hour[own] >= hour]
        batch = joined(left, subset(day.history, rest))
        found.append(solve_batch(batch, replace(parameters, search_sweeps=0), last).prices)
    stock = np.mean([prices.stock for prices in found], axis=0)
    return replace(found[0], stock=stock, node=np.mean([prices.node for prices in found], axis=0))


def at_once(day: Day, parameters: RoutingParameters, reaction: float, *, priced: bool) -> Evaluation:
    """Each order is committed on arrival; with `priced` by prices that are re-solved every hour from past days."""
    today = day.today
    empty = np.zeros(0)
    prices = Prices(np.zeros(0, np.int32), np.zeros(0, np.int32), empty, np.zeros(today.shape[0]), empty)
    router = Router(today, prices, parameters, reaction)
    node = np.full(today.lines, -1, np.int32)
    service = np.full(today.lines, -1, np.int8)
    late = today.lateness.of(np.arange(today.orders), today.order_region)
    nobody = subset(today, np.zeros(0, np.int64))
    for hour in range(HOURS):
        if priced:
            left = replace(nobody, cell_on_hand=router.stock.copy(), node_capacity=router.capacity_left)
            prices = foreseen_prices(day, left, hour, parameters, prices)
            router.refresh(prices)
        for order in np.flatnonzero(day.hour == hour):
            answer = router.route_one(request(today, int(order), late[order]))
            own = slice(today.order_line_start[order], today.order_line_start[order + 1])
            node[own], service[own] = answer.nodes, answer.services
    return evaluate(today, parameters, np.ones(today.orders, bool), node, service)


def with_window(day: Day, parameters: RoutingParameters, window: int) -> Evaluation:
    """Orders stay re-assignable for `window` hours after they came; every hour all open ones are solved anew.

    What later orders will want enters as the foreseen price of stock (as a scarcity) and of parcels (on top of the
    lane).
    """
    today = day.today
    node = np.full(today.lines, -1, np.int32)
    service = np.full(today.lines, -1, np.int8)
    done = np.zeros(today.orders, bool)
    prices: Prices | None = None
    for hour in range(1, HOURS + 1):
        known = np.flatnonzero(~done & (day.hour < hour))
        spent = evaluate(today, parameters, done, node, service)
        left = replace(
            subset(today, known),
            cell_on_hand=today.cell_on_hand - spent.taken,
            node_capacity=today.node_capacity - spent.load,
        )
        due = known if hour == HOURS else known[day.hour[known] < hour - window]
        if not len(due):
            continue
        if hour < HOURS:
            prices = foreseen_prices(day, left, hour, parameters, prices)
            left = replace(left, cell_scarcity=prices.stock, ship_fixed=left.ship_fixed + prices.node[:, None, None])
        result = solve_batch(left, parameters)
        place = np.searchsorted(known, due)
        for order, at in zip(due, place, strict=True):
            own = slice(today.order_line_start[order], today.order_line_start[order + 1])
            found = slice(left.order_line_start[at], left.order_line_start[at + 1])
            node[own], service[own] = result.line_node[found], result.line_service[found]
        done[due] = True
    return evaluate(today, parameters, done, node, service)
