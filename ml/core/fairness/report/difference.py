"""What changed between two audits of the same subject.

Belongs here: comparing two results as data. Does not belong here: words (texts) or layout (first page).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml.core.fairness.audit import combine
from ml.core.fairness.report.context import ReportContext
from ml.core.fairness.results import AuditResult, Verdict

#: Parts of the label layer that can name a group.
ACCUSING = ("measurement", "policy", "unexplained")


@dataclass(frozen=True)
class MetricChange:
    """What changed in one metric: verdicts, and the groups newly and no longer named."""

    metric: str
    before: str
    after: str
    newly_named: tuple[str, ...]
    no_longer_named: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """Differences between an earlier audit and this one.

    Attributes:
        verdict: (before, after), or None when equal.
        metrics: Metrics whose verdict or named groups differ.
        worst: (before, after) worst gap as `{"metric", "group", "difference"}`, or None when equal.
        new_groups: Groups that only this audit has.
        gone_groups: Groups that only the earlier one has.
    """

    verdict: tuple[str, str] | None
    metrics: tuple[MetricChange, ...]
    worst: tuple[Mapping[str, Any] | None, Mapping[str, Any] | None] | None
    new_groups: tuple[str, ...]
    gone_groups: tuple[str, ...]

    @property
    def nothing(self) -> bool:
        """Whether the two say the same."""
        return not (self.verdict or self.metrics or self.worst or self.new_groups or self.gone_groups)


def change_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> Change:
    """Compare two audits.

    Args:
        before: `AuditResult.to_dict()` of the earlier audit.
        after: The same of this one.
    """
    metrics = []
    for name, metric in after["metrics"].items():
        old = before["metrics"].get(name)
        if old is None:
            continue
        was, now = _named(old), _named(metric)
        if old["verdict"] != metric["verdict"] or was != now:
            metrics.append(
                MetricChange(
                    name, old["verdict"], metric["verdict"], tuple(sorted(now - was)), tuple(sorted(was - now))
                )
            )
    earlier, later = set(before["groups"]), set(after["groups"])
    return Change(
        verdict=(before["verdict"], after["verdict"]) if before["verdict"] != after["verdict"] else None,
        metrics=tuple(metrics),
        worst=(before["worst"], after["worst"]) if before["worst"] != after["worst"] else None,
        new_groups=tuple(sorted(later - earlier)),
        gone_groups=tuple(sorted(earlier - later)),
    )


def _named(metric: Mapping[str, Any]) -> set[str]:
    return {group["group"] for group in metric["groups"] if group["named"]}


def summary_of_layers(context: ReportContext) -> dict[str, Any]:
    """What the layers beside the model's say: verdicts, groups named by part of the delay, decisions, alarms."""
    label, decision, weekly = context.label_layer, context.decision_layer, context.over_time
    return {
        "label": {"verdict": label["verdict"], "named": {part: named_by(label, part) for part in ACCUSING}}
        if label else None,
        "decision": {"verdict": decision["verdict"],
                     "gaps": [name for name, m in decision["metrics"].items() if m["verdict"] == "gap"]}
        if decision else None,
        "alarms": {g["group"]: g["alarm"] for g in weekly["groups"] if g["alarm"]} if weekly else {},
    }  # fmt: skip


def named_by(label_layer: Mapping[str, Any], part: str) -> list[str]:
    """Groups that a part of the label layer names."""
    return [g["group"] for g in label_layer["groups"] if ((g["parts"] or {}).get(part) or {}).get("named")]


def verdict_over_layers(result: AuditResult, context: ReportContext) -> Verdict:
    """A gap in any layer is a gap; the layers stay apart below it."""
    beside = [layer["verdict"] for layer in (context.label_layer, context.decision_layer) if layer]
    return combine([result.verdict, *beside])


@dataclass(frozen=True)
class LayerChange:
    """What a layer newly says and no longer says, such as groups named by a part of the delay."""

    what: str
    new: tuple[str, ...]
    gone: tuple[str, ...]


def layer_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[LayerChange]:
    """Compare two summaries of layers; what only one of them audited is left out."""
    pairs = [("alarm", set(before["alarms"]), set(after["alarms"]))]
    if before["decision"] and after["decision"]:
        pairs.append(("decision", set(before["decision"]["gaps"]), set(after["decision"]["gaps"])))
    if before["label"] and after["label"]:
        was_named, is_named = before["label"]["named"], after["label"]["named"]
        pairs += [(f"part_{part}", set(was_named[part]), set(is_named[part])) for part in ACCUSING]
    return [
        LayerChange(what, tuple(sorted(now - was)), tuple(sorted(was - now))) for what, was, now in pairs if was != now
    ]
