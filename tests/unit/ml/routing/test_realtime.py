"""Single orders: chosen by price, never oversold, faults named."""

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.problem import RoutingProblem
from ml.core.routing.realtime import OrderRequest, Router
from ml.core.routing.result import Prices
from ml.core.routing.solve import solve_batch

Build = Callable[..., RoutingProblem]
NEAR = np.array([[0.1, 0.05], [0.5, 0.05]])


def no_prices(problem: RoutingProblem) -> Prices:
    empty = np.zeros(0)
    return Prices(np.zeros(0, np.int32), np.zeros(0, np.int32), empty, np.zeros(problem.shape[0]), empty)


def test_the_cheapest_node_wins_until_its_stock_is_gone(two_nodes: Build) -> None:
    problem = two_nodes([], cell_on_hand=np.array([1, 1, 0, 0]))
    router = Router(problem, no_prices(problem))
    order = OrderRequest(0, (0,), (1,), NEAR)
    first, second, third = (router.route_one(order) for _ in range(3))
    assert (first.nodes, second.nodes, third.nodes) == ((0,), (1,), (-1,))
    # Near by ground: 4 + 10 × 0.1. Far by express: 11 + 10 × 0.05 = 11.5, under 8 + 10 × 0.5 = 13 by ground.
    assert first.cost == pytest.approx(5.0)
    assert second.cost == pytest.approx(11.5)
    assert first.on_time == pytest.approx(0.9)
    assert second.services == (1,)
    assert third.status == "unfilled"
    assert third.reason == "no_node_now"
    assert router.stock.tolist() == [0, 0, 0, 0]
    assert router.capacity_left.tolist() == [99, 99]


def test_prices_keep_the_last_unit_for_the_order_that_needs_it(two_nodes: Build) -> None:
    problem = two_nodes([(0, [(0, 1)]), (0, [(0, 1)])], cell_on_hand=np.array([1, 1, 0, 0]))
    batch = solve_batch(two_nodes([(0, [(0, 1)])] * 4, cell_on_hand=np.array([1, 100, 0, 0])))
    assert batch.prices.stock[0] > 0
    # A region-0 order that could as well go far keeps off the priced unit when the price is above its saving.
    dear = Prices(batch.prices.product, batch.prices.cell_node, batch.prices.stock * 10, batch.prices.node,
                  batch.prices.region)  # fmt: skip
    assert Router(problem, dear).route_one(OrderRequest(0, (0,), (1,), NEAR)).nodes == (1,)


def test_a_router_goes_on_where_the_batch_ended(two_nodes: Build) -> None:
    problem = two_nodes([(0, [(0, 1)])] * 5)
    result = solve_batch(problem)
    router = Router.after(problem, result)
    assert router.stock.tolist() == result.stock_left.tolist() == [0, 5, 5, 5]
    assert router.capacity_left.tolist() == [95, 100]
    assert router.route_one(OrderRequest(0, (0,), (1,), NEAR)).nodes == (1,)
    router.set_stock(0, 0, 2)
    assert router.route_one(OrderRequest(0, (0,), (1,), NEAR)).nodes == (0,)
    with pytest.raises(ValueError, match="0 or more"):
        router.set_stock(0, 0, -1)
    with pytest.raises(ValueError, match="no stock record"):
        router.set_stock(9, 0, 1)


def test_reaction_lifts_the_price_of_what_sells(two_nodes: Build) -> None:
    problem = two_nodes([], cell_on_hand=np.array([3, 3, 0, 0]))
    start = Prices(np.zeros(2, np.int32), np.array([0, 1], np.int32), np.array([4.0, 0.0]), np.zeros(2), np.zeros(2))
    order = OrderRequest(0, (0,), (1,), NEAR)
    still = [Router(problem, start).route_one(order).nodes for _ in range(1)]
    router = Router(problem, start, reaction=1.0)
    moved = [router.route_one(order).nodes[0] for _ in range(3)]
    # Price 4 → 4 × 4/3 → 5.33 × 3/2 = 8, which is over the 6.5 that node 0 saves.
    assert still == [(0,)]
    assert moved == [0, 0, 1]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"region": 9}, "unknown_region"),
        ({"products": (7,)}, "unknown_product"),
        ({"quantities": (0,)}, "bad_quantity"),
        ({"products": (), "quantities": ()}, "no_lines"),
        ({"priority": float("nan")}, "bad_priority"),
        ({"late_probability": np.full((2, 2), np.nan)}, "bad_probability"),
        ({"late_probability": np.zeros((3, 2))}, "bad_probability"),
    ],
)
def test_faulty_orders_are_named_and_take_nothing(two_nodes: Build, changes: dict[str, object], reason: str) -> None:
    problem = two_nodes([])
    router = Router(problem, no_prices(problem))
    values = {"region": 0, "products": (0,), "quantities": (1,), "late_probability": NEAR, **changes}
    answer = router.route_one(OrderRequest(**values))  # type: ignore[arg-type]
    assert (answer.status, answer.reason) == ("excluded", reason)
    assert router.stock.sum() == 20


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), exact=st.sampled_from([1, 6]))
def test_never_oversells_nor_exceeds_capacity(instances: ModuleType, seed: int, exact: int) -> None:
    problem = instances.small(seed)
    router = Router(problem, no_prices(problem), RoutingParameters(exact_lines=exact))
    before, room = router.stock.copy(), router.capacity_left.copy()
    sold, parcels = 0, 0
    late = problem.lateness.of(np.arange(problem.orders), problem.order_region)
    for order in range(problem.orders):
        own = slice(problem.order_line_start[order], problem.order_line_start[order + 1])
        products, quantities = problem.line_product[own].tolist(), problem.line_quantity[own].tolist()
        answer = router.route_one(
            OrderRequest(int(problem.order_region[order]), tuple(products), tuple(quantities), late[order])
        )
        sold += sum(q for q, node in zip(quantities, answer.nodes, strict=True) if node >= 0)
        parcels += len(set(answer.nodes) - {-1})
        assert (router.stock >= 0).all()
        assert (router.capacity_left >= 0).all()
    assert before.sum() - router.stock.sum() == sold
    assert room.sum() - router.capacity_left.sum() == parcels


def test_one_order_costs_what_the_batch_says(instances: ModuleType) -> None:
    for seed in range(15):
        problem = instances.small(seed, orders=1)
        batch = solve_batch(problem)
        lines = slice(0, problem.lines)
        late = problem.lateness.of(np.array([0]), problem.order_region)[0]
        blocked = np.any([f.blocked[0] for f in problem.fences if f.over == "orders"], axis=0)
        answer = Router(problem, no_prices(problem)).route_one(
            OrderRequest(
                int(problem.order_region[0]),
                tuple(problem.line_product[lines].tolist()),
                tuple(problem.line_quantity[lines].tolist()),
                late,
                float(problem.order_priority[0]),
                blocked,
            )
        )
        assert answer.cost == pytest.approx(batch.objective, rel=1e-6, abs=1e-6), f"seed {seed}"
