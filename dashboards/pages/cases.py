"""A version before the desk, as the person who decides needs it: what is asked, what changed, what nobody could assess.

Belongs here: from versions, dossiers and events to the values of the desk's pages. Does not belong here: deciding
(`dashboards.pages.desk` and, behind it, `ml.jobs.desk`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboards.evidence import Evidence
from dashboards.pages.versions import ModelView, VersionView
from ml.core.lifecycle import Duty, State
from workspace.links import Event

#: Parts of the desk's queue, and the states that are in each.
QUEUE: Mapping[str, Sequence[State]] = {
    "waiting": (State.PROPOSED,),
    "approved": (State.APPROVED, State.SHADOW),
    "judged": (State.EVALUATED,),
}

#: Decisions on the dossier that a state allows.
DECISIONS: Mapping[State | None, Sequence[str]] = {
    State.PROPOSED: ("approve", "reject"),
    State.APPROVED: ("reject",),
    State.SHADOW: ("reject",),
}
#: Ways into service that a state allows.
SERVICES: Mapping[State | None, Sequence[str]] = {State.APPROVED: ("promote", "shadow"), State.SHADOW: ("promote",)}

#: Where a dossier states what may differ from the champion's: name in the texts → path.
COMPARED: Mapping[str, Sequence[str]] = {
    "artifact": ("artifact", "digest"),
    "recipe": ("recipe",),
    "snapshot": ("made_from", "snapshot"),
    "table": ("made_from", "table_sha256"),
    "commit": ("made_from", "code_commit"),
    "is_dirty": ("made_from", "code_is_dirty"),
    "lock": ("made_from", "lock_sha256"),
    "origin": ("origin",),
}


@dataclass(frozen=True)
class Difference:
    """A fact that two dossiers state, and whether they state the same."""

    name: str
    before: str
    after: str

    @property
    def is_same(self) -> bool:
        """Whether nothing changed."""
        return self.before == self.after


@dataclass(frozen=True)
class GateChange:
    """A gate's verdict on this version and on the champion; None where it did not judge."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Case:
    """One version before the desk.

    Attributes:
        view: The version.
        champion: What it would replace; None if nothing is in service, or it is itself.
        asked: The event that brought it here.
        dossier: The dossier that a decision binds to; None if there is none or it was changed.
        problem: Why the dossier cannot be shown: `absent`, `changed` or empty.
        differences: What its dossier states otherwise than the champion's; all that both state.
        gates: Gates, with the champion's verdicts.
        not_assessed: What could not be judged, in words.
        duties: What somebody must confirm about it.
        returns_to: The version that a rollback would put in service again; None if there is none.
    """

    view: VersionView
    champion: VersionView | None
    asked: Event | None
    dossier: Mapping[str, Any] | None
    problem: str
    differences: Sequence[Difference]
    gates: Sequence[GateChange]
    not_assessed: Sequence[str]
    duties: Sequence[Duty]
    returns_to: str | None

    @property
    def services(self) -> Sequence[str]:
        """Ways into service in its state."""
        return SERVICES.get(self.view.known.state, ())

    @property
    def benefits(self) -> Sequence[Mapping[str, Any]]:
        """What would change by outcomes, by its shadow or by its replay, as its dossier holds it."""
        for part in ("replay", "shadow"):
            if found := (self.dossier or {}).get(part):
                return list(found["benefits"])
        return ()

    @property
    def decisions(self) -> Sequence[str]:
        """What may be decided in its state."""
        return DECISIONS.get(self.view.known.state, ())

    @property
    def comparison(self) -> Mapping[str, Any] | None:
        """Paired differences to the champion on the same rows, as its dossier holds them."""
        found: Mapping[str, Any] | None = (self.dossier or {}).get("comparison")
        return found


def queue_of(models: Sequence[ModelView], events: Sequence[Event]) -> dict[str, list[tuple[VersionView, Event | None]]]:
    """Versions that wait, by what for, each with the event that brought it there; oldest first."""
    latest = {event.subject: event for event in events}
    queue: dict[str, list[tuple[VersionView, Event | None]]] = {}
    for part, states in QUEUE.items():
        found = [(v, latest.get(f"{v.model}/{v.version}")) for m in models for v in m.versions
                 if v.known.state in states]  # fmt: skip
        queue[part] = sorted(found, key=lambda pair: pair[1].sequence if pair[1] else 0)
    return queue


def duties_of(models: Sequence[ModelView]) -> list[tuple[str, Duty]]:
    """Model and what somebody must confirm about it, the most urgent first."""
    found = [(model.name, duty) for model in models for duty in model.history.duties]
    return sorted(found, key=lambda pair: pair[1].due_at)


def case_of(model: ModelView, view: VersionView, events: Sequence[Event], evidence: Evidence) -> Case:
    """The case of one version."""
    found = evidence.dossier(view.known.dossier) if view.known.dossier else None
    champion = model.champion if model.champion is not view else None
    before = evidence.dossier(champion.known.dossier) if champion and champion.known.dossier else None
    proposals = [e for e in events if e.subject == f"{view.model}/{view.version}" and e.kind == State.PROPOSED]
    dossier = found.content if found else None
    return Case(
        view, champion, proposals[-1] if proposals else None, dossier, str(found.problem) if found else "absent",
        _differences(before.content if before else None, dossier), _gate_changes(champion, view), _gaps_in(view),
        [duty for duty in model.history.duties if duty.version == view.version],
        model.history.champions[-2] if view.is_champion and len(model.history.champions) > 1 else None,
    )  # fmt: skip


def _differences(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[Difference]:
    if not before or not after:
        return []
    pairs = {name: (_at(before, path), _at(after, path)) for name, path in COMPARED.items()}
    limits = {**(before.get("limits") or {}), **(after.get("limits") or {})}
    for name in limits:
        old, new = _at(before, ("limits", name)), _at(after, ("limits", name))
        if old != new:
            pairs[name] = (old, new)
    return [Difference(name, old, new) for name, (old, new) in pairs.items() if old or new]


def _at(dossier: Mapping[str, Any], path: Sequence[str]) -> str:
    value: Any = dossier
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return "" if value is None else str(value)


def _gate_changes(champion: VersionView | None, view: VersionView) -> list[GateChange]:
    before = {gate["name"]: str(gate["verdict"]) for gate in champion.gates} if champion else {}
    return [GateChange(gate["name"], before.get(gate["name"]), str(gate["verdict"])) for gate in view.gates]


def _gaps_in(view: VersionView) -> list[str]:
    """What the gates and the audit say that they could not judge."""
    gates = [f"{gate['name']}: {gate['reason']}" for gate in view.gates if gate["verdict"] == "insufficient_evidence"]
    audit = [str(item["text"]) for item in (view.audit or {}).get("not_assessed", [])]
    return gates + audit
