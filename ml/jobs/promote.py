"""The promotion job: the newest evaluated version through the gates, into a dossier, and as far as policy lets it go.

Belongs here: the job and its report. Does not belong here: a person's decision (ml/jobs/desk).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from ml.core.lifecycle import FIRST_VERSION_ONLY, GATES_ACTOR, State
from ml.io.champion import newest_version, reconcile
from ml.io.gate_limits import load_limits
from ml.io.stores import ModelStores, open_stores
from ml.jobs.catalogue import LATE_DELIVERY, ModelSpec
from ml.jobs.compare import comparison_markdown
from ml.jobs.desk import approve_first_by_gates, promote, propose
from ml.jobs.gating import GATES, Checks, file_dossier, gates_markdown, judge
from ml.jobs.shadow import benefits_markdown
from workspace.published import Snapshot
from workspace.settings import Settings

COUNTED = ("pass", "fail", "insufficient_evidence")


@dataclass(frozen=True)
class PromoteReport:
    """What became of a version.

    Attributes:
        status: `promoted` (first version, by the gates), `proposed` (a person decides), `refused` (a gate failed),
            `unchanged` (it had been decided on before), or `nothing` (no version).
        model, version, state: The version and where it stands now.
        champion: The champion's version now.
        verdict: Of all gates together; empty when they were not asked.
        gates: Each gate's verdict by name.
        reason: One sentence.
        dossier: SHA-256 of the dossier, empty if none was made.
        numbers: Counts of gates by verdict.
        markdown: The gates as a table, and the comparison with the champion.
    """

    status: str
    model: str
    version: str
    state: str
    champion: str | None
    verdict: str
    gates: Mapping[str, str]
    reason: str
    dossier: str
    numbers: Mapping[str, float]
    markdown: str


@dataclass(frozen=True)
class PromoteJob:
    """Judge a version and move it as far as policy allows; the newest version if none is named.

    Attributes:
        spec: The model.
        version: Version to judge.
        data_checks: Check → `{"passed": bool, "severity": "fail" | "warn"}`, of the present snapshot; None if nobody
            validated it.
    """

    spec: ModelSpec = field(default=LATE_DELIVERY)
    version: str | None = None
    data_checks: Checks | None = None

    def run(self, settings: Settings, snapshot: Snapshot) -> PromoteReport:
        """Judge, file the dossier, propose; promote only a first version, and only where `gates.yaml` says so."""
        with open_stores(settings) as stores:
            reconcile(stores, self.spec.name)
            version = self.version or newest_version(stores, self.spec.name)
            if version is None:
                return PromoteReport(
                    "nothing", self.spec.name, "", "", None, "", {}, "There is no version to judge.", "", {}, ""
                )
            state = stores.promotions.history(self.spec.name).version(version).state
            if state is not State.EVALUATED and not (
                state in (State.PROPOSED, State.APPROVED) and self._is_first(stores)
            ):
                return self._unchanged(stores, version)
            return self._judge_and_move(stores, version, snapshot)

    def _is_first(self, stores: ModelStores) -> bool:
        return not stores.promotions.history(self.spec.name).had_champion

    def _judge_and_move(self, stores: ModelStores, version: str, snapshot: Snapshot) -> PromoteReport:
        limits = load_limits()
        judged = judge(stores, self.spec, version, snapshot, limits, self.data_checks)
        found, verdict = judged.gates, judged.verdict
        signed = file_dossier(stores, self.spec, version, judged, limits)
        status, reason = "refused", "; ".join(f"{g.name}: {g.reason}" for g in found if g.verdict == "fail")
        before = stores.promotions.history(self.spec.name).version(version)
        if verdict != "fail":
            if before.dossier != signed or before.state is State.EVALUATED:
                propose(stores, self.spec.name, version, GATES_ACTOR, f"gates say {verdict}", signed)
            status = "proposed"
            reason = f"Gates say {verdict}; a person who did not make it decides: `oi models approve {version}`."
        if verdict == "pass" and self._is_first(stores) and limits.automatic_promotion == FIRST_VERSION_ONLY:
            if stores.promotions.history(self.spec.name).version(version).state is State.PROPOSED:
                approve_first_by_gates(stores, self.spec.name, version, limits)
            promote(
                stores, self.spec.name, version, GATES_ACTOR, "first version, all gates passed; no champion to replace"
            )
            status, reason = "promoted", "First version of this model; every applicable gate passed."
        history = stores.promotions.history(self.spec.name)
        text = gates_markdown(found)
        if judged.comparison:
            text += "\n\n" + comparison_markdown(judged.comparison)
        if judged.shadow and judged.shadow.benefits:
            text += "\n\n" + benefits_markdown([benefit.as_dict() for benefit in judged.shadow.benefits])
        return PromoteReport(
            status, self.spec.name, version, str(history.version(version).state), history.champion, verdict,
            {gate.name: gate.verdict for gate in found}, reason, signed,
            {f"gates_{name}": float(sum(g.verdict == name for g in found)) for name in COUNTED},
            text,
        )  # fmt: skip

    def _unchanged(self, stores: ModelStores, version: str) -> PromoteReport:
        history = stores.promotions.history(self.spec.name)
        found = history.version(version)
        path = stores.report_folder(self.spec.name, version) / GATES
        filed = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"verdict": "", "gates": []}
        reason = f"Version {version} is {found.state}; the champion is {history.champion or 'none'}."
        return PromoteReport(
            "unchanged", self.spec.name, version, str(found.state), history.champion, filed["verdict"],
            {gate["name"]: gate["verdict"] for gate in filed["gates"]}, reason, found.dossier or "", {}, reason,
        )  # fmt: skip
