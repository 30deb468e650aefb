"""How good stated quantiles are: coverage, pinball loss, promises kept, by segment, with intervals.

Belongs here: the metrics, paired differences, quantiles by a simple rule. Does not belong here: the quantiles of the
model (ml/core/lead_times), probabilities (ml/core/metrics).

Definitions: `coverage` share of rows within the first and last quantile; `promises_kept` share of rows by their
promise; `pinball` mean over the levels of the pinball loss (Koenker & Bassett 1978), in the unit of the values; `width`
mean distance of the outer quantiles; `median_error` mean absolute error of the middle one; `bias` realised less stated
share outside; `ece_debiased` the size of that bias less what chance makes. `skill_over_<rule>` is 1 − pinball / the
rule's.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from ml.core.intervals import ClusterBootstrap, Estimate, Floats
from ml.core.metrics import Segment, calibration_error

#: Rows as many as which everybody's quantile counts in a group's.
PRIOR_ROWS = 50.0


def pinball(values: Floats, quantiles: Floats, levels: Sequence[float]) -> Floats:
    """Mean pinball loss of each row over the levels, shape (rows,), from quantiles of shape (rows, levels)."""
    over = values[:, None] - quantiles
    tails = np.asarray(levels)
    return np.asarray(np.maximum(tails * over, (tails - 1) * over).mean(axis=1), dtype=np.float64)


def inside(values: Floats, quantiles: Floats) -> Floats:
    """1 where a value lies within the first and last quantile, 0 elsewhere, shape (rows,)."""
    return ((values >= quantiles[:, 0]) & (values <= quantiles[:, -1])).astype(np.float64)


def evaluate_quantiles(values: Floats, quantiles: Floats, promised: Floats, levels: Sequence[float],
                       bootstrap: ClusterBootstrap, rules: Mapping[str, Floats]) -> dict[str, Estimate]:  # fmt: skip
    """All metrics of one set of quantiles, with intervals.

    Args:
        values: What came, shape (rows,).
        quantiles: At `levels`, rising, shape (rows, levels).
        promised: Value by which each row was promised, shape (rows,).
        levels: Rising, the middle one in the middle.
        bootstrap: Resampling over the clusters of the same rows.
        rules: Name → quantiles by a simple rule, for the skill over it.
    """
    covered = inside(values, quantiles)
    stated = np.full(len(values), 1 - (levels[-1] - levels[0]))
    ours = pinball(values, quantiles, levels)
    found = {
        "coverage": bootstrap.mean(covered),
        "promises_kept": bootstrap.mean((values <= promised).astype(np.float64)),
        "pinball": bootstrap.mean(ours),
        "width": bootstrap.mean(quantiles[:, -1] - quantiles[:, 0]),
        "median_error": bootstrap.mean(np.abs(values - quantiles[:, len(levels) // 2])),
        "bias": bootstrap.mean(1 - covered - stated),
        **calibration_error(1 - covered, stated, bootstrap),
    }
    for name, theirs in rules.items():
        found[f"skill_over_{name}"] = _skill(ours, pinball(values, theirs, levels), bootstrap)
    return found


def compare_quantiles(values: Floats, challenger: Floats, champion: Floats, levels: Sequence[float],
                      bootstrap: ClusterBootstrap) -> dict[str, Estimate]:  # fmt: skip
    """Paired differences on the same rows, challenger less champion; negative losses are improvements.

    `relative_pinball_difference` is in shares of the champion's loss.
    """
    new, old = pinball(values, challenger, levels), pinball(values, champion, levels)
    skill = _skill(new, old, bootstrap)
    low, high = (None if bound is None else -bound for bound in (skill.high, skill.low))
    return {
        "relative_pinball_difference": Estimate(-skill.value, low, high),
        "pinball_difference": bootstrap.mean(new - old),
        "coverage_difference": bootstrap.mean(inside(values, challenger) - inside(values, champion)),
        "width_difference": bootstrap.mean(np.ptp(challenger, axis=1) - np.ptp(champion, axis=1)),
    }


def _skill(ours: Floats, theirs: Floats, bootstrap: ClusterBootstrap) -> Estimate:
    with np.errstate(divide="ignore", invalid="ignore"):
        replicates = 1 - bootstrap.sums(ours) / bootstrap.sums(theirs)
    return bootstrap.estimate(float(1 - ours.sum() / theirs.sum()), replicates)


def group_quantiles(groups: pd.DataFrame, values: pd.Series, new_groups: pd.DataFrame,
                    levels: Sequence[float]) -> Floats:  # fmt: skip
    """Quantiles of each new row's group, drawn to everybody's as if by 50 more rows, shape (rows, levels).

    Args:
        groups: Group columns of past rows.
        values: Their values.
        new_groups: The same columns of the rows to predict; unseen groups get everybody's.
        levels: Of the quantiles.
    """
    columns = list(groups.columns)
    past = groups.astype("object").fillna("").astype(str).reset_index(drop=True).assign(value=values.to_numpy())
    own = past.groupby(columns)["value"].quantile(list(levels)).unstack()
    sizes = past.groupby(columns).size()
    asked = new_groups.astype("object").fillna("").astype(str)
    keys = pd.MultiIndex.from_frame(asked) if len(columns) > 1 else pd.Index(asked[columns[0]])
    share = (sizes / (sizes + PRIOR_ROWS)).reindex(keys).fillna(0.0).to_numpy()[:, None]
    everybody = np.quantile(values, levels)[None, :]
    found: Floats = share * np.nan_to_num(own.reindex(keys).to_numpy(np.float64)) + (1 - share) * everybody
    return found


def quantile_segments(rows: pd.DataFrame, by: Sequence[str], judge: Callable[[pd.DataFrame], Mapping[str, Estimate]],
                      minimum_support: int) -> list[Segment]:  # fmt: skip
    """Metrics of each combination of the columns `by`, largest first; thin segments keep their counts only.

    Args:
        rows: `outcome` (1 outside the interval), `predicted` (the stated share outside) and the columns `by`.
        by: Columns.
        judge: Metrics of some rows.
        minimum_support: Fewest rows that are judged.
    """
    names = rows[list(by)].astype("object").where(rows[list(by)].notna(), "unknown").reset_index(drop=True)
    found = []
    for key, index in names.groupby(list(by), sort=True).indices.items():
        part = rows.iloc[index]
        note = f"{len(part)} rows, fewer than {minimum_support}" if len(part) < minimum_support else ""
        labels = dict(zip(by, (str(value) for value in (key if isinstance(key, tuple) else (key,))), strict=True))
        found.append(
            Segment(labels, len(part), int(part["outcome"].sum()), float(part["predicted"].mean()),
                    {} if note else judge(part), note)
        )  # fmt: skip
    return sorted(found, key=lambda segment: -segment.count)
