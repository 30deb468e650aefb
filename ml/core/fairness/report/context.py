"""What a report states beside the audit: identity, purpose, data, oversight, and the other layers' evidence.

Belongs here: `ReportContext`. Does not belong here: numbers of the audit itself.

Every field may be left out; the page then prints that the evidence is missing and what would supply it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ml.core.fairness.errors import UnusableTable
from ml.core.fairness.results import json_values

LANGUAGES = frozenset({"en", "zh"})


@dataclass(frozen=True)
class ReportContext:
    """Context of one report.

    A text is printed as given; where it is a mapping with the keys `en` and `zh`, the page prints that of its language.

    Attributes:
        title: Heading, such as the model's name and version.
        decision_asked: What the reader is asked to decide.
        identity: Contents 1: `policy_version`, `model_version`, `data_window`, `data_snapshot`, `commit`, `run`,
            `author`, `assessor`, `independence`.
        purpose: Contents 2: what is optimised and which trade-offs were chosen.
        data: Contents 3: `origin`, `preparation`, `learned_label`, `gaps`.
        group_definition: Contents 4: what the groups are and why these.
        legitimate_factors: Contents 8: the control columns and why a difference through them is accepted.
        group_names: Group → name to print beside it.
        positions: Group → (latitude, longitude), for the tile map.
        label_layer: Contents 8: `LabelDecomposition.to_dict()`.
        decision_layer: Contents 5: the audit of decisions, `DecisionAudit.to_dict()`; `not_recorded` and `constant` may
            name outcomes that nothing is known of, or that are the same for every order.
        replays: Contents 5: proposed policies on the same orders, each `PolicyComparison.to_dict()`.
        proxies: Contents 4: `ProxyResult.to_dict()`.
        selective_labels: Contents 11: `SelectiveLabels.to_dict()`.
        over_time: Contents 10: `WeeklyDisparity.to_dict()`.
        changes: Contents 10: rule or model changes, each with `date`, `what`, `reason` and, where they are known, its
            `effect`, `ChangeEffect.to_dict()`, and the `disparity` around it, an `Amplification` as mapping.
        feedback: Contents 11: does today's decision become tomorrow's label?
        mitigation: Contents 12: `TradeOff.to_dict()`.
        routing_bounds: Contents 12: bounds on the regional on-time gap in routing, each with `limit`, `spread` and
            `cost` (without, with), `kept`, `extra`, their intervals, `orders` and `days`.
        accepted_risk: Contents 12: `risk`, `accepted_by`, `until`.
        oversight: Contents 13: `confidence_threshold`, `auto_share`, `override_share`, `seconds_per_review`,
        `seeded_cases`.
        logging: Contents 14: `log`, `retention`, `integrity`.
        privacy: Contents 15: `fields`, `necessity`.
        limits: Contents 16: further limits, beside those that the audit itself states.
        sign_off: Contents 17: `assessor`, `reviewer`, `verdict`, `conditions`, `expires`.
        previous: `to_dict()` of the audit before this one, for the differences.
    """

    title: str = "Audit"
    decision_asked: str = ""
    identity: Mapping[str, str] = field(default_factory=dict)
    purpose: str = ""
    data: Mapping[str, str] = field(default_factory=dict)
    group_definition: str = ""
    legitimate_factors: str = ""
    group_names: Mapping[str, Any] = field(default_factory=dict)
    positions: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    label_layer: Mapping[str, Any] | None = None
    decision_layer: Mapping[str, Any] | None = None
    replays: Sequence[Mapping[str, Any]] = ()
    proxies: Mapping[str, Any] | None = None
    selective_labels: Mapping[str, Any] | None = None
    over_time: Mapping[str, Any] | None = None
    changes: Sequence[Mapping[str, Any]] = ()
    feedback: str = ""
    mitigation: Mapping[str, Any] | None = None
    routing_bounds: Sequence[Mapping[str, Any]] = ()
    accepted_risk: Mapping[str, str] = field(default_factory=dict)
    oversight: Mapping[str, str] = field(default_factory=dict)
    logging: Mapping[str, str] = field(default_factory=dict)
    privacy: Mapping[str, str] = field(default_factory=dict)
    limits: Sequence[str] = ()
    sign_off: Mapping[str, str] = field(default_factory=dict)
    previous: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON values; equal contexts give equal bytes."""
        return {f.name: json_values(getattr(self, f.name)) for f in fields(self)}

    def in_language(self, language: str) -> "ReportContext":
        """The same with every text that is given in several languages in one of them."""
        return replace(self, **{f.name: _spoken(getattr(self, f.name), language) for f in fields(self)})


def _spoken(value: Any, language: str) -> Any:
    if isinstance(value, Mapping):
        if value.keys() == LANGUAGES:
            return value[language]
        return {key: _spoken(item, language) for key, item in value.items()}
    return [_spoken(item, language) for item in value] if isinstance(value, list) else value


def context_of(values: "ReportContext | Mapping[str, Any] | None") -> ReportContext:
    """A context from itself, from a mapping of its fields, or from nothing.

    Raises:
        UnusableTable: the mapping has a key that is no field.
    """
    if isinstance(values, ReportContext):
        return values
    known = {f.name for f in fields(ReportContext)}
    surplus = sorted(set(values or {}) - known)
    if surplus:
        raise UnusableTable(
            f"A report's context has the fields {sorted(known)}; got {surplus} too. Remove or rename them."
        )
    return ReportContext(**(values or {}))
