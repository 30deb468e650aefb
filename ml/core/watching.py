"""Whether a version still meets what it was judged on: its inputs, its probabilities, and how they come true.

Belongs here: measures of change with what chance alone makes of them, and the sentence for each.
Does not belong here: which rows are compared (ml/jobs/watch), the bias audit over time (ml/core/fairness/overtime).

A distribution is compared by the population stability index over bins of the reference, Σ (q − p)·ln(q / p). Between
samples of n and m rows without change n·m / (n + m) times the index follows a chi-square law with one degree of
freedom less than there are bins (Yurdakul & Naranjo 2020, Statistical properties of the population stability index).
An index rings when it lies above its limit *and* above what chance makes once in twenty looks over all columns.

How well a version does is told twice. Before labels arrive, from its own calibrated probabilities: rows with
probability p are late p of the time, so that the expected ROC-AUC and losses follow (confidence-based estimation,
Guillory et al. 2021; Kivimäki et al. 2025). That sees other orders, not another world; only labels see the latter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm

from ml.core.features import FeatureSet
from ml.core.intervals import ClusterBootstrap, Estimate, Floats
from ml.core.metrics import CLIP, Ranking, Segment, log_losses

Subject = Literal["inputs", "predictions", "performance"]
BINS, MOST_CATEGORIES = 10, 20
OTHER, MISSING = "(other)", "(missing)"
FEWEST_ROWS = 200
LOOKS = 0.05


@dataclass(frozen=True)
class WatchLimits:
    """From where on a change is worth a person's time.

    Attributes:
        stability: Population stability index; 0.25 is the usual mark of a major shift.
        bias: Realised less predicted rate, absolute, that the whole interval must lie beyond.
        region_bias: The same in one region, by intervals that hold for all regions together.
        area: Loss of ROC-AUC against the backtest.
        surprise: Log loss above what the probabilities themselves expect, nats a row.
    """

    stability: float = 0.25
    bias: float = 0.02
    region_bias: float = 0.05
    area: float = 0.05
    surprise: float = 0.01


@dataclass(frozen=True)
class Finding:
    """One comparison.

    Attributes:
        subject: What was compared.
        name: Column, or measure.
        region: Region, empty for all of them.
        estimate: The measure now.
        limit: The limit that it is held to.
        is_alarm: Whether it rings.
        sentence: The finding in words.
    """

    subject: Subject
    name: str
    region: str
    estimate: Estimate
    limit: float
    is_alarm: bool
    sentence: str

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return asdict(self)


def stability(reference: pd.Series, current: pd.Series) -> tuple[float, int]:
    """The population stability index of a column, and its number of bins.

    Numbers fall into tenths of the reference, texts into its twenty most frequent values and the rest; null is a bin of
    its own. A bin that one side lacks counts half a row there.
    """
    before, now = _binned(reference, current)
    names = before.index.union(now.index)
    p = _shares(before.reindex(names, fill_value=0).to_numpy(np.float64))
    q = _shares(now.reindex(names, fill_value=0).to_numpy(np.float64))
    return float(np.sum((q - p) * np.log(q / p))), len(names)


def _binned(reference: pd.Series, current: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Rows by bin of both sides; the bins are the reference's."""
    if pd.api.types.is_numeric_dtype(reference):
        known = reference.dropna().to_numpy(np.float64)
        edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if len(known) else np.empty(0)
        before, now = (
            pd.Series(np.searchsorted(edges, column.to_numpy(np.float64))).where(column.notna().to_numpy(), -1)
            for column in (reference, current)
        )
    else:
        frequent = set(reference.dropna().value_counts().index[:MOST_CATEGORIES])
        before, now = (
            column.where(column.isin(frequent) | column.isna(), OTHER).fillna(MISSING)
            for column in (reference, current)
        )
    return before.value_counts(), now.value_counts()


def _shares(counts: Floats) -> Floats:
    held = np.maximum(counts, 0.5)
    return held / held.sum()


def _stability_finding(subject: Subject, name: str, region: str, reference: pd.Series, current: pd.Series,
                       limit: float, looks: int) -> Finding | None:  # fmt: skip
    if min(len(reference), len(current)) < FEWEST_ROWS:
        return None
    index, bins = stability(reference, current)
    by_chance = float(chi2.ppf(1 - LOOKS / looks, max(bins - 1, 1))) * (1 / len(reference) + 1 / len(current))
    is_alarm = index > max(limit, by_chance)
    where = f" in {region}" if region else ""
    sentence = (
        f"{name}{where}: stability index {index:.3f}, limit {max(limit, by_chance):.3f}; {_moved(reference, current)}"
    )
    return Finding(subject, name, region, Estimate(index), limit, is_alarm, sentence)


def _moved(reference: pd.Series, current: pd.Series) -> str:
    nulls = f"null {reference.isna().mean():.1%} → {current.isna().mean():.1%}"
    if pd.api.types.is_numeric_dtype(reference):
        return f"median {reference.median():.3g} → {current.median():.3g}, {nulls}"
    p, q = (column.astype("str").value_counts(normalize=True) for column in (reference, current))
    change = q.sub(p, fill_value=0)
    most = str(change.abs().idxmax()) if len(change) else ""
    return f"most changed: {most} {p.get(most, 0):.1%} → {q.get(most, 0):.1%}, {nulls}"


def watch_inputs(reference: pd.DataFrame, current: pd.DataFrame, features: FeatureSet,
                 importance: Mapping[str, float], limits: WatchLimits) -> list[Finding]:  # fmt: skip
    """Each column that the model reads, most important first; none with fewer than 200 rows on a side."""
    names = sorted(features.names, key=lambda name: -importance.get(name, 0.0))
    found = [
        _stability_finding("inputs", name, "", reference[name], current[name], limits.stability, len(names))
        for name in names
    ]
    return [finding for finding in found if finding is not None]


def watch_predictions(reference: pd.DataFrame, current: pd.DataFrame, limits: WatchLimits,
                      judged_area: float | None) -> list[Finding]:  # fmt: skip
    """The distribution of the probabilities, overall and by region, and the ROC-AUC that they let expect.

    Args:
        reference: Rows with `predicted` and `region`.
        current: Rows with the same.
        limits: From where on a change rings.
        judged_area: ROC-AUC of the backtest by labels; None where it had none.
    """
    regions = sorted(set(reference["region"].dropna()) & set(current["region"].dropna()))
    slices = [("", reference, current)]
    slices += [(name, reference[reference["region"] == name], current[current["region"] == name]) for name in regions]
    found = [
        _stability_finding("predictions", "late_probability", name, before["predicted"], now["predicted"],
                           limits.stability, len(slices))
        for name, before, now in slices
    ]  # fmt: skip
    findings = [finding for finding in found if finding is not None]
    if min(len(reference), len(current)) >= FEWEST_ROWS and judged_area is not None:
        before, now = (expected_area(rows["predicted"].to_numpy()) for rows in (reference, current))
        sentence = (
            f"ROC-AUC expected of these orders before their labels: {now:.3f}; of those judged: {before:.3f} "
            f"({judged_area:.3f} by labels)"
        )
        is_alarm = before - now > limits.area
        findings.append(
            Finding("predictions", "expected_roc_auc", "", Estimate(now), before - limits.area, is_alarm, sentence)
        )
    return findings


def expected_area(predicted: Floats) -> float:
    """ROC-AUC to be expected if every probability is true, shape (rows,); NaN if all are 0 or all are 1."""
    both = np.concatenate([np.ones(len(predicted)), np.zeros(len(predicted))])
    return Ranking(both, np.tile(predicted, 2)).areas(np.concatenate([predicted, 1 - predicted]))[0]


def watch_performance(overall: Mapping[str, Estimate], excess: Estimate, by_region: Sequence[Segment],
                      judged: Mapping[str, float], limits: WatchLimits) -> list[Finding]:  # fmt: skip
    """How the probabilities came true on orders whose labels the version had not seen.

    Args:
        overall: `bias` and `roc_auc` of these orders.
        excess: Their log loss less what the probabilities expected, see `excess_surprise`.
        by_region: The same orders by region; thin regions, which have no metrics, are left out.
        judged: `roc_auc` of the backtest.
        limits: From where on a change rings.
    """
    bias = overall["bias"]
    found = [
        Finding(
            "performance", "bias", "", bias, limits.bias, _lies_beyond(bias, limits.bias),
            f"realised less predicted late rate {bias}; realised {overall['base_rate'].value:.3f}",
        ),
        Finding(
            "performance", "surprise", "", excess, limits.surprise,
            excess.low is not None and excess.low > 0 and excess.value > limits.surprise,
            f"log loss above what the probabilities expect {excess}",
        ),
    ]  # fmt: skip
    if "roc_auc" in overall and "roc_auc" in judged:
        area, floor = overall["roc_auc"], judged["roc_auc"] - limits.area
        is_alarm = area.high is not None and area.high < floor
        sentence = f"ROC-AUC {area}; {judged['roc_auc']:.3f} when judged"
        found.append(Finding("performance", "roc_auc", "", area, floor, is_alarm, sentence))
    judged_regions = [segment for segment in by_region if segment.metrics]
    for segment in judged_regions:
        region = next(iter(segment.names.values()))
        widened = _widened(segment.metrics["bias"], len(judged_regions))
        sentence = f"realised less predicted late rate in {region} {widened} among {segment.count:,} orders"
        is_alarm = _lies_beyond(widened, limits.region_bias)
        found.append(Finding("performance", "bias", region, widened, limits.region_bias, is_alarm, sentence))
    return found


def excess_surprise(outcome: Floats, predicted: Floats, bootstrap: ClusterBootstrap) -> Estimate:
    """Mean log loss less its expectation under the probabilities themselves, nats; 0 if they are true."""
    held = np.clip(predicted, CLIP, 1 - CLIP)
    expected = -(held * np.log(held) + (1 - held) * np.log1p(-held))
    return bootstrap.mean(log_losses(outcome, predicted) - expected)


def _lies_beyond(estimate: Estimate, limit: float) -> bool:
    if estimate.low is None or estimate.high is None:
        return False
    return estimate.low > limit or estimate.high < -limit


def _widened(estimate: Estimate, count: int) -> Estimate:
    """A 95 % interval made to hold for `count` of them together (Bonferroni, on the normal scale)."""
    if estimate.low is None or estimate.high is None:
        return estimate
    factor = norm.ppf(1 - 0.025 / count) / norm.ppf(0.975)
    low, high = (estimate.value + (bound - estimate.value) * factor for bound in (estimate.low, estimate.high))
    return Estimate(estimate.value, float(low), float(high))
