"""The trade-off of a plan: what a bounded regional on-time gap would cost, as a table and a plot.

Belongs here: drawing. Does not belong here: the curve (ml.core.routing.tradeoff).
"""

import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np

from decisions.routing.store import read_run
from ml.core.routing.tradeoff import TradeOffPoint, fairness_curve
from orchestration.lib.metadata import markdown_table
from workspace.files import write_atomically

#: Points of the curve, kept beside the plan that they belong to.
FILE = "trade_off.json"
LIMITS = (0.3, 0.2, 0.1)
#: Orders above which the curve is left to the benchmark: a point is a solve.
MOST_ORDERS = 20_000
COLUMNS = ("largest gap", "status", "cost", "extra, low", "extra", "extra, high", "on time", "worst region", "gap")


@dataclass(frozen=True)
class TradeOff:
    """A plot as PNG and its points as a table."""

    image: bytes
    markdown: str


def trade_off(folder: Path) -> TradeOff:
    """Draw the extra cost under each limit with the interval that the bounds prove; a plan's curve is solved once."""
    kept = folder / FILE
    if not kept.is_file():
        problem, result, _ = read_run(folder)
        limits = LIMITS if problem.orders <= MOST_ORDERS else ()
        solved = fairness_curve(problem, result.parameters, limits)
        write_atomically(kept, json.dumps([asdict(point) for point in solved]) + "\n")
    points = [TradeOffPoint(**point) for point in json.loads(kept.read_text(encoding="utf-8"))]
    return TradeOff(_drawn(points), markdown_table([_row(point) for point in points], COLUMNS))


def _row(point: TradeOffPoint) -> dict[str, object]:
    values = (
        "none" if point.limit is None else f"{point.limit:.0%}", point.status, point.objective,
        *(f"{value:,.2f}" for value in (point.extra_low, point.extra, point.extra_high)),
        f"{point.on_time:.1%}", f"{point.worst:.1%}", f"{point.gap:.1%} ({point.gap_low:.1%} – {point.gap_high:.1%})",
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def _drawn(points: list[TradeOffPoint]) -> bytes:
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3.5), dpi=110, layout="constrained")
    gap = np.array([point.gap for point in points])
    extra = np.array([point.extra for point in points])
    low = np.array([point.extra_low for point in points])
    high = np.array([point.extra_high for point in points])
    axes.plot(gap, extra, marker="o", color="#1f5fa8")
    proven = np.isfinite(low) & np.isfinite(high)
    axes.vlines(gap[proven], low[proven], high[proven], color="#1f5fa8", alpha=0.4, linewidth=4)
    axes.set(xlabel="on-time gap between regions", ylabel="extra cost", title="Cost of a bounded regional gap")
    axes.grid(alpha=0.3)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    plt.close(figure)
    return buffer.getvalue()
