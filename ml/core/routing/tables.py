"""Cost tables: for each order and node that could serve it, the money of shipping each subset of its lines from there.

Belongs here: `Tables`, their building, compiled. Does not belong here: choosing from them (`kernels`). The best
service of a (node, subset) does not depend on prices of stock or capacity, so it is settled here once.
"""

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ml.core.routing.costs import Lanes
from ml.core.routing.screen import Demand

CHUNK = 8_192


class Tables(NamedTuple):
    """Flat tables of all units. A unit is a whole order, or a piece of an order that has too many lines.

    Unit u has lines `line[u]:line[u+1]`, k of them, and candidates `cand[u]:cand[u+1]`. Candidate number j of the
    unit is node `node[cand[u]+j]`; its stock cell for line i is `cell[cells[u]+j·k+i]` (−1: none); shipping the
    subset `mask` costs `cost[costs[u]+j·(2^k−1)+mask−1]` by the service in `service` at the same place. Costs are
    rounded down to single
    precision: half the memory to stream, and a bound computed from them stays below the true one.
    """

    order: NDArray[np.int64]
    share: NDArray[np.float64]
    line: NDArray[np.int64]
    cand: NDArray[np.int64]
    cells: NDArray[np.int64]
    costs: NDArray[np.int64]
    node: NDArray[np.int32]
    cell: NDArray[np.int32]
    cost: NDArray[np.float32]
    service: NDArray[np.int8]
    quantity: NDArray[np.int64]
    unfilled: NDArray[np.float64]
    line_unit: NDArray[np.int32]
    split: float


def units_of(demand: Demand, exact: int) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Order, share and line bounds of each unit when orders of up to `exact` lines stay whole."""
    counts = np.diff(demand.line_start)
    pieces = -(-counts // exact)
    order = np.repeat(np.arange(len(counts)), pieces)
    piece = np.arange(len(order)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    low = demand.line_start[order] + piece * counts[order] // pieces[order]
    bounds = np.concatenate((low, demand.line_start[-1:])).astype(np.int64)
    return order, np.diff(bounds) / np.maximum(counts[order], 1), bounds


def exact_that_fits(demand: Demand, cell_start: NDArray[np.int64], nodes: int, wanted: int, megabytes: float) -> int:
    """Largest number of lines, at most `wanted`, up to which tables of whole orders stay within `megabytes`."""
    reach = np.minimum(np.diff(cell_start)[demand.product], nodes).astype(np.float64)
    for exact in range(wanted, 1, -1):
        _, _, bounds = units_of(demand, exact)
        if len(bounds) < 2:
            return wanted
        lines = np.diff(bounds)
        candidates = np.minimum(np.add.reduceat(reach, bounds[:-1]), nodes)
        if float((candidates * (5.0 * (2.0**lines - 1) + 4 * lines + 4)).sum()) <= megabytes * 1e6:
            return exact
    return 1


def build(
    demand: Demand,
    lanes: Lanes,
    cell_start: NDArray[np.int64],
    cell_node: NDArray[np.int32],
    available: NDArray[np.int64],
    opening_of: Callable[[NDArray[np.int64]], NDArray[np.float64]],
    exact: int,
    split: float,
    threads: int,
) -> Tables:
    """Build the tables of a batch, in chunks of orders so that the dense opening costs never exist at once.

    Args:
        demand: the routable orders.
        lanes: weighted prices.
        cell_start: (P+1,) cells of each product.
        cell_node: (C,) node of each cell.
        available: (C,) units that may be taken.
        opening_of: gives the opening costs (n, nodes, services) of positions in `demand`.
        exact: orders up to this many lines stay whole.
        split: money of each parcel of an order after its first.
        threads: how many chunks are built at a time; the tables do not depend on it.
    """
    order, share, bounds = units_of(demand, exact)
    starts = np.searchsorted(order, np.arange(0, len(demand.order) + CHUNK, CHUNK))

    def chunk(first: int, last: int) -> tuple[NDArray[np.generic], ...]:
        low, high = order[first], order[last - 1] + 1
        open_cost = opening_of(np.arange(low, high))
        return fill_chunk(
            order[first:last] - low, share[first:last], bounds[first : last + 1], demand.region[low:high],
            demand.product, demand.quantity, demand.kg, cell_start, cell_node, available, lanes.unit,
            lanes.per_kg, open_cost,
        )  # fmt: skip

    spans = [(int(a), int(b)) for a, b in itertools.pairwise(starts) if b > a]
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(lambda span: chunk(*span), spans))
    candidates, node, cell, cost, service = (
        np.concatenate([part[i] for part in parts] or [np.zeros(0, kind)])
        for i, kind in enumerate((np.int64, np.int32, np.int32, np.float32, np.int8))
    )
    lines = np.diff(bounds)
    line_unit = np.repeat(np.arange(len(order), dtype=np.int32), lines)
    line_unit[share[line_unit] < 1.0] = -1
    return Tables(
        order=order,
        share=share,
        line=bounds,
        cand=_starts(candidates),
        cells=_starts(candidates * lines),
        costs=_starts(candidates * (2**lines - 1)),
        node=node,
        cell=cell,
        cost=cost,
        service=service,
        quantity=demand.quantity,
        unfilled=demand.unfilled,
        line_unit=line_unit,
        split=float(split),
    )


def _starts(counts: NDArray[np.integer]) -> NDArray[np.int64]:
    return np.concatenate(([0], np.cumsum(counts))).astype(np.int64)


@njit(nogil=True, cache=True)
def fill_chunk(  # type: ignore[no-untyped-def]
    order, share, line, region, product, quantity, kg, cell_start, cell_node, available, unit, per_kg, opening
):
    """Candidates and costs of the units of one chunk; two passes, the first counts."""
    nodes, services = opening.shape[1], opening.shape[2]
    units = len(order)
    usable = np.zeros((len(opening), nodes), np.bool_)
    for o in range(len(opening)):
        for n in range(nodes):
            for s in range(services):
                if opening[o, n, s] < np.inf:
                    usable[o, n] = True
    counts = np.zeros(units, np.int64)
    total_cells, total_costs = 0, 0
    seen = np.full(nodes, -1, np.int64)
    for u in range(units):
        k = line[u + 1] - line[u]
        for i in range(line[u], line[u + 1]):
            for c in range(cell_start[product[i]], cell_start[product[i] + 1]):
                n = cell_node[c]
                if available[c] >= quantity[i] and usable[order[u], n] and seen[n] != u:
                    seen[n] = u
                    counts[u] += 1
        total_cells += counts[u] * k
        total_costs += counts[u] * ((1 << k) - 1)
    node = np.empty(counts.sum(), np.int32)
    cell = np.full(total_cells, -1, np.int32)
    cost = np.empty(total_costs, np.float32)
    service = np.zeros(total_costs, np.int8)
    slot = np.full((nodes, 16), -1, np.int32)
    weight = np.zeros(512)
    extra = np.zeros(512)
    at_cand, at_cell, at_cost = 0, 0, 0
    for u in range(units):
        first = line[u]
        k = line[u + 1] - first
        full = (1 << k) - 1
        for i in range(k):
            p = product[first + i]
            for c in range(cell_start[p], cell_start[p + 1]):
                if available[c] >= quantity[first + i] and usable[order[u], cell_node[c]]:
                    slot[cell_node[c], i] = c
        if counts[u] == 0:
            continue
        for mask in range(1, full + 1):
            low = 0
            while not (mask >> low) & 1:
                low += 1
            weight[mask] = weight[mask & (mask - 1)] + kg[first + low]
        for n in range(nodes):
            present = 0
            for i in range(k):
                if slot[n, i] >= 0:
                    present |= 1 << i
                    cell[at_cell + i] = slot[n, i]
            if present == 0:
                continue
            node[at_cand] = n
            for mask in range(1, full + 1):
                if mask & ~present:
                    cost[at_cost] = np.inf
                    at_cost += 1
                    continue
                low = 0
                while not (mask >> low) & 1:
                    low += 1
                extra[mask] = extra[mask & (mask - 1)] + unit[slot[n, low]] * quantity[first + low]
                cheapest = np.inf
                for s in range(services):
                    price = share[u] * opening[order[u], n, s] + per_kg[region[order[u]], n, s] * weight[mask]
                    if price < cheapest:
                        cheapest = price
                        service[at_cost] = s
                rounded = np.float32(cheapest + extra[mask])
                if rounded > cheapest + extra[mask]:
                    rounded = np.nextafter(rounded, np.float32(-np.inf))
                cost[at_cost] = rounded
                at_cost += 1
            at_cand += 1
            at_cell += k
            for i in range(k):
                slot[n, i] = -1
    return counts, node, cell, cost, service
