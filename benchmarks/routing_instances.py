"""Seeded routing instances, calibrated to a large appliance maker's day: 180,000 orders over 32,000 products.

Belongs here: the generator that the routing benchmark and its tests share. Does not belong here: the twin's network,
which lives in time and has its own.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.core.routing.problem import UNLIMITED, Fence, LatenessLanes, LatenessTable, RoutingProblem, stock_csr


@dataclass(frozen=True)
class InstanceSpec:
    """Size and tightness of an instance. `tightness` is total stock ÷ total demand, `slack` capacity ÷ parcels."""

    orders: int = 180_000
    products: int = 32_000
    nodes: int = 30
    regions: int = 31
    tightness: float = 1.08
    slack: float = 1.20
    seed: int = 7
    express: bool = True


def generate(spec: InstanceSpec) -> RoutingProblem:
    """One day of orders over a network with uneven demand, stock partly in the wrong places and Zipf products."""
    rng = np.random.default_rng(spec.seed)
    place, people = _places(rng, spec)
    home = rng.choice(spec.regions, spec.nodes, p=people)
    site = place[home] + rng.normal(0, 90, (spec.nodes, 2))
    km = np.hypot(*(site[:, None] - place[None]).transpose(2, 0, 1)) + 25.0
    region, priority, start, product, quantity, logit_of_order = _demand(rng, spec, people)
    kg = np.clip(rng.lognormal(1.3, 0.9, spec.products), 0.2, 60.0)

    cell_start, cell_node, on_hand = _stock(rng, spec, product, quantity, region, start, km, people)
    held = np.bincount(cell_node, weights=on_hand, minlength=spec.nodes)
    share = 0.75 * held / held.sum() + 0.25 / spec.nodes
    # About one order in eight is split, so a capacity of 1.12 parcels an order is just enough.
    capacity = np.ceil(1.12 * spec.slack * spec.orders * share).astype(np.int64)
    fixed, per_kg, logit = _lanes(rng, spec, km)
    return RoutingProblem(
        order_region=region,
        order_priority=priority,
        order_line_start=start,
        line_product=product,
        line_quantity=quantity,
        product_weight_kg=kg,
        product_cell_start=cell_start,
        cell_node=cell_node,
        cell_on_hand=on_hand,
        node_capacity=capacity,
        ship_fixed=fixed,
        ship_per_kg=per_kg,
        lateness=LatenessLanes(logit, logit_of_order),
        distance_km=km,
    )


def other_days(spec: InstanceSpec, today: RoutingProblem, days: int) -> RoutingProblem:
    """Orders of `days` other days drawn from the same demand, over the network of `today`."""
    _, people = _places(np.random.default_rng(spec.seed), spec)
    more = replace(spec, orders=spec.orders * days)
    region, priority, start, product, quantity, logit = _demand(np.random.default_rng([spec.seed, 1]), more, people)
    assert isinstance(today.lateness, LatenessLanes)
    return replace(
        today,
        order_region=region,
        order_priority=priority,
        order_line_start=start,
        line_product=product,
        line_quantity=quantity,
        lateness=LatenessLanes(today.lateness.lane_logit, logit),
    )


def _places(rng: np.random.Generator, spec: InstanceSpec) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Position of each region in km, and its share of the demand."""
    return rng.uniform(0, 1, (spec.regions, 2)) * (3000.0, 2200.0), rng.dirichlet(np.full(spec.regions, 2.0))


def _demand(rng: np.random.Generator, spec: InstanceSpec, people: NDArray[np.float64]) -> tuple[NDArray[Any], ...]:
    """Region, priority, line bounds, products, quantities and lateness offset of the orders of a day."""
    counts = rng.choice([1, 2, 3, 4, 5, 6], spec.orders, p=[0.62, 0.23, 0.09, 0.035, 0.015, 0.01])
    start = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    popular = (np.arange(1, spec.products + 1) + 20.0) ** -0.95
    product = rng.choice(spec.products, start[-1], p=popular / popular.sum()).astype(np.int32)
    quantity = rng.choice([1, 2, 3, 4], start[-1], p=[0.90, 0.07, 0.02, 0.01]).astype(np.int64)
    region = rng.choice(spec.regions, spec.orders, p=people).astype(np.int32)
    priority = rng.choice([1.0, 1.6, 3.0], spec.orders, p=[0.78, 0.16, 0.06])
    return region, priority, start, product, quantity, rng.normal(0.0, 0.5, spec.orders)


def _stock(
    rng: np.random.Generator,
    spec: InstanceSpec,
    product: NDArray[np.int32],
    quantity: NDArray[np.int64],
    region: NDArray[np.int32],
    start: NDArray[np.int64],
    km: NDArray[np.float64],
    people: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """Stock that sums to `tightness` × demand by product, half near the demand and half by habit of the product."""
    wanted = np.bincount(product, weights=quantity, minlength=spec.products)
    largest = np.zeros(spec.products, np.int64)
    np.maximum.at(largest, product, quantity)
    amount = np.ceil(spec.tightness * wanted + rng.poisson(1.0, spec.products)).astype(np.int64)
    near = (np.exp(-km / 400.0) * people[None]).sum(axis=1)
    near /= near.sum()
    spread = np.clip(3 + (spec.nodes - 3) * (wanted / (wanted + 40.0)), 3, spec.nodes).astype(int)
    products, nodes, units = [], [], []
    for p in np.flatnonzero(amount):
        chosen = rng.choice(spec.nodes, min(spec.nodes, spread[p]), replace=False, p=0.5 * near + 0.5 / spec.nodes)
        share = 0.5 * near[chosen] / near[chosen].sum() + 0.5 * rng.dirichlet(np.ones(len(chosen)))
        drawn = rng.multinomial(amount[p], share / share.sum())
        # Some node holds enough for the largest line, or the instance would be about lines that nobody can fill.
        drawn[0] = max(drawn[0], largest[p])
        products.append(np.full(len(chosen), p))
        nodes.append(chosen)
        units.append(drawn)
    cell_start, cell_node, (on_hand,) = stock_csr(
        np.concatenate(products), np.concatenate(nodes), spec.products, spec.nodes, np.concatenate(units)
    )
    return cell_start, cell_node, on_hand


def _lanes(
    rng: np.random.Generator, spec: InstanceSpec, km: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Prices and lateness of ground and express; nodes differ in how reliably they ship."""
    noise = rng.lognormal(0.0, 0.08, km.shape)
    ground = (5.0 + 0.0030 * km) * noise
    per_kg = (0.35 + 0.00055 * km) * noise
    node_logit = rng.normal(0.0, 0.45, (spec.nodes, 1))
    lane_logit = -2.8 + 0.00105 * km + node_logit + rng.normal(0.0, 0.25, km.shape)
    if not spec.express:
        return ground[..., None], per_kg[..., None], lane_logit[..., None]
    fixed = np.stack((ground, 1.55 * ground + 2.0), axis=-1)
    kilo = np.stack((per_kg, 1.7 * per_kg), axis=-1)
    logit = np.stack((lane_logit, -4.0 + 0.00035 * km + 0.5 * node_logit), axis=-1)
    return fixed, kilo, logit


def small(seed: int, orders: int | None = None) -> RoutingProblem:
    """A small random instance of any shape: ties, missing lanes, fences, priorities, scarcity and relief."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 60)) if orders is None else orders
    nodes, regions, services = int(rng.integers(1, 7)), int(rng.integers(1, 5)), int(rng.integers(1, 3))
    products = int(rng.integers(1, max(2, count // 2 + 2)))
    lines = np.minimum(rng.choice([1, 2, 3, 4], count, p=[0.5, 0.3, 0.15, 0.05]), products)
    start = np.concatenate(([0], np.cumsum(lines))).astype(np.int64)
    product = np.concatenate([rng.choice(products, k, replace=False) for k in lines]).astype(np.int32)
    quantity = rng.choice([1, 2, 3], len(product), p=[0.8, 0.15, 0.05]).astype(np.int64)
    wanted = np.bincount(product, weights=quantity, minlength=products)
    cells = rng.random((products, nodes)) < rng.uniform(0.4, 1.0)
    stock = rng.poisson(np.maximum(wanted, 1.0)[:, None] * rng.uniform(0.5, 1.6) / nodes, cells.shape)
    at_product, at_node = np.nonzero(cells)
    cell_start, cell_node, (on_hand,) = stock_csr(at_product, at_node, products, nodes, stock[cells])
    whole_prices = rng.random() < 0.3
    fixed = rng.uniform(3, 12, (nodes, regions, services)) + 3.0 * np.arange(services)
    if whole_prices:
        fixed = np.full_like(fixed, 6.0) if rng.random() < 0.5 else np.round(fixed)
    fixed[rng.random(fixed.shape) < 0.05] = np.nan
    capacity = np.ceil(count * rng.uniform(0.5, 2.5) * rng.dirichlet(np.ones(nodes) * 3)).astype(np.int64)
    fences = (
        Fence("region", rng.random((regions, nodes)) < 0.08, over="regions"),
        Fence("carrier", rng.random((count, nodes)) < 0.05, over="orders"),
    )
    extras = rng.random() < 0.4
    return RoutingProblem(
        order_region=rng.integers(0, regions, count).astype(np.int32),
        order_priority=rng.choice([0.0, 1.0, 2.0], count, p=[0.05, 0.75, 0.2]),
        order_line_start=start,
        line_product=product,
        line_quantity=quantity,
        product_weight_kg=rng.uniform(0.1, 5.0, products),
        product_cell_start=cell_start,
        cell_node=cell_node,
        cell_on_hand=on_hand,
        node_capacity=np.full(nodes, UNLIMITED, np.int64) if rng.random() < 0.2 else capacity,
        ship_fixed=fixed,
        ship_per_kg=np.zeros(fixed.shape) if whole_prices else np.asarray(rng.uniform(0.1, 1.0, fixed.shape)),
        lateness=LatenessTable(
            np.zeros((count, nodes, services)) if whole_prices else rng.uniform(0, 0.6, (count, nodes, services))
        ),
        fences=fences,
        cell_scarcity=rng.uniform(0, 2, len(on_hand)) if extras else None,
        cell_relief=rng.uniform(0, 1.5, len(on_hand)) if extras else None,
    )
