"""The exact referee: order routing written as a mixed-integer program, line by line, for HiGHS and OR-tools.

Belongs here: a formulation that shares nothing with the solver but the problem's arrays. Does not belong here: the
solver.
"""

import datetime
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array

from ml.core.routing.costs import fenced, late_probability
from ml.core.routing.engine import target_of
from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.problem import UNLIMITED, RoutingProblem
from ml.core.routing.screen import demand_of, screen


@dataclass(frozen=True)
class Model:
    """min cost·x, low ≤ A x ≤ high, 0 ≤ x ≤ upper; `integer` marks whole variables."""

    cost: NDArray[np.float64]
    matrix: csr_array
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    upper: NDArray[np.float64]
    integer: NDArray[np.int64]


class _Rows:
    """Constraint rows in the making."""

    def __init__(self) -> None:
        self.row: list[int] = []
        self.col: list[int] = []
        self.value: list[float] = []
        self.low: list[float] = []
        self.high: list[float] = []

    def add(self, terms: list[tuple[int, float]], low: float, high: float) -> None:
        for col, value in terms:
            self.row.append(len(self.low))
            self.col.append(col)
            self.value.append(value)
        self.low.append(low)
        self.high.append(high)


def model_of(problem: RoutingProblem, parameters: RoutingParameters) -> Model:
    """The batch as a program: y (line in parcel), z (parcel), u (line unfilled), e (extra parcels), w (over target)."""
    demand = demand_of(problem, parameters, screen(problem) == "")
    nodes, _, services = problem.shape
    cost: list[float] = []
    upper: list[float] = []
    integer: list[int] = []
    rows = _Rows()
    by_cell: dict[int, list[tuple[int, float]]] = {}
    by_node: dict[int, list[tuple[int, float]]] = {}
    available = problem.available()
    late = late_probability(problem, demand.order)
    blocked = fenced(problem, demand.order, soft=True)

    def variable(price: float, most: float, whole: int) -> int:
        cost.append(price)
        upper.append(most)
        integer.append(whole)
        return len(cost) - 1

    for row in range(len(demand.order)):
        region = demand.region[row]
        parcels: dict[tuple[int, int], int] = {}
        for n in range(nodes):
            for s in range(services):
                fixed, rate = problem.ship_fixed[n, region, s], problem.ship_per_kg[n, region, s]
                shut = not (fixed >= 0 and rate >= 0) or problem.node_capacity[n] <= 0 or np.isnan(late[row, n, s])
                if shut or (blocked is not None and blocked[row, n]):
                    continue
                price = parameters.shipping_weight * fixed
                price += parameters.lateness_cost * demand.priority[row] * late[row, n, s]
                parcels[n, s] = variable(price, 1, 1)
                by_node.setdefault(n, []).append((parcels[n, s], 1.0))
        for n in {n for n, _ in parcels}:
            rows.add([(z, 1.0) for (m, _), z in parcels.items() if m == n], 0, 1)
        if parcels:
            extra = variable(parameters.split_cost, nodes, 0)
            rows.add([*((z, 1.0) for z in parcels.values()), (extra, -1.0)], -np.inf, 1)
        for line in range(demand.line_start[row], demand.line_start[row + 1]):
            chosen = [(variable(demand.unfilled[line], 1, 0), 1.0)]
            p, q = demand.product[line], demand.quantity[line]
            for c in range(problem.product_cell_start[p], problem.product_cell_start[p + 1]):
                n = int(problem.cell_node[c])
                if available[c] < q:
                    continue
                unit = 0.0
                if problem.cell_scarcity is not None:
                    unit += parameters.scarcity_weight * problem.cell_scarcity[c]
                if problem.cell_relief is not None:
                    unit -= parameters.relief_weight * problem.cell_relief[c]
                for s in range(services):
                    if (n, s) not in parcels:
                        continue
                    price = parameters.shipping_weight * problem.ship_per_kg[n, region, s] * demand.kg[line] + unit * q
                    y = variable(price, 1, 1)
                    chosen.append((y, 1.0))
                    rows.add([(y, 1.0), (parcels[n, s], -1.0)], -np.inf, 0)
                    by_cell.setdefault(c, []).append((y, float(q)))
            rows.add(chosen, 1, 1)
    for c, terms in by_cell.items():
        rows.add(terms, 0, float(available[c]))
    target = target_of(np.maximum(problem.node_capacity, 0), parameters)
    for n, terms in by_node.items():
        if problem.node_capacity[n] < UNLIMITED:
            rows.add(terms, 0, float(problem.node_capacity[n]))
        if parameters.balance_cost > 0 and problem.node_capacity[n] < UNLIMITED:
            over = variable(parameters.balance_cost, np.inf, 0)
            rows.add([*terms, (over, -1.0)], -np.inf, float(target[n]))
    matrix = csr_array(coo_array((rows.value, (rows.row, rows.col)), shape=(len(rows.low), len(cost))))
    return Model(
        np.array(cost), matrix, np.array(rows.low), np.array(rows.high), np.array(upper), np.array(integer, np.int64)
    )


def exact(problem: RoutingProblem, parameters: RoutingParameters, seconds: float = 60.0) -> tuple[float, float]:
    """Best cost that HiGHS found and the bound it proved; equal when it finished."""
    model = model_of(problem, parameters)
    if not len(model.cost):
        return 0.0, 0.0
    found = milp(
        model.cost,
        constraints=LinearConstraint(model.matrix, model.low, model.high) if len(model.low) else None,
        bounds=Bounds(0, model.upper),
        integrality=model.integer,
        options={"mip_rel_gap": 1e-9, "time_limit": seconds},
    )
    if found.x is None:
        raise RuntimeError(f"HiGHS found no answer: {found.message}")
    return float(found.fun), float(found.mip_dual_bound if found.mip_dual_bound is not None else found.fun)


def relaxed_by_highs(model: Model, seconds: float) -> tuple[float | None, float]:
    """Value of the linear relaxation by HiGHS (None when time ran out) and the seconds it took."""
    begin = time.perf_counter()
    found = milp(
        model.cost,
        constraints=LinearConstraint(model.matrix, model.low, model.high),
        bounds=Bounds(0, model.upper),
        options={"time_limit": seconds},
    )
    return (float(found.fun) if found.status == 0 else None), time.perf_counter() - begin


def relaxed_by_ortools(model: Model, seconds: float, solver: str = "GLOP") -> tuple[float | None, float]:
    """Value of the linear relaxation by an OR-tools solver (None when time ran out) and the seconds it took."""
    from ortools.math_opt.python import mathopt

    kinds = {"GLOP": mathopt.SolverType.GLOP, "PDLP": mathopt.SolverType.PDLP}
    program = mathopt.Model()
    x = [program.add_variable(lb=0.0, ub=float(most)) for most in model.upper]
    for row in range(len(model.low)):
        span = slice(model.matrix.indptr[row], model.matrix.indptr[row + 1])
        terms = sum(
            value * x[col] for col, value in zip(model.matrix.indices[span], model.matrix.data[span], strict=True)
        )
        program.add_linear_constraint(lb=float(model.low[row]), expr=terms, ub=float(model.high[row]))
    program.minimize(sum(price * variable for price, variable in zip(model.cost, x, strict=True)))
    begin = time.perf_counter()
    found = mathopt.solve(
        program, kinds[solver], params=mathopt.SolveParameters(time_limit=datetime.timedelta(seconds=seconds))
    )
    taken = time.perf_counter() - begin
    done = found.termination.reason == mathopt.TerminationReason.OPTIMAL
    return (found.objective_value() if done else None), taken
