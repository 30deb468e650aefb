"""What regional fairness costs, as a curve with intervals.

Belongs here: solving one batch under a row of regional limits. Does not belong here: the constraint itself
(`regional`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ml.core.routing.parameters import RoutingParameters
from ml.core.routing.problem import RoutingProblem
from ml.core.routing.result import Prices, RoutingResult
from ml.core.routing.solve import solve_batch


@dataclass(frozen=True)
class TradeOffPoint:
    """One limit of the curve.

    `extra` is the money our answer costs over the one without limit; the extra cost of the best possible answers lies
    from `extra_low` to `extra_high`, which follows from the two bounds. `gap_low`, `gap_high` are the 95 % range of
    the gap that will be realised (parametric bootstrap of the deliveries, given their probabilities).
    """

    limit: float | None
    status: str
    objective: float
    lower_bound: float
    extra: float
    extra_low: float
    extra_high: float
    on_time: float
    worst: float
    gap: float
    gap_low: float
    gap_high: float


def fairness_curve(
    problem: RoutingProblem, parameters: RoutingParameters, gaps: Sequence[float], draws: int = 500
) -> list[TradeOffPoint]:
    """Cost of holding the regional on-time gap under each limit, the first point without any.

    Args:
        problem: the batch.
        parameters: weights; regional limits in them are ignored.
        gaps: largest gaps to try, shares from 0 to 1.
        draws: bootstrap draws for the interval of the realised gap.
    """
    free = solve_batch(problem, replace(parameters, regional_floor=None, regional_gap=None))
    points = [_point(None, free, free, parameters.seed, draws)]
    warm: Prices = free.prices
    for gap in sorted(gaps, reverse=True):
        result = solve_batch(problem, replace(parameters, regional_floor=None, regional_gap=float(gap)), warm)
        warm = result.prices
        points.append(_point(float(gap), result, free, parameters.seed, draws))
    return points


def _point(limit: float | None, result: RoutingResult, free: RoutingResult, seed: int, draws: int) -> TradeOffPoint:
    low, high = _gap_interval(result, seed, draws)
    proven = result.status in {"finished", "time_limit"}
    served = result.regions.orders > 0
    return TradeOffPoint(
        limit=limit,
        status=result.status,
        objective=result.objective,
        lower_bound=result.lower_bound,
        extra=result.objective - free.objective,
        extra_low=max(0.0, result.lower_bound - free.objective) if proven else float("nan"),
        extra_high=max(0.0, result.objective - free.lower_bound) if proven else float("nan"),
        on_time=result.on_time,
        worst=float(result.regions.on_time[served].min()) if served.any() else float("nan"),
        gap=result.regions.gap,
        gap_low=low,
        gap_high=high,
    )


def _gap_interval(result: RoutingResult, seed: int, draws: int) -> tuple[float, float]:
    """95 % range of best minus worst realised share; shares drawn normal with the deliveries' variance."""
    report = result.regions
    served = report.orders > 0
    if served.sum() < 2:
        return 0.0, 0.0
    rng = np.random.default_rng(seed)
    spread = (report.high - report.on_time)[served] / 1.959964
    drawn: NDArray[np.float64] = rng.normal(report.on_time[served], spread, (draws, int(served.sum())))
    drawn = np.clip(drawn, 0.0, 1.0)
    low, high = np.quantile(drawn.max(axis=1) - drawn.min(axis=1), [0.025, 0.975])
    return float(low), float(high)
