"""The metrics of an audit: which rows each one counts, in which layer it stands, and which direction is worse.

Belongs here: definitions over cells of (label, prediction) and sums of scores. Does not belong here: tests (inference).

Layers follow the report's separation: `label` is what history did, `prediction` how well a model reads it, `decision`
what is done with it. Definitions of the count metrics are those of fairlearn.metrics; a test holds them to equal
numbers.
"""

from dataclasses import dataclass
from typing import Literal

Layer = Literal["label", "prediction", "decision"]
Kind = Literal["rate", "mean"]
Worse = Literal["higher", "lower", "either"]


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        name: Stable key in results.
        layer: Where it stands: label, prediction or decision.
        kind: `rate` is a share of rows (exact counts); `mean` is an average of a number per row.
        needs: Columns it needs, of `label`, `prediction`, `score`.
        numerator: For rates: the (label, prediction) cells that count; None in a place means any value.
        denominator: For rates: the cells that are counted from.
        value: For means: the number per row, of `score`, `residual` (label − score) and `squared_error`.
        worse: Direction that is worse for the people of a group when the positive label is a harm.
    """

    name: str
    layer: Layer
    kind: Kind
    needs: frozenset[str]
    numerator: tuple[tuple[int | None, int | None], ...] = ()
    denominator: tuple[tuple[int | None, int | None], ...] = ()
    value: str = ""
    worse: Worse = "either"


_LABEL, _PRED, _SCORE = "label", "prediction", "score"


def _rate(
    name: str,
    layer: Layer,
    needs: set[str],
    numerator: tuple[tuple[int | None, int | None], ...],
    denominator: tuple[tuple[int | None, int | None], ...],
    worse: Worse,
) -> Metric:
    return Metric(name, layer, "rate", frozenset(needs), numerator, denominator, worse=worse)


_BOTH = {_LABEL, _PRED}
METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        _rate("base_rate", "label", {_LABEL}, ((1, None),), ((0, None), (1, None)), "higher"),
        _rate("selection_rate", "decision", {_PRED}, ((None, 1),), ((None, 0), (None, 1)), "either"),
        _rate("false_positive_rate", "prediction", _BOTH, ((0, 1),), ((0, 0), (0, 1)), "higher"),
        _rate("false_negative_rate", "prediction", _BOTH, ((1, 0),), ((1, 0), (1, 1)), "higher"),
        _rate("false_discovery_rate", "prediction", _BOTH, ((0, 1),), ((0, 1), (1, 1)), "higher"),
        _rate("false_omission_rate", "prediction", _BOTH, ((1, 0),), ((0, 0), (1, 0)), "higher"),
        _rate("error_rate", "prediction", _BOTH, ((0, 1), (1, 0)), ((0, 0), (0, 1), (1, 0), (1, 1)), "higher"),
        Metric("mean_prediction", "decision", "mean", frozenset({_SCORE}), value="score"),
        Metric("calibration_error", "prediction", "mean", frozenset({_LABEL, _SCORE}), value="residual"),
        Metric("brier_score", "prediction", "mean", frozenset({_LABEL, _SCORE}), value="squared_error", worse="higher"),
    )
}


def available_metrics(columns: set[str]) -> list[str]:
    """Names of the metrics that a table with these of `label`, `prediction`, `score` can answer, in stable order."""
    return [name for name, metric in METRICS.items() if metric.needs <= columns]
