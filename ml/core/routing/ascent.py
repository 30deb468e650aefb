"""Dual ascent: prices of scarce stock and of node capacity, and the lower bound that they prove.

Belongs here: the ascent and the value of prices. Does not belong here: building an assignment (`kernels`, `solve`).

With prices fixed every order is priced on its own and exactly, so the sum of the minima minus what the prices earn on
stock and capacity bounds the cost of every possible assignment from below (Lagrangian duality; Geoffrion 1974).
Prices move along averaged subgradients with a falling step for each price of its own.
"""

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.core.routing.kernels import ONE, State, price_units
from ml.core.routing.tables import Tables


@dataclass(frozen=True)
class DualPoint:
    """Prices and what they prove. `value` (units,) is each unit's priced minimum; `bound` is in money."""

    stock: NDArray[np.float64]
    node: NDArray[np.float64]
    value: NDArray[np.float64]
    bound: float


class Dual:
    """The dual function of one batch, evaluated in parallel with sums that do not depend on the number of threads."""

    def __init__(self, tables: Tables, state: State, constant: float, threads: int) -> None:
        units = len(tables.order)
        self.tables, self.state, self.constant, self.threads = tables, state, constant, threads
        self.stock = state.stock.astype(np.float64)
        self._value = np.zeros(units)
        self._line_cell = np.zeros(len(tables.quantity), np.int32)
        self._nodes = len(state.capacity)
        edges = np.linspace(0, units, 8 * threads + 1).astype(int)
        self._spans = [(int(a), int(b)) for a, b in itertools.pairwise(edges) if b > a]
        wished = np.bincount(
            np.maximum(tables.cell, 0), weights=_line_of_cell(tables) * (tables.cell >= 0), minlength=len(self.stock)
        )
        #: Cells that could run short if every order that can use them did; no other carries a price.
        self.scarce = np.flatnonzero(wished > self.stock)
        self.wished = wished[self.scarce]

    def evaluate(
        self, stock: NDArray[np.float64], node: NDArray[np.float64], pool: ThreadPoolExecutor
    ) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
        """Bound in money, and by how much each scarce cell and each node is over-used at these prices."""
        loads = [np.zeros(self._nodes, np.int64) for _ in self._spans]

        def run(index: int) -> None:
            first, last = self._spans[index]
            price_units(first, last, self.tables, self.state, stock, node, self._value, self._line_cell, loads[index])

        list(pool.map(run, range(len(self._spans))))
        used = self._line_cell >= 0
        taken = np.bincount(
            self._line_cell[used], weights=self.tables.quantity[used].astype(np.float64), minlength=len(stock)
        )
        s = self.state
        load = np.sum(loads, axis=0) / ONE if loads else np.zeros(self._nodes)
        room = (s.capacity - s.target).astype(np.float64)
        over = np.maximum(node - s.balance, 0.0)
        # Products summed by numpy itself: BLAS would split a dot product by its own threads and change its rounding.
        earned = float((stock * self.stock).sum() + (node * s.target).sum() + (over * room).sum())
        bound = float(self._value.sum()) - earned + self.constant
        # Rounding must never lift the bound over the optimum: take off what float sums of this size can be wrong by.
        guard = 1e-12 * (float(np.abs(self._value).sum()) + earned + abs(self.constant))
        excess = load - s.target - np.where(node > s.balance, room, 0.0)
        return bound - guard, (taken - self.stock)[self.scarce], excess

    def point(self, stock: NDArray[np.float64], node: NDArray[np.float64], pool: ThreadPoolExecutor) -> DualPoint:
        """The prices with their bound and unit values."""
        bound, _, _ = self.evaluate(stock, node, pool)
        return DualPoint(stock.copy(), node.copy(), self._value.copy(), bound)


def _line_of_cell(tables: Tables) -> NDArray[np.float64]:
    """Quantity of the line that each entry of `tables.cell` belongs to."""
    lines = np.diff(tables.line)
    candidates = np.diff(tables.cand)
    unit = np.repeat(np.arange(len(lines)), candidates * lines)
    within = np.arange(len(tables.cell)) - tables.cells[unit]
    return tables.quantity[tables.line[unit] + within % np.maximum(lines[unit], 1)].astype(np.float64)


def ascend(
    dual: Dual,
    rounds: int,
    start: tuple[NDArray[np.float64], NDArray[np.float64]] | None,
    step: float,
    out_of_time: Callable[[], bool],
) -> DualPoint:
    """Raise the bound for `rounds` rounds from `start` (zero prices when None) and give the best point met.

    Args:
        dual: the dual function.
        rounds: number of price updates.
        start: stock prices by cell and node prices to begin from; values of cells that cannot run short are dropped.
        step: money by which a fully over-used price rises in the first round.
        out_of_time: asked before every round; the first evaluation is always made.
    """
    stock, node = np.zeros(len(dual.stock)), np.zeros(len(dual.state.capacity))
    if start is not None:
        stock[dual.scarce] = np.maximum(start[0][dual.scarce], 0.0)
        node = np.maximum(start[1], 0.0)
    limited = dual.state.capacity < dual.state.load.dtype.type(2**31 - 1)
    node[~limited] = 0.0
    scale = np.maximum(np.minimum(dual.wished, 2.0 * dual.stock[dual.scarce] + 1.0), 1.0)
    room = np.maximum(dual.state.capacity.astype(np.float64), 1.0)
    price, drift = stock[dual.scarce].copy(), np.zeros(len(dual.scarce))
    node_drift = np.zeros(len(node))
    mean_price, mean_node, weight = price.copy(), node.copy(), 0.0
    with ThreadPoolExecutor(dual.threads) as pool:
        best = dual.point(stock, node, pool)
        for turn in range(rounds):
            if out_of_time():
                break
            stock[dual.scarce] = price
            bound, excess, node_excess = dual.evaluate(stock, node, pool)
            if bound > best.bound:
                best = DualPoint(stock.copy(), node.copy(), dual._value.copy(), bound)
            pace = step * (1.0 - turn / (rounds + 1.0)) ** 2 / (1.0 + 0.05 * turn)
            drift = 0.6 * drift + 0.4 * np.clip(excess / scale, -1.0, 1.0)
            price = np.maximum(price + pace * drift, 0.0)
            node_drift = 0.6 * node_drift + 0.4 * np.clip(3.0 * node_excess / room, -1.0, 1.0)
            node = np.where(limited, np.maximum(node + pace * node_drift, 0.0), 0.0)
            if turn >= rounds // 2:
                weight += 1.0
                mean_price += (price - mean_price) / weight
                mean_node += (node - mean_node) / weight
        for candidate, prices in ((price, node), (mean_price, mean_node)):
            stock[dual.scarce] = candidate
            last = dual.point(stock, prices, pool)
            if last.bound > best.bound:
                best = last
    return best
