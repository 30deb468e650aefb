"""What changed between two audits of the same subject.

Belongs here: comparing two results as data. Does not belong here: words (texts) or layout (first page).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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
