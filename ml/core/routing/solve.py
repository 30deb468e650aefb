"""The facade of the batch solver: screen, optimise in passes, evaluate, give reasons.

Belongs here: `solve_batch`. Does not belong here: the optimisation itself (`engine`), single orders in real time
(`realtime`), the cost of fairness as a curve (`tradeoff`).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.core.routing.costs import fenced, lanes_of
from ml.core.routing.engine import Engine, target_of
from ml.core.routing.evaluate import Evaluation, evaluate, region_report
from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.problem import UNLIMITED, LatenessTable, RoutingProblem
from ml.core.routing.reasons import unfilled_reasons
from ml.core.routing.regional import RegionalOutcome, run_with_regions
from ml.core.routing.result import PassReport, Prices, RoutingResult, cell_products
from ml.core.routing.screen import Demand, demand_of, screen


@dataclass
class _Answer:
    """Nodes and services of the problem's lines while passes change them."""

    node: NDArray[np.int32]
    service: NDArray[np.int8]


def solve_batch(
    problem: RoutingProblem, parameters: RoutingParameters | None = None, warm_start: Prices | None = None
) -> RoutingResult:
    """Choose node and service of every line of a batch, with a proven lower bound on what any choice must cost.

    Never oversells a cell and never exceeds a capacity. Faults in single orders become reasons, never exceptions.

    Args:
        problem: the batch.
        parameters: weights and limits; defaults when None.
        warm_start: prices of an earlier result; they save rounds and never change validity.
    """
    parameters = parameters or RoutingParameters()
    clock = _Clock(parameters.time_limit)
    excluded = screen(problem)
    counted = excluded == ""
    demand = demand_of(problem, parameters, counted)
    clock.lap("screen")
    outcome = run_with_regions(problem, parameters, demand, warm_start, clock.out, clock.lap)
    answer = _Answer(np.full(problem.lines, -1, np.int32), np.full(problem.lines, -1, np.int8))
    _write(answer, problem, demand, outcome.engine)
    first = evaluate(problem, parameters, counted, answer.node, answer.service)
    passes = [PassReport("all fences", int(counted.sum()), first.objective, outcome.bound)]
    final, dropped = _without_soft_fences(problem, parameters, counted, answer, first, passes, clock.out)
    clock.lap("evaluate")
    return _result(problem, parameters, excluded, answer, final, passes, dropped, outcome, clock)


class _Clock:
    """Wall time by stage, and whether the limit has passed."""

    def __init__(self, limit: float | None) -> None:
        self.begin = self.last = time.perf_counter()
        self.cpu = time.process_time()
        self.deadline = None if limit is None else self.begin + limit
        self.stopped = False
        self.seconds: dict[str, float] = {}

    def out(self) -> bool:
        if self.deadline is not None and time.perf_counter() > self.deadline:
            self.stopped = True
        return self.stopped

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self.last
        self.last = now


def _write(answer: _Answer, problem: RoutingProblem, demand: Demand, engine: Engine) -> None:
    """Copy the engine's assignment of its lines into the answer."""
    source = np.flatnonzero(demand.source_line >= 0)
    merged = demand.source_line[source]
    cell = engine.state.line_cell[merged]
    shipped = cell >= 0
    answer.node[source] = (
        np.where(shipped, problem.cell_node[np.maximum(cell, 0)], -1) if len(problem.cell_node) else -1
    )
    answer.service[source] = np.where(shipped, engine.state.line_service[merged], -1)


def _without_soft_fences(
    problem: RoutingProblem,
    parameters: RoutingParameters,
    counted: NDArray[np.bool_],
    answer: _Answer,
    first: Evaluation,
    passes: list[PassReport],
    out_of_time: Callable[[], bool],
) -> tuple[Evaluation, NDArray[np.bool_]]:
    """Second pass: orders left short are routed anew without soft fences, on what is left and what they had."""
    dropped = np.zeros(problem.orders, bool)
    line_order = np.repeat(np.arange(problem.orders), np.diff(problem.order_line_start))
    short = np.zeros(problem.orders, bool)
    short[line_order[(answer.node < 0) & counted[line_order]]] = True
    orders = np.flatnonzero(short)
    every, hard = fenced(problem, orders, soft=True), fenced(problem, orders, soft=False)
    if every is None or not len(orders):
        return first, dropped
    gains = (every & ~(np.zeros_like(every) if hard is None else hard)).any(axis=1)
    short[orders[~gains]] = False
    if not short.any():
        return first, dropped
    demand = demand_of(problem, parameters, short)
    own = short[line_order] & (answer.node >= 0)
    kept = _Answer(np.where(own, -1, answer.node), np.where(own, -1, answer.service).astype(np.int8))
    before = evaluate(problem, parameters, counted, kept.node, kept.service)
    capacity = np.maximum(problem.node_capacity - before.load, 0)
    target = np.clip(target_of(problem.node_capacity, parameters) - before.load, 0, capacity)
    engine = Engine(
        problem, parameters, demand, lanes_of(problem, parameters), problem.available() - before.taken, capacity,
        target, np.zeros(problem.shape[1]), soft=False,
    )  # fmt: skip
    point = engine.raise_bound(parameters.dual_rounds, None, 0.0, out_of_time)
    engine.construct()
    engine.improve(parameters.search_sweeps, out_of_time)
    _write(kept, problem, demand, engine)
    second = evaluate(problem, parameters, counted, kept.node, kept.service)
    if second.objective >= first.objective:
        return first, dropped
    answer.node, answer.service = kept.node, kept.service
    passes.append(PassReport("soft fences dropped", len(demand.order), engine.total(), point.bound))
    shipped = np.flatnonzero(short[line_order] & (kept.node >= 0))
    row = np.searchsorted(orders, line_order[shipped])
    behind = every[row, kept.node[shipped]]
    dropped[line_order[shipped[behind]]] = True
    return second, dropped


def _result(
    problem: RoutingProblem,
    parameters: RoutingParameters,
    excluded: NDArray[np.str_],
    answer: _Answer,
    final: Evaluation,
    passes: list[PassReport],
    dropped: NDArray[np.bool_],
    outcome: RegionalOutcome,
    clock: _Clock,
) -> RoutingResult:
    counted = excluded == ""
    stock_left = problem.available() - final.taken
    capacity_left = np.maximum(problem.node_capacity, 0) - final.load
    line_reason, status, reason = verdicts(
        problem, excluded, answer.node, stock_left, capacity_left, soft=len(passes) == 1
    )
    point = outcome.engine.point
    assert point is not None
    prices = Prices(cell_products(problem), problem.cell_node, point.stock, point.node, outcome.price)
    clock.lap("report")
    seconds = {**clock.seconds, "total": time.perf_counter() - clock.begin}
    status_code = outcome.status if outcome.status != "finished" else "time_limit" if clock.stopped else "finished"
    return RoutingResult(
        status=status_code,
        objective=final.objective,
        components=final.components,
        lower_bound=outcome.bound + final.objective - passes[0].objective,
        passes=tuple(passes),
        prices=prices,
        line_node=answer.node,
        line_service=answer.service,
        line_reason=line_reason,
        order_status=status,
        order_reason=reason,
        order_on_time=final.order_on_time,
        order_cost=final.order_cost,
        order_parcels=final.order_parcels,
        soft_dropped=dropped,
        stock_left=stock_left,
        capacity_left=capacity_left,
        regions=region_report(problem, final, counted, outcome.floor, outcome.ceiling),
        notes=_notes(problem),
        seconds=seconds,
        cpu_seconds=time.process_time() - clock.cpu,
        parameters=parameters,
    )


def verdicts(
    problem: RoutingProblem,
    excluded: NDArray[np.str_],
    node: NDArray[np.int32],
    stock_left: NDArray[np.int64],
    capacity_left: NDArray[np.int64],
    *,
    soft: bool,
) -> tuple[NDArray[np.str_], NDArray[np.str_], NDArray[np.str_]]:
    """Reason by line, status by order, reason by order."""
    line_order = np.repeat(np.arange(problem.orders), np.diff(problem.order_line_start))
    line_reason = np.where(excluded[line_order] == "", "", excluded[line_order]).astype("<U32")
    open_lines = np.flatnonzero((node < 0) & (line_reason == ""))
    line_reason[open_lines] = unfilled_reasons(problem, open_lines, stock_left, capacity_left, soft=soft)
    lines = np.diff(problem.order_line_start)
    filled = np.bincount(line_order[node >= 0], minlength=problem.orders)
    status = np.select(
        [excluded != "", filled == lines, filled > 0], ["excluded", "filled", "partial"], default="unfilled"
    ).astype("<U8")
    reason = excluded.astype("<U32")
    # Backwards, so that the first unfilled line of an order has the last word.
    reason[line_order[open_lines[::-1]]] = line_reason[open_lines[::-1]]
    return line_reason, status, reason


def _notes(problem: RoutingProblem) -> dict[str, int]:
    """Counts of faulty input that was set aside."""
    with np.errstate(invalid="ignore"):
        priced = np.isfinite(problem.ship_fixed) & (problem.ship_fixed >= 0)
        priced &= np.isfinite(problem.ship_per_kg) & (problem.ship_per_kg >= 0)
    held = 0 if problem.cell_reserved is None else problem.cell_reserved
    late = problem.lateness.probability if isinstance(problem.lateness, LatenessTable) else problem.lateness.lane_logit
    notes = {
        "closed_lanes": int((~priced).sum()),
        "cells_below_zero": int((problem.cell_on_hand < 0).sum()),
        "cells_oversold": int((problem.cell_on_hand < held).sum()),
        "nodes_without_capacity": int((problem.node_capacity <= 0).sum()),
        "unlimited_nodes": int((problem.node_capacity >= UNLIMITED).sum()),
        "missing_probabilities": int(np.isnan(late).sum()),
    }
    return {name: count for name, count in notes.items() if count}
