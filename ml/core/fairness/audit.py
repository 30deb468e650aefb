"""The audit of predictions: metrics by group, inference on each, one verdict.

Belongs here: `audit_predictions`, `audit_cells` and how verdicts are drawn. Does not belong here: statistics of one
metric (inference), pages (report), reading files (ml/io), labels' causes (labels).

A verdict is one of four. *gap*: some group differs, after correction for all groups and metrics, and by more than the
tolerance. *no_gap_found*: nothing of the kind, and the audit could have seen a gap of the stated size. *insufficient
evidence*: fewer than two groups have the support, or a gap of the tolerance could have stayed unseen. *undefined*:
there is nothing to count or to compare.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ml.core.fairness.cells import SCORE_BINS, Cells, cells_of_table
from ml.core.fairness.errors import UnusableTable
from ml.core.fairness.judge import MOST_NAMES, Judge, Outcome
from ml.core.fairness.metrics import METRICS, available_metrics
from ml.core.fairness.results import (
    AuditResult,
    MetricResult,
    Verdict,
    Worst,
)  # fmt: skip
from ml.core.fairness.statements import Statement
from ml.core.fairness.suppression import SUPPRESS_BELOW, suppressed_table

LAYERS = ("label", "prediction", "decision")


def audit_predictions(
    table: pd.DataFrame | pa.Table,
    *,
    label: str | None,
    score: str | None = None,
    prediction: str | None = None,
    group: str | Sequence[str],
    control: str | Sequence[str] | None = None,
    weight: str | None = None,
    count: str | None = None,
    metrics: Sequence[str] | None = None,
    outcome: Outcome = "harm",
    minimum_support: int = 100,
    tolerance: float = 0.0,
    alpha: float = 0.05,
    seed: int = 0,
    resamples: int = 2000,
) -> AuditResult:
    """Audit the outcomes, predictions and scores of a table by group.

    Args:
        table: Rows, or counts of rows when `count` is named.
        label: Column of the outcome, 0 or 1, missing while not known.
        score: Column of a probability in [0, 1].
        prediction: Column of the decision, 0 or 1.
        group: Column of the group; with several, their combinations are the groups.
        control: Columns within which groups are compared; the verdict is then of that comparison.
        weight: Column of sampling weights. They change the rates, never the amount of evidence.
        count: Column that says how many equal rows a row stands for.
        metrics: Names of `METRICS` to judge; all that the columns allow if None.
        outcome: What a positive label is to the people of a group: `harm` (late), `benefit` (granted) or `neutral`.
        minimum_support: Fewest rows at which a group is judged.
        tolerance: Differences up to this (in the metric's unit) are of no practical weight.
        alpha: Error of false alarms, over all groups and metrics.
        seed: Seed of the resampling.
        resamples: Draws under the null hypothesis.

    Returns:
        The audit; a table without rows or with one group gets the verdict `undefined`, not an error.

    Raises:
        UnusableTable: a column is missing or breaks its rule, or a parameter is out of range.
    """
    cells = cells_of_table(
        table, label=label, score=score, prediction=prediction, group=group, control=control, weight=weight, count=count
    )
    columns = {"label": label, "score": score, "prediction": prediction, "weight": weight, "count": count,
               "group": [group] if isinstance(group, str) else list(group),
               "control": [control] if isinstance(control, str) else list(control or [])}  # fmt: skip
    return audit_cells(
        cells, metrics=metrics, outcome=outcome, minimum_support=minimum_support, tolerance=tolerance, alpha=alpha,
        seed=seed, resamples=resamples, columns=columns,
    )  # fmt: skip


def audit_cells(
    cells: Cells,
    *,
    metrics: Sequence[str] | None = None,
    outcome: Outcome = "harm",
    minimum_support: int = 100,
    tolerance: float = 0.0,
    alpha: float = 0.05,
    seed: int = 0,
    resamples: int = 2000,
    columns: Mapping[str, Any] | None = None,
) -> AuditResult:
    """Audit a table that is already counted; arguments as in `audit_predictions`, `columns` is kept for the record."""
    _check_parameters(minimum_support, tolerance, alpha, resamples)
    names = _chosen_metrics(cells, metrics)
    settings = {"minimum_support": minimum_support, "tolerance": tolerance, "alpha": alpha, "outcome": outcome,
                "seed": seed, "resamples": resamples, "metrics": names, "columns": dict(columns or {}),
                "suppress_below": SUPPRESS_BELOW}  # fmt: skip
    hidden = _hidden_groups(cells)
    cells = cells.without_groups(hidden)
    marginal = cells.without_control()
    judge = Judge(outcome, minimum_support, tolerance, alpha, seed, resamples, hidden)
    plain = judge.all_metrics(marginal, names)
    controlled = judge.all_metrics(cells, names) if len(cells.strata) > 1 else {}
    results = controlled or plain
    verdict, reason = _overall_verdict(results, cells)
    return AuditResult(
        verdict=verdict,
        reason=reason,
        layers={layer: combine([m.verdict for m in results.values() if m.layer == layer]) for layer in LAYERS
                if any(m.layer == layer for m in results.values())},
        metrics=results,
        unconditional=plain if controlled else {},
        groups=cells.groups,
        unknown_count=cells.unknown_rows,
        suppressed=tuple(sorted(hidden)),
        not_assessed=_not_assessed(results, cells, hidden),
        smallest_detectable_gap={
            name: m.smallest_detectable_gap.typical for name, m in results.items() if m.smallest_detectable_gap
        },
        worst=_worst(results),
        parameters=settings,
        counts={"rows": cells.rows + cells.unknown_rows, "in_groups": cells.rows, "unknown_group": cells.unknown_rows,
                "unlabelled": cells.unlabelled_rows, "zero_weight": cells.zero_weight_rows, "groups": len(cells.groups),
                "groups_suppressed": len(hidden),                 "strata": len(cells.strata)},
        reliability=_reliability(marginal),
        notes=_notes(cells, results, plain if controlled else {}),
    )  # fmt: skip


def audit_with_intersections(
    main: Cells, crossed: Mapping[str, Cells], *, alpha: float = 0.05, **settings: Any
) -> AuditResult:
    """Audit a grouping and its intersections with others as one family.

    Every audit of the family gets an equal part of `alpha`, so that a gap anywhere is a gap of the whole at `alpha`.

    Args:
        main: Cells by the main group column.
        crossed: Name of the intersection, such as `region × tier`, → cells by both columns.
        alpha: Error of false alarms of the whole family.
        **settings: As in `audit_cells`; `columns` is kept for the main audit.
    """
    each = alpha / (1 + len(crossed))
    whole = audit_cells(main, alpha=each, **settings)
    if not crossed:
        return whole
    audits = {name: audit_cells(cells, alpha=each, **settings) for name, cells in crossed.items()}
    if whole.verdict == "gap" or not any(audit.verdict == "gap" for audit in audits.values()):
        return replace(whole, intersections=audits)
    names = [name for name, audit in audits.items() if audit.verdict == "gap"]
    return replace(
        whole, intersections=audits, verdict="gap", reason=Statement("gap_in_intersection", {"names": names})
    )


def combine(verdicts: Sequence[Verdict]) -> Verdict:
    """Verdict over metrics: a gap anywhere is a gap; else what could be judged; else why not."""
    order: tuple[Verdict, ...] = ("gap", "no_gap_found", "insufficient_evidence", "undefined")
    return next((verdict for verdict in order if verdict in verdicts), "undefined")


def _overall_verdict(results: Mapping[str, MetricResult], cells: Cells) -> tuple[Verdict, Statement]:
    if cells.rows == 0:
        return "undefined", Statement("no_known_group" if cells.unknown_rows else "no_rows")
    if len(cells.groups) < 2:
        return "undefined", Statement("one_group", {"group": cells.groups[0]})
    verdict = combine([m.verdict for m in results.values()])
    deciding = [m for m in results.values() if m.verdict == verdict]
    if not deciding:
        return verdict, Statement("no_metric")
    if verdict == "gap":
        return verdict, Statement("gap_in", {"metrics": [m.name for m in deciding]})
    return verdict, Statement("of_metric", {"metric": deciding[0].name, "statement": deciding[0].reason})


def _worst(results: Mapping[str, MetricResult]) -> Worst | None:
    candidates = []
    for order, metric in enumerate(results.values()):
        if metric.worst is not None:
            g = metric.group(metric.worst)
            if g.difference is not None and g.difference_interval is not None:
                # Error rates follow base rates: what was done to people comes before how well it was foretold.
                rank = (g.named, metric.verdict == "gap", metric.kind == "rate", metric.layer != "prediction",
                        abs(g.difference), -order)  # fmt: skip
                candidates.append((rank, Worst(metric.name, g.group, g.difference, g.difference_interval, g.named)))
    return max(candidates, key=lambda item: item[0])[1] if candidates else None


def _not_assessed(results: Mapping[str, MetricResult], cells: Cells, hidden: frozenset[str]) -> tuple[Statement, ...]:
    lines = []
    if cells.unknown_rows:
        lines.append(Statement("rows_without_group", {"rows": cells.unknown_rows}))
    if hidden:
        lines.append(Statement("groups_suppressed", {"groups": len(hidden)}))
    unjudged: dict[tuple[str, ...], list[str]] = {}
    for metric in results.values():
        missing = [g.group for g in metric.groups if g.status in ("insufficient", "undefined")]
        if metric.verdict in ("insufficient_evidence", "undefined"):
            lines.append(Statement("of_metric", {"metric": metric.name, "statement": metric.reason}))
        elif missing:
            unjudged.setdefault(tuple(missing), []).append(metric.name)
    for groups, metrics in unjudged.items():
        shown = [*groups[:MOST_NAMES], *(["…"] if len(groups) > MOST_NAMES else [])]
        lines.append(Statement("groups_not_judged", {"metric": metrics, "count": len(groups), "groups": shown}))
    return tuple(lines)


def _notes(
    cells: Cells, results: Mapping[str, MetricResult], plain: Mapping[str, MetricResult]
) -> tuple[Statement, ...]:
    notes = [Statement("weighted")] if cells.weighted else []
    for name, metric in results.items():
        before = plain.get(name)
        if before and before.verdict != metric.verdict:
            facts = {"metric": name, "before": before.verdict, "after": metric.verdict}
            notes.append(Statement("control_changed_verdict", facts))
    return tuple(notes)


def _reliability(cells: Cells) -> tuple[dict[str, float | int | None], ...]:
    """Mean score and observed rate per score bin over all groups."""
    if not {"label", "score"} <= cells.columns:
        return ()
    known = cells.frame[cells.frame["label"] >= 0]
    bins: list[dict[str, float | int | None]] = []
    for score_bin in range(SCORE_BINS):
        part = known[known["score_bin"] == score_bin]
        weight = float(part["weight"].sum())
        if weight > 0:
            bins.append({
                "score_bin": score_bin, "rows": int(part["rows"].sum()), "mean_score": float(part["score_1"].sum() /
                weight), "observed": float(part.loc[part["label"] == 1, "weight"].sum() / weight),
            })  # fmt: skip
    return tuple(bins)


def _hidden_groups(cells: Cells) -> frozenset[str]:
    """Groups to hide; those of an intersection of two columns must also not follow from the margins."""
    rows = _rows_by_group(cells)
    if not cells.parts or len(cells.parts[0]) != 2:
        return frozenset(name for name, n in zip(cells.groups, rows, strict=True) if 0 < n < SUPPRESS_BELOW)
    first, second = (sorted({part[i] for part in cells.parts}) for i in (0, 1))
    places = [(first.index(a), second.index(b)) for a, b in cells.parts]
    table = np.zeros((len(first), len(second)))
    for place, n in zip(places, rows, strict=True):
        table[place] = n
    hidden = suppressed_table(table)
    return frozenset(name for name, place in zip(cells.groups, places, strict=True) if hidden[place])


def _rows_by_group(cells: Cells) -> np.ndarray:
    return np.bincount(
        cells.frame["group"].to_numpy(dtype=np.int64), weights=cells.frame["rows"], minlength=len(cells.groups)
    )


def _chosen_metrics(cells: Cells, metrics: Sequence[str] | None) -> list[str]:
    possible = available_metrics(set(cells.columns))
    for name in metrics or ():
        if name not in METRICS:
            raise UnusableTable(f"A metric is one of {sorted(METRICS)}; got {name!r}.")
        if name not in possible:
            needs = sorted(METRICS[name].needs - cells.columns)
            raise UnusableTable(
                f"Metric {name!r} needs {needs}, which were not named. Name these columns or leave it out."
            )
    return list(metrics) if metrics else possible


def _check_parameters(minimum_support: int, tolerance: float, alpha: float, resamples: int) -> None:
    rules = (
        (minimum_support >= 2, f"Minimum support is at least 2 rows; got {minimum_support}."),
        (0 <= tolerance < np.inf, f"A tolerance is a finite number of at least 0; got {tolerance}."),
        (0 < alpha < 0.5, f"Alpha lies between 0 and 0.5; got {alpha}."),
        (resamples >= 1 / alpha if alpha > 0 else False,
         f"Resamples must number at least 1/alpha to reach a verdict; got {resamples}."),
    )  # fmt: skip
    for holds, message in rules:
        if not holds:
            raise UnusableTable(message)
