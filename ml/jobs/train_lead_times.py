"""Training the lead-time model: quantiles of the hours from order to door as a registered version with its evidence.

Belongs here: what differs from the training of a probability: interface, evidence files. Does not belong here: the
backtest (ml/jobs/lead_times), registering (ml/jobs/train), audit and gates, which are the same for all models.
"""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from mlflow.models.signature import ModelSignature
from mlflow.types.schema import ColSpec, Schema
from sklearn.base import BaseEstimator

from ml.core.features import FeatureSet
from ml.core.lead_times import HALF_LIFE_DAYS, LEVELS, PRIOR_ROWS, LeadTimeModel, TreeParameters
from ml.core.metrics import Segment
from ml.io.data import TableSource
from ml.io.registry import Interface
from ml.jobs.catalogue import LEAD_TIME, ModelSpec
from ml.jobs.evidence import ACCENT, MUTED, estimates, png
from ml.jobs.lead_times import (
    BOUNDS,
    REHEARSALS,
    REHEARSED_SHARE,
    SERVICE,
    LeadTimesLearned,
    learn_and_judge_lead_times,
    learn_at,
    order_table,
)
from ml.jobs.train import BACKTEST, CARD, EVALUATION, EXAMPLE_ROWS, Trained, TrainJob
from workspace.published import Snapshot
from workspace.settings import Settings


@dataclass(frozen=True)
class LeadTimeTrainJob(TrainJob):
    """Train lead times on a published snapshot.

    Attributes:
        trees: Parameters of the quantile trees.
    """

    spec: ModelSpec = field(default=LEAD_TIME)
    trees: TreeParameters = field(default_factory=TreeParameters)

    def own_recipe(self, snapshot: Snapshot) -> dict[str, Any]:
        """What the method is set to."""
        return _parameters(self.trees)

    def trained(self, frame: pd.DataFrame, features: FeatureSet, source: TableSource, snapshot: Snapshot,
                settings: Settings) -> Trained:  # fmt: skip
        """Quantiles with the margins that rehearsals show to be needed."""
        learned = learn_and_judge_lead_times(
            frame, features, self.spec, source.as_of, settings.minimum_support, self.trees
        )
        last = learned.stretches[-1]
        return Trained(
            estimator=learned.model, features=learned.features, interface=_interface(learned, self.spec),
            example=learned.inputs[learned.features.names].head(EXAMPLE_ROWS), origin=last.origin,
            count_learned=last.count_learned, count_judged=len(learned.backtest),
            parameters={**_parameters(self.trees), "seed": self.spec.seed, "folds": self.spec.folds,
                        "judged_share": self.spec.judged_share, "rows_learned": last.count_learned,
                        "features": len(learned.features.features), "origin": last.origin.isoformat()},
            overall=learned.overall, latest=learned.latest, evidence=partial(_evidence, learned, self.spec, self.trees),
            markdown=_markdown(learned),
        )  # fmt: skip

    def again(self, frame: pd.DataFrame, features: FeatureSet, source: TableSource, settings: Settings,
              origin: pd.Timestamp) -> tuple[BaseEstimator, FeatureSet]:  # fmt: skip
        """The quantiles of this origin again."""
        table = order_table(frame, features, self.spec, source.as_of)
        model, usable, _ = learn_at(table, origin, features, self.spec, self.trees)
        return model, usable


def _parameters(trees: TreeParameters) -> dict[str, Any]:
    return {
        **asdict(trees), "levels": list(LEVELS), "half_life_days": HALF_LIFE_DAYS,
        "prior_rows": PRIOR_ROWS, "rehearsals": REHEARSALS, "rehearsed_share": REHEARSED_SHARE,
    }  # fmt: skip


def _interface(learned: LeadTimesLearned, spec: ModelSpec) -> Interface:
    """Raw columns in, bounds in hours out."""
    region = spec.roles.groups[0]
    kinds = {feature.name: "double" if feature.kind == "number" else "string" for feature in learned.features.features}
    inputs = Schema([ColSpec(kind, name, required=False) for name, kind in {**kinds, region: "string"}.items()])
    outputs = Schema([ColSpec("double", name) for name in BOUNDS])
    example = learned.inputs[learned.features.names].head(EXAMPLE_ROWS)
    if region not in example:
        example = example.assign(**{region: "unknown"})
    return Interface("predict", ModelSignature(inputs=inputs, outputs=outputs), example)


def _evidence(
    learned: LeadTimesLearned, spec: ModelSpec, trees: TreeParameters, made_from: Mapping[str, Any]
) -> dict[str, str | bytes]:
    buffer = io.BytesIO()
    learned.backtest.to_parquet(buffer, index=False)
    return {
        EVALUATION: json.dumps(_evaluation(learned, spec), indent=1, allow_nan=False),
        CARD: _card(learned, spec, trees, made_from), BACKTEST: buffer.getvalue(),
        "plots/coverage.png": _coverage_plot(learned.by_group),
    }  # fmt: skip


def _evaluation(learned: LeadTimesLearned, spec: ModelSpec) -> dict[str, Any]:
    """The same keys as for a probability; what has no meaning for quantiles is empty."""
    first, last = learned.stretches[0], learned.stretches[-1]
    return {
        "model": spec.name, "title": spec.title, "origin": last.origin.isoformat(),
        "judged": {"rows": len(learned.backtest), "positives": int(learned.backtest["outcome"].sum()),
                   "from": first.origin.isoformat(), "to": last.end.isoformat()},
        "backtest": estimates(learned.overall), "latest": estimates(learned.latest),
        "folds": [
            {"origin": stretch.origin.isoformat(), "end": stretch.end.isoformat(),
             "rows_learned": stretch.count_learned, "rows_judged": stretch.count_judged, "calibration": "conformal",
             "metrics": estimates(stretch.metrics)}
            for stretch in learned.stretches
        ],
        "segments": [segment.as_dict() for segment in learned.by_group],
        "reliability": [], "importance": {}, "learning_curve": [],
        "features": [[feature.name, feature.kind] for feature in learned.features.features],
        "left_out": dict(learned.features.left_out), "calibration": "conformal by region",
        "intervals": "95 %, percentile bootstrap over days", "notes": list(learned.notes),
    }  # fmt: skip


def _markdown(learned: LeadTimesLearned) -> str:
    lines = ["| metric | rolling origins | latest stretch |", "|---|---|---|"]
    lines += [f"| {name} | {estimate} | {learned.latest.get(name, '')} |" for name, estimate in learned.overall.items()]
    notes = "\n".join(f"- {note}" for note in learned.notes)
    return "\n".join(lines) + f"\n\n{_segments(learned.by_group, 15)}\n\n{notes}"


def _segments(segments: Sequence[Segment], limit: int) -> str:
    lines = ["| segment | orders | coverage | promises kept | width, h | note |", "|---|---|---|---|---|---|"]
    for segment in segments[:limit]:
        name = " × ".join(segment.names.values()).replace("|", "\\|")
        shown = [str(segment.metrics.get(metric, "")) for metric in ("coverage", "promises_kept", "width")]
        lines.append(f"| {name} | {segment.count:,} | {' | '.join(shown)} | {segment.note} |")
    if len(segments) > limit:
        lines.append(f"\n{len(segments) - limit} more segments are in `{EVALUATION}`.")
    return "\n".join(lines)


def _card(learned: LeadTimesLearned, spec: ModelSpec, trees: TreeParameters, made_from: Mapping[str, Any]) -> str:
    facts = "\n".join(f"- {name}: `{value}`" for name, value in made_from.items())
    left_out = "\n".join(f"- `{name}`: {why}" for name, why in learned.features.left_out.items()) or "- none"
    last = learned.stretches[-1]
    return f"""# {spec.name}

{spec.title}. Three quantiles a row of `{spec.table}`; {len(learned.features.features)} features.

## Intended use
To tell a customer or a planner when an order may be expected, and by when it can be promised at a service level that is
said beside it. It is made before the order is on its way and is not told what happens then.

## How it was made
{facts}
- algorithm: gradient-boosted trees of the pinball loss ({trees}); open orders count as censored
- margins: conformal, by region, from {REHEARSALS} rehearsals over the newest {REHEARSED_SHARE:.0%} of the orders known;
  a rehearsed order counts half after {HALF_LIFE_DAYS:.0f} days
- learned from {last.count_learned:,} orders that had been delivered before {last.origin:%Y-%m-%d}

## How good it is
Judged on {len(learned.backtest):,} delivered orders at {len(learned.stretches)} rising origins; 95 % intervals by a
bootstrap over days; promises at a service level of {SERVICE:.0%}. The last stretch was judged by this very version.

{_markdown(learned)}

## Not used
{left_out}

## Limits
- {spec.group_use}
- Orders that were never delivered, or later than counts as lost, are not judged.
- A level that moves faster than the rehearsals saw is followed only by the next training; compare the stretches.
"""


def _coverage_plot(segments: Sequence[Segment]) -> bytes:
    shown = [s for s in segments if len(s.names) == 1 and s.metrics][:31][::-1]
    figure = Figure(figsize=(5.6, 1.2 + 0.22 * len(shown)), layout="constrained")
    axes = figure.subplots()
    axes.axvline(LEVELS[-1] - LEVELS[0], color=MUTED, linewidth=1)
    for row, segment in enumerate(shown):
        found = segment.metrics["coverage"]
        axes.plot(found.value, row, "o", color=ACCENT)
        if found.low is not None and found.high is not None:
            axes.plot([found.low, found.high], [row, row], color=ACCENT)
    axes.set_yticks(range(len(shown)), [" ".join(segment.names.values()) for segment in shown])
    axes.set(xlabel="share of orders within the 90 % interval", title="Coverage by region")
    return png(figure)


def lead_time_model(estimator: Any) -> LeadTimeModel:
    """A loaded version as what it is.

    Raises:
        TypeError: it is another kind of model.
    """
    if not isinstance(estimator, LeadTimeModel):
        raise TypeError(f"A lead-time version holds a LeadTimeModel; this one holds {type(estimator).__name__}.")
    return estimator
