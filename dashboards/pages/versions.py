"""Model versions as a person reads them: state by the ledger, metrics, gates, regions.

Belongs here: from the ledger's events and the files of evidence to the values of the pages. Does not belong here: the
rules of promotion (`ml.core.promotion`), verdicts (`ml.core.gates`) or statistics (`ml.core.fairness`): all of that is
read as it was filed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboards.evidence import Evidence
from ml.core.lifecycle import History, State, Version
from ml.core.promotion import fold
from workspace.links import Event

EVALUATION, FAIRNESS, GATES = "evaluation.json", "fairness.json", "gates.json"

#: Metrics of the list of versions; the page of a version shows all.
LISTED = ("roc_auc", "brier", "ece_debiased", "skill_over_base_rate")

VERDICT_MARKS = {"pass": "good", "fail": "bad", "insufficient_evidence": "warn", "not_applicable": "none"}
AUDIT_MARKS = {"no_gap_found": "good", "gap": "bad", "insufficient_evidence": "warn", "undefined": "none"}


@dataclass(frozen=True)
class VersionView:
    """One version with everything that was filed about it.

    Attributes:
        model, version: Which.
        known: What the ledger's events add up to.
        is_champion: Whether it is in service.
        registered_at: ISO time of its registration.
        evaluation, fairness, audit: Content of those files; None with a word in `problems`.
        gates: Gates with verdict, reason, threshold.
        verdict: Of all gates together.
        problems: File → `absent` or `changed`.
    """

    model: str
    version: str
    known: Version
    is_champion: bool
    registered_at: str
    evaluation: Mapping[str, Any] | None
    fairness: Mapping[str, Any] | None
    audit: Mapping[str, Any] | None
    gates: Sequence[Mapping[str, Any]]
    verdict: str
    problems: Mapping[str, str]

    @property
    def metrics(self) -> Mapping[str, Mapping[str, float | None]]:
        """Metric → value, low, high, as the ledger holds them."""
        found: Mapping[str, Mapping[str, float | None]] = self.known.evaluated.get("metrics", {})
        return found

    @property
    def latest(self) -> Mapping[str, Mapping[str, float | None]]:
        """The same on the newest stretch, which this very version judged."""
        return self.evaluation["latest"] if self.evaluation else {}

    @property
    def audit_digest(self) -> str:
        """Digest of its fairness report; empty if it was never audited."""
        return str(self.fairness["sha256"]) if self.fairness else ""


@dataclass(frozen=True)
class RegionRow:
    """One group of an audit, and what may be concluded about it.

    `gap` is how far its realised rate lies from the predicted one *beyond* the reference groups, with its simultaneous
    interval: that is what the audit's finding and the gate rest on. Shares of one; None where the evidence is too thin.
    """

    group: str
    name: str | None
    status: str
    n: int | None
    realised: float | None
    predicted: float | None
    gap: float | None
    low: float | None
    high: float | None
    named: bool


@dataclass(frozen=True)
class LayerRow:
    """One layer of an audit: its verdict, and by what which regions stand out."""

    layer: str
    verdict: str
    findings: Sequence[tuple[str, Sequence[str]]]


@dataclass(frozen=True)
class ModelView:
    """One model: its history and its versions, newest first."""

    name: str
    history: History
    versions: Sequence[VersionView]

    @property
    def champion(self) -> VersionView | None:
        """The version in service."""
        return next((version for version in self.versions if version.is_champion), None)


def models_of(events: Sequence[Event], evidence: Evidence) -> list[ModelView]:
    """All models that the ledger knows, by name."""
    names = sorted({event.subject.rpartition("/")[0] for event in events})
    return [model_of(name, [e for e in events if e.subject.rpartition("/")[0] == name], evidence) for name in names]


def model_of(name: str, events: Sequence[Event], evidence: Evidence) -> ModelView:
    """One model from its events."""
    history = fold(name, events)
    registered = {e.subject.rpartition("/")[2]: e.at for e in events if e.kind == State.REGISTERED}
    order = sorted(history.versions, key=lambda version: (len(version), version), reverse=True)
    versions = [
        _version_of(history, version, registered.get(version, ""), evidence) for version in order
    ]  # fmt: skip
    return ModelView(name, history, versions)


def _version_of(history: History, version: str, registered_at: str, evidence: Evidence) -> VersionView:
    known = history.version(version)
    model, problems = history.model, {}
    evaluation = evidence.version_file(model, version, EVALUATION, known.evaluated.get("evidence", {}).get(EVALUATION))
    fairness = evidence.version_file(model, version, FAIRNESS)
    audit = evidence.audit(str(fairness.content["sha256"])) if fairness.content else fairness
    gates = evidence.dossier(known.dossier) if known.dossier else evidence.version_file(model, version, GATES)
    for name, found in {EVALUATION: evaluation, FAIRNESS: fairness, "audit.json": audit, "gates": gates}.items():
        if found.problem:
            problems[name] = str(found.problem)
    return VersionView(
        model, version, known, history.champion == version, registered_at, evaluation.content, fairness.content,
        audit.content["audit"] if audit.content else None, gates.content["gates"] if gates.content else [],
        str(gates.content["verdict"]) if gates.content else "", problems,
    )  # fmt: skip


def layers_of(version: VersionView, names: Mapping[str, str]) -> list[LayerRow]:
    """The label, prediction and decision layer of a version's audit; only the middle one without published orders."""
    found = version.fairness
    if not found:
        return []
    strays = [row.name or row.group for row in regions_of(version, names) if row.named]
    rows = [LayerRow("prediction", found["verdict"], [(found["measure"], strays)] if strays else [])]
    if label := found.get("label"):
        parts = [(part, [names.get(g, g) for g in groups]) for part, groups in label["named"].items() if groups]
        rows.insert(0, LayerRow("label", label["verdict"], parts))
    if decision := found.get("decision"):
        rows.append(LayerRow("decision", decision["verdict"], [(outcome, ()) for outcome in decision["gaps"]]))
    return rows


def alarms_of(version: VersionView, names: Mapping[str, str]) -> list[tuple[str, str]]:
    """Region and the week in which its alarm over time rang, the earliest first."""
    alarms = version.fairness.get("alarms", {}) if version.fairness else {}
    return sorted(((names.get(group, group), week) for group, week in alarms.items()), key=lambda pair: pair[::-1])


def regions_of(version: VersionView, names: Mapping[str, str]) -> list[RegionRow]:
    """Groups of a version's audit on the measure that its gate judges: named ones, then the farthest."""
    if not version.audit or not version.fairness:
        return []
    judged = version.audit["metrics"][version.fairness["measure"]]["groups"]
    rates = {row["group"]: row for row in version.fairness["by_group"]}
    rows = []
    for group in judged:
        rate, interval = rates.get(group["group"], {}), group["difference_interval"] or (None, None)
        rows.append(RegionRow(
            group["group"], names.get(group["group"]), group["status"], group["n"], rate.get("realised"),
            rate.get("predicted"), group["difference"], interval[0], interval[1], group["named"],
        ))  # fmt: skip
    return sorted(rows, key=lambda row: (not row.named, row.gap is None, -abs(row.gap or 0), row.group))
