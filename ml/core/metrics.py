"""How good a probability of a yes/no outcome is: discrimination, accuracy, calibration, by segment, with intervals.

Belongs here: the metrics, their intervals, paired differences, tables by segment. Does not belong here: thresholds and
verdicts (ml/core/gates), measures of fairness (ml/core/fairness).

Definitions: `brier` mean squared error of the probability; `log_loss` in nats, probabilities held within 1e-6 of 0 and
1; `roc_auc` with ties counted half; `pr_auc` average precision (step-wise, as in scikit-learn); `ece` mean absolute gap
between predicted and realised rate over bins of equal size; `ece_debiased` the same less the bootstrap's estimate of
the gap that chance alone makes, with a reflected interval (`ece` has none: resampling only ever adds to it); `bias`
realised less predicted rate.
`skill_over_<baseline>` is 1 − Brier / Brier of that baseline.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.core.intervals import ClusterBootstrap, Estimate, Floats

CLIP = 1e-6
ECE_BINS = 10
FEWEST_OF_A_CLASS = 10


@dataclass(frozen=True)
class Segment:
    """A slice of the evaluated rows; `metrics` is empty where `note` says why it was not judged."""

    names: Mapping[str, str]
    count: int
    count_positive: int
    mean_predicted: float
    metrics: Mapping[str, Estimate]
    note: str = ""

    def as_dict(self) -> dict[str, object]:
        """JSON form."""
        return {
            "names": dict(self.names), "count": self.count, "count_positive": self.count_positive,
            "mean_predicted": self.mean_predicted, "note": self.note,
            "metrics": {name: estimate.as_dict() for name, estimate in self.metrics.items()},
        }  # fmt: skip


class Ranking:
    """Scores sorted once, so that discrimination under many weightings costs one pass each.

    Args:
        outcome: 0 or 1, shape (rows,).
        score: Higher means more likely 1, shape (rows,).
    """

    def __init__(self, outcome: Floats, score: Floats) -> None:
        self._order = np.argsort(-score, kind="stable")
        self._outcome = outcome[self._order]
        descending = score[self._order]
        self._last_of_tie = np.flatnonzero(np.append(descending[1:] != descending[:-1], True))

    def areas(self, weights: Floats) -> tuple[float, float]:
        """ROC-AUC and average precision under row weights; NaN when a class has no weight."""
        sorted_weights = weights[self._order]
        positives = np.cumsum(sorted_weights * self._outcome)[self._last_of_tie]
        negatives = np.cumsum(sorted_weights * (1 - self._outcome))[self._last_of_tie]
        if positives[-1] == 0 or negatives[-1] == 0:
            return float("nan"), float("nan")
        recall = np.append(0.0, positives / positives[-1])
        fallout = np.append(0.0, negatives / negatives[-1])
        flagged = positives + negatives
        precision = np.divide(positives, flagged, out=np.zeros_like(flagged), where=flagged > 0)
        return float(np.trapezoid(recall, fallout)), float(np.sum(np.diff(recall) * precision))


def evaluate(outcome: Floats, predicted: Floats, bootstrap: ClusterBootstrap,
             baselines: Mapping[str, Floats] | None = None) -> dict[str, Estimate]:  # fmt: skip
    """All metrics of one set of predictions, with intervals.

    Args:
        outcome: 0 or 1, shape (rows,).
        predicted: Probability of 1, shape (rows,).
        bootstrap: Resampling over the clusters of the same rows.
        baselines: Name → probability by a simple rule, shape (rows,), for the skill over it.

    Raises:
        ValueError: a prediction is not a probability.
    """
    _require_probabilities(predicted)
    squared, surprise = (outcome - predicted) ** 2, log_losses(outcome, predicted)
    found = {
        "base_rate": bootstrap.mean(outcome),
        "brier": bootstrap.mean(squared),
        "log_loss": bootstrap.mean(surprise),
        "bias": bootstrap.mean(outcome - predicted),
        **_discrimination(outcome, predicted, bootstrap),
        **calibration_error(outcome, predicted, bootstrap),
    }
    for name, baseline in (baselines or {}).items():
        if np.any(outcome != baseline):
            found[f"skill_over_{name}"] = skill(outcome, predicted, baseline, bootstrap)
    return found


def _require_probabilities(predicted: Floats) -> None:
    if not (np.isfinite(predicted).all() and (predicted >= 0).all() and (predicted <= 1).all()):
        raise ValueError(
            f"Predictions must be probabilities within 0 and 1; got {np.nanmin(predicted)} to {np.nanmax(predicted)} "
            f"and {int((~np.isfinite(predicted)).sum())} that are not finite."
        )


def log_losses(outcome: Floats, predicted: Floats) -> Floats:
    """Log loss of each row in nats."""
    held = np.clip(predicted, CLIP, 1 - CLIP)
    return -(outcome * np.log(held) + (1 - outcome) * np.log1p(-held))


def _discrimination(outcome: Floats, predicted: Floats, bootstrap: ClusterBootstrap) -> dict[str, Estimate]:
    if min(outcome.sum(), len(outcome) - outcome.sum()) < 1:
        return {}
    ranking = Ranking(outcome, predicted)
    roc, precision = ranking.areas(np.ones(len(outcome)))
    replicates = np.array([ranking.areas(weights) for weights in bootstrap.row_weights()])
    return {
        "roc_auc": bootstrap.estimate(roc, replicates[:, 0]),
        "pr_auc": bootstrap.estimate(precision, replicates[:, 1]),
    }


def equal_bins(predicted: Floats, bins: int = ECE_BINS) -> np.ndarray:
    """Bin of each row, 0-based: bins hold about equally many rows, and equal predictions share a bin."""
    edges = np.unique(np.quantile(predicted, np.linspace(0, 1, bins + 1)[1:-1]))
    return np.searchsorted(edges, predicted, side="right")


def calibration_error(outcome: Floats, predicted: Floats, bootstrap: ClusterBootstrap) -> dict[str, Estimate]:
    """`ece`, and `ece_debiased` where an interval can be given."""
    gaps = np.zeros((len(outcome), ECE_BINS))
    gaps[np.arange(len(outcome)), equal_bins(predicted)] = outcome - predicted
    value = float(np.abs(gaps.sum(axis=0)).sum() / len(outcome))
    replicates = np.abs(bootstrap.sums(gaps)).sum(axis=1) / bootstrap.sums(np.ones(len(outcome)))
    plain = bootstrap.estimate(value, replicates)
    if plain.low is None or plain.high is None:
        return {"ece": plain}
    debiased = Estimate(
        max(0.0, 2 * value - float(np.mean(replicates))),
        max(0.0, 2 * value - plain.high),
        max(0.0, 2 * value - plain.low),
    )
    return {"ece": plain, "ece_debiased": debiased}


def skill(outcome: Floats, predicted: Floats, baseline: Floats, bootstrap: ClusterBootstrap) -> Estimate:
    """Brier skill over a baseline that is not perfect: 1 − Brier / baseline's Brier; positive is better than it."""
    ours, theirs = (outcome - predicted) ** 2, (outcome - baseline) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        replicates = 1 - bootstrap.sums(ours) / bootstrap.sums(theirs)
    return bootstrap.estimate(float(1 - ours.sum() / theirs.sum()), replicates)


def compare(outcome: Floats, challenger: Floats, champion: Floats, bootstrap: ClusterBootstrap) -> dict[str, Estimate]:
    """Paired differences on the same rows, challenger less champion; negative losses are improvements."""
    return {
        "brier_difference": bootstrap.mean((outcome - challenger) ** 2 - (outcome - champion) ** 2),
        "log_loss_difference": bootstrap.mean(log_losses(outcome, challenger) - log_losses(outcome, champion)),
        **_area_differences(outcome, challenger, champion, bootstrap),
    }


def _area_differences(outcome: Floats, challenger: Floats, champion: Floats,
                      bootstrap: ClusterBootstrap) -> dict[str, Estimate]:  # fmt: skip
    if min(outcome.sum(), len(outcome) - outcome.sum()) < 1:
        return {}
    new, old = Ranking(outcome, challenger), Ranking(outcome, champion)
    ones = np.ones(len(outcome))
    values = np.subtract(new.areas(ones), old.areas(ones))
    replicates = np.array([np.subtract(new.areas(w), old.areas(w)) for w in bootstrap.row_weights()])
    return {
        "roc_auc_difference": bootstrap.estimate(float(values[0]), replicates[:, 0]),
        "pr_auc_difference": bootstrap.estimate(float(values[1]), replicates[:, 1]),
    }


def segments(frame: pd.DataFrame, by: Sequence[str], outcome: Floats, predicted: Floats, clusters: np.ndarray,
             minimum_support: int, replicates: int, seed: int) -> list[Segment]:  # fmt: skip
    """Metrics of each combination of the columns `by`, largest first; thin segments keep their counts only.

    A segment is judged from `minimum_support` rows and 10 rows of each class on.
    """
    names = frame[list(by)].astype("object").where(frame[list(by)].notna(), "unknown").reset_index(drop=True)
    found: list[Segment] = []
    for key, rows in names.groupby(list(by), sort=True).indices.items():
        labels = dict(zip(by, (str(part) for part in _as_tuple(key)), strict=True))
        y, p = outcome[rows], predicted[rows]
        note = _too_thin(y, minimum_support)
        bootstrap = ClusterBootstrap(clusters[rows], replicates, seed)
        judged = {} if note else evaluate(y, p, bootstrap)
        found.append(Segment(labels, len(rows), int(y.sum()), float(p.mean()), judged, note))
    return sorted(found, key=lambda segment: -segment.count)


def _as_tuple(key: object) -> Iterable[object]:
    return key if isinstance(key, tuple) else (key,)


def _too_thin(outcome: Floats, minimum_support: int) -> str:
    if len(outcome) < minimum_support:
        return f"{len(outcome)} rows, fewer than {minimum_support}"
    rarer = int(min(outcome.sum(), len(outcome) - outcome.sum()))
    return f"{rarer} rows of the rarer class, fewer than {FEWEST_OF_A_CLASS}" if rarer < FEWEST_OF_A_CLASS else ""


def reliability(outcome: Floats, predicted: Floats) -> pd.DataFrame:
    """Predicted against realised rate in bins of equal size: `bin`, `count`, `predicted`, `realised`, `low`, `high`.

    The bounds are Wilson's 95 % interval of the realised rate.
    """
    table = (
        pd.DataFrame({"bin": equal_bins(predicted), "predicted": predicted, "outcome": outcome})
        .groupby("bin", as_index=False)
        .agg(count=("outcome", "size"), predicted=("predicted", "mean"), realised=("outcome", "mean"))
    )
    z, n, rate = 1.959964, table["count"], table["realised"]
    middle = (rate + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(rate * (1 - rate) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return table.assign(low=(middle - half).clip(0, 1), high=(middle + half).clip(0, 1))
