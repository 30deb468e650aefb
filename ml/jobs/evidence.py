"""The evidence about a version in the forms that people and programs read: JSON, markdown, plots.

Belongs here: `evaluation.json`, the model card, PNG plots. Does not belong here: how the numbers come about
(ml/jobs/learning), where they are stored (ml/jobs/train).
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve, roc_curve

from ml.core.intervals import Estimate
from ml.core.metrics import Segment
from ml.jobs.catalogue import ModelSpec
from ml.jobs.learning import Learned

SHOWN = ("roc_auc", "pr_auc", "brier", "log_loss", "ece", "ece_debiased", "bias", "base_rate",
         "skill_over_base_rate", "skill_over_lane_rate")  # fmt: skip
ACCENT, MUTED = "#1f6f8b", "#9aa5b1"


def evaluation(learned: Learned, spec: ModelSpec) -> dict[str, Any]:
    """The whole evaluation as JSON values."""
    return {
        "model": spec.name,
        "title": spec.title,
        "origin": learned.folds[-1].origin.isoformat(),
        "judged": {"rows": len(learned.backtest), "positives": int(learned.backtest["outcome"].sum()),
                   "from": learned.folds[0].origin.isoformat(), "to": learned.folds[-1].end.isoformat()},
        "backtest": estimates(learned.overall),
        "latest": estimates(learned.latest),
        "folds": [
            {"origin": fold.origin.isoformat(), "end": fold.end.isoformat(), "rows_learned": fold.count_learned,
             "rows_judged": fold.count_judged, "calibration": fold.calibration, "metrics": estimates(fold.metrics)}
            for fold in learned.folds
        ],
        "segments": [segment.as_dict() for segment in learned.by_group],
        "reliability": learned.reliability.to_dict(orient="records"),
        "importance": learned.importance,
        "learning_curve": [{"rows": rows, "log_loss": loss} for rows, loss in learned.curve.items()],
        "features": [[feature.name, feature.kind] for feature in learned.fitted.features.features],
        "left_out": dict(learned.fitted.features.left_out),
        "calibration": learned.fitted.calibration,
        "intervals": "95 %, percentile bootstrap over days",
        "notes": list(learned.notes),
    }  # fmt: skip


def estimates(metrics: Mapping[str, Estimate]) -> dict[str, Any]:
    """Metric → JSON form."""
    return {name: estimate.as_dict() for name, estimate in metrics.items()}


def flat_metrics(overall: Mapping[str, Estimate], latest: Mapping[str, Estimate]) -> dict[str, float]:
    """Metric → value with `_low` and `_high` beside it, for stores that hold single numbers."""
    flat: dict[str, float] = {}
    for prefix, metrics in (("", overall), ("latest_", latest)):
        for name, estimate in metrics.items():
            flat[prefix + name] = estimate.value
            if estimate.low is not None and estimate.high is not None:
                flat[f"{prefix}{name}_low"], flat[f"{prefix}{name}_high"] = estimate.low, estimate.high
    return flat


def metrics_markdown(learned: Learned) -> str:
    """A table of the metrics: all stretches together, and the last one."""
    lines = ["| metric | rolling origins | latest stretch |", "|---|---|---|"]
    for name in SHOWN:
        if name in learned.overall:
            lines.append(f"| {name} | {learned.overall[name]} | {learned.latest.get(name, '')} |")
    return "\n".join(lines)


def segments_markdown(segments: Sequence[Segment], limit: int = 40) -> str:
    """A table of segments with counts; those too thin to judge say so."""
    lines = [
        "| segment | rows | positive | predicted | realised | ROC-AUC | bias | note |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for segment in segments[:limit]:
        name = " × ".join(segment.names.values()).replace("|", "\\|")
        realised = segment.count_positive / segment.count
        area, bias = segment.metrics.get("roc_auc", ""), segment.metrics.get("bias", "")
        lines.append(
            f"| {name} | {segment.count:,} | {segment.count_positive:,} | {segment.mean_predicted:.3f} "
            f"| {realised:.3f} | {area} | {bias} | {segment.note} |"
        )
    if len(segments) > limit:
        lines.append(f"\n{len(segments) - limit} more segments are in `evaluation.json`.")
    return "\n".join(lines)


def model_card(learned: Learned, spec: ModelSpec, made_from: Mapping[str, Any]) -> str:
    """The model card in markdown."""
    fitted = learned.fitted
    positives = int(learned.backtest["outcome"].sum())
    importance = "\n".join(f"- `{name}` {value:+.4f}" for name, value in list(learned.importance.items())[:12])
    facts = "\n".join(f"- {name}: `{value}`" for name, value in made_from.items())
    curve = "\n".join(f"- {rows:,} newest rows: {loss:.4f}" for rows, loss in learned.curve.items()) or "- too few rows"
    notes = "".join(f"- {note}\n" for note in learned.notes)
    left_out = "\n".join(f"- `{name}`: {reason}" for name, reason in fitted.features.left_out.items()) or "- none"
    return f"""# {spec.name}

{spec.title}. One probability a row of `{spec.table}`; {len(fitted.features.features)} features.

## Intended use
To rank and act on open cases, with a person or a policy deciding. It says how likely an outcome is, not why, and not
what would happen under another choice.

## How it was made
{facts}
- algorithm: gradient-boosted trees ({fitted.parameters}); calibration: {fitted.calibration}
- learned from rows before {learned.folds[-1].origin:%Y-%m-%d}, using a label only once it was known and mature

## How good it is
Judged on {len(learned.backtest):,} rows, {positives:,} of them positive, at {len(learned.folds)} rising origins; 95 %
intervals by a bootstrap over days. The last stretch was judged by this very version, the stretches
before it by versions made in the same way from what was known then.

{metrics_markdown(learned)}

## By segment
{segments_markdown(learned.by_group)}

## What it relies on
Loss of ROC-AUC on the last stretch when a feature's values are shuffled:

{importance}

## Would more history help?
Log loss of the last stretch by the same trees, without calibrator:

{curve}

## Not used
{left_out}

## Limits
- {spec.group_use} Lane and node histories say much the same as the region; the fairness report measures what follows
  from that.
- Rows whose outcome was never recorded are neither learned from nor judged.
- Where the level of the outcome moves faster than the history features, probabilities lag behind it; compare the
  stretches in `evaluation.json`.
{notes}"""


def plots(learned: Learned) -> dict[str, bytes]:
    """PNG plots by file name: reliability, discrimination, scores, learning curve, importance."""
    outcome = learned.backtest["outcome"].to_numpy()
    predicted = learned.backtest["predicted"].to_numpy()
    found = {"reliability.png": _reliability_plot(learned), "scores.png": _score_plot(outcome, predicted)}
    if outcome.min() != outcome.max():
        found["discrimination.png"] = _discrimination_plot(learned, outcome, predicted)
    if len(learned.curve) > 1:
        found["learning_curve.png"] = _curve_plot(learned.curve)
    if learned.importance:
        found["importance.png"] = _importance_plot(learned.importance)
    return found


def _reliability_plot(learned: Learned) -> bytes:
    table = learned.reliability
    figure = Figure(figsize=(4.6, 4.2), layout="constrained")
    axes = figure.subplots()
    top = max(float(table["high"].max()), float(table["predicted"].max())) * 1.05
    axes.plot([0, top], [0, top], color=MUTED, linewidth=1, label="as predicted")
    errors = [table["realised"] - table["low"], table["high"] - table["realised"]]
    axes.errorbar(
        table["predicted"], table["realised"], yerr=errors, fmt="o", color=ACCENT, capsize=2, label="realised"
    )
    axes.set(xlabel="predicted probability", ylabel="realised rate", title="Reliability, bins of equal size")
    axes.legend(frameon=False)
    return png(figure)


def _discrimination_plot(learned: Learned, outcome: Any, predicted: Any) -> bytes:
    figure = Figure(figsize=(8.4, 4.0), layout="constrained")
    left, right = figure.subplots(1, 2)
    fallout, recall, _ = roc_curve(outcome, predicted)
    left.plot(fallout, recall, color=ACCENT)
    left.plot([0, 1], [0, 1], color=MUTED, linewidth=1)
    left.set(xlabel="false positive rate", ylabel="true positive rate", title=f"ROC, area {learned.overall['roc_auc']}")
    precision, recall, _ = precision_recall_curve(outcome, predicted)
    right.plot(recall, precision, color=ACCENT)
    right.axhline(outcome.mean(), color=MUTED, linewidth=1)
    right.set(xlabel="recall", ylabel="precision", title=f"Precision, average {learned.overall['pr_auc']}")
    return png(figure)


def _score_plot(outcome: Any, predicted: Any) -> bytes:
    figure = Figure(figsize=(4.6, 4.2), layout="constrained")
    axes = figure.subplots()
    for label, name, colour in ((0, "outcome 0", MUTED), (1, "outcome 1", ACCENT)):
        values = predicted[outcome == label]
        if len(values):
            axes.hist(values, bins=40, density=True, histtype="step", color=colour, label=f"{name} ({len(values):,})")
    axes.set(xlabel="predicted probability", ylabel="density", title="Scores by outcome")
    axes.legend(frameon=False)
    return png(figure)


def _importance_plot(importance: Mapping[str, float]) -> bytes:
    names = list(importance)[:15][::-1]
    figure = Figure(figsize=(6.4, 0.6 + 0.28 * len(names)), layout="constrained")
    axes = figure.subplots()
    axes.barh(names, [importance[name] for name in names], color=ACCENT)
    axes.set(xlabel="loss of ROC-AUC when shuffled", title="Permutation importance")
    return png(figure)


def _curve_plot(curve: Mapping[int, float]) -> bytes:
    figure = Figure(figsize=(4.6, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.plot(list(curve), list(curve.values()), marker="o", color=ACCENT)
    axes.set(xlabel="newest rows learned from", ylabel="log loss of the last stretch", title="Learning curve")
    axes.set_xlim(left=0)
    return png(figure)


def png(figure: Figure) -> bytes:
    """A figure as PNG, the same bytes for the same figure."""
    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return buffer.getvalue()
