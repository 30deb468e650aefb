"""The instances and the exact referee of the routing benchmark, for the tests as well."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from ml.core.routing.problem import Fence, LatenessTable, RoutingProblem, stock_csr

BENCHMARKS = Path(__file__).parents[4] / "benchmarks"


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up while it is being made.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def instances() -> ModuleType:
    return _load("routing_instances")


@pytest.fixture(scope="session")
def referee() -> ModuleType:
    return _load("routing_referee")


@pytest.fixture
def two_nodes() -> Callable[..., RoutingProblem]:
    """Builds a problem by hand: nodes 0 and 1, regions 0 and 1, services 0 (ground) and 1 (express), products 0 and 1.

    Ground costs 4 to the node's own region and 8 to the other, express 3 more; weight is free. P(late) is 0.1 near,
    0.5 far, and 0.05 by express. Each node holds 5 of each product.
    """

    def build(orders: list[tuple[int, list[tuple[int, int]]]], **changes: object) -> RoutingProblem:
        fixed = np.array([[[4.0, 7.0], [8.0, 11.0]], [[8.0, 11.0], [4.0, 7.0]]])
        near = np.array([[[0.1, 0.05], [0.5, 0.05]], [[0.5, 0.05], [0.1, 0.05]]])
        region = np.array([region for region, _ in orders], np.int32)
        lines = [line for _, own in orders for line in own]
        start, node, (on_hand,) = stock_csr([0, 0, 1, 1], [0, 1, 0, 1], 2, 2, [5, 5, 5, 5])
        values: dict[str, object] = {
            "order_region": region,
            "order_priority": np.ones(len(orders)),
            "order_line_start": np.cumsum([0, *(len(own) for _, own in orders)]).astype(np.int64),
            "line_product": np.array([product for product, _ in lines], np.int32),
            "line_quantity": np.array([quantity for _, quantity in lines], np.int64),
            "product_weight_kg": np.ones(2),
            "product_cell_start": start,
            "cell_node": node,
            "cell_on_hand": on_hand,
            "node_capacity": np.array([100, 100], np.int64),
            "ship_fixed": fixed,
            "ship_per_kg": np.zeros_like(fixed),
            "lateness": LatenessTable(np.moveaxis(near, 1, 0)[np.clip(region, 0, 1)]),
        }
        return RoutingProblem(**{**values, **changes})  # type: ignore[arg-type]

    return build


def fence(name: str, blocked: list[bool], *, hard: bool = True) -> Fence:
    """A fence over nodes."""
    return Fence(name, np.array(blocked), "nodes", hard)
