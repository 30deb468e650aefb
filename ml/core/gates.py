"""Gates between a trained version and its promotion: each answers pass, fail or insufficient evidence, with its inputs.

Belongs here: the limits, and the verdicts on how good a version is. Does not belong here: verdicts on how it runs
(ml/core/operating_gates), gathering what is judged (ml/jobs), who may promote (ml/core/promotion).

A gate judges the interval, not the point: it passes when the whole interval is on the right side of the limit, fails
when the whole interval is on the wrong side, and otherwise says that the evidence does not suffice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ml.core.intervals import Estimate

#: What two versions differ in, and the limits of it.
BRIER, PINBALL = "brier_difference", "relative_pinball_difference"
MARGINS = {BRIER: "brier_margin", PINBALL: "pinball_margin"}

Verdict = Literal["pass", "fail", "insufficient_evidence", "not_applicable"]


class Limits(BaseModel):
    """What the gates demand; the one reviewed file `ml/gates.yaml` sets it.

    Attributes:
        automatic_promotion: `first_version_only` lets the gates promote a model's first version; `never` does not.
        approval_valid_days: Days after which an approval is void.
        condition_valid_days: Days within which a condition of an approval must be confirmed as met.
        rollback_confirmed_hours: Hours within which another person must confirm a rollback.
        lowest_skill: Skill over each simple rule must lie above this: by Brier score, or by pinball loss for quantiles.
        highest_ece: Calibration error, debiased, must lie at or below this.
        brier_margin: The challenger's Brier score may exceed the champion's by this at most, overall.
        region_brier_margin: The same within each region that has `minimum_region_rows`.
        pinball_margin: What the challenger's pinball loss may exceed the champion's by, as a share of it, overall.
        region_pinball_margin: The same within each region that has `minimum_region_rows`.
        minimum_rows: Fewest evaluated rows of a verdict.
        minimum_region_rows: Fewest evaluated rows of a verdict on a region.
        fairness_tolerance: Largest gap of a region that is tolerated, in the unit of the audited measure.
        fairness_proof: What a version must not show, or must show: `beyond` refuses it when a region's gap is shown to
            exceed the tolerance; `within` passes it only when every judged region is shown to keep to it.
        highest_latency_ms: Milliseconds within which 99 % of single answers must come.
        reproduction_tolerance: Largest difference of a probability when the version is trained again.
        highest_shadow_difference: Largest mean absolute difference of the challenger's probabilities to the champion's.
        policy_cost_margin: A policy may make past orders dearer by this share of their mean cost at most.
        policy_on_time_margin: A policy may lower the expected on-time share of past orders by this at most.
        policy_regional_margin: A policy may widen the gap between regions' on-time shares by this at most.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    automatic_promotion: Literal["first_version_only", "never"]
    approval_valid_days: int = Field(ge=1)
    condition_valid_days: int = Field(ge=1)
    rollback_confirmed_hours: float = Field(gt=0)
    lowest_skill: float = Field(ge=0, lt=1)
    highest_ece: float = Field(gt=0, lt=1)
    brier_margin: float = Field(ge=0, lt=1)
    region_brier_margin: float = Field(ge=0, lt=1)
    pinball_margin: float = Field(ge=0)
    region_pinball_margin: float = Field(ge=0)
    minimum_rows: int = Field(ge=1)
    minimum_region_rows: int = Field(ge=1)
    fairness_tolerance: float = Field(ge=0, lt=1)
    fairness_proof: Literal["beyond", "within"]
    highest_latency_ms: float = Field(gt=0)
    reproduction_tolerance: float = Field(ge=0, lt=1)
    highest_shadow_difference: float = Field(gt=0, lt=1)
    policy_cost_margin: float = Field(ge=0, lt=1)
    policy_on_time_margin: float = Field(ge=0, lt=1)
    policy_regional_margin: float = Field(ge=0, lt=1)


@dataclass(frozen=True)
class Gate:
    """One gate's verdict, why, and what it was judged by."""

    name: str
    verdict: Verdict
    reason: str
    threshold: Mapping[str, Any]
    inputs: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return asdict(self)


def overall(gates: Sequence[Gate]) -> Verdict:
    """The worst of the gates' verdicts; those that do not apply count for nothing."""
    return worst([gate.verdict for gate in gates])


def judge(estimate: Estimate, limit: float, *, is_upper: bool) -> Verdict:
    """Whether a whole interval lies at or below an upper limit, or above a lower one."""
    if estimate.low is None or estimate.high is None:
        return "insufficient_evidence"
    if is_upper:
        return "pass" if estimate.high <= limit else "fail" if estimate.low > limit else "insufficient_evidence"
    return "pass" if estimate.low > limit else "fail" if estimate.high <= limit else "insufficient_evidence"


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """`fail` if there is one, else `insufficient_evidence` if there is one, else `pass`."""
    if "fail" in verdicts:
        return "fail"
    return "insufficient_evidence" if "insufficient_evidence" in verdicts else "pass"


def better_than_baselines(metrics: Mapping[str, Estimate], count_rows: int, limits: Limits) -> Gate:
    """The skill over every simple rule, by Brier score or pinball loss, lies above the limit."""
    skills = {name: estimate for name, estimate in metrics.items() if name.startswith("skill_over_")}
    threshold = {"lowest_skill": limits.lowest_skill, "minimum_rows": limits.minimum_rows}
    inputs = {"rows": count_rows, **{name: estimate.as_dict() for name, estimate in skills.items()}}
    if count_rows < limits.minimum_rows or not skills:
        reason = f"{count_rows} evaluated rows; a verdict needs {limits.minimum_rows} and a simple rule to compare with"
        return Gate("better_than_baselines", "insufficient_evidence", reason, threshold, inputs)
    verdict = worst([judge(estimate, limits.lowest_skill, is_upper=False) for estimate in skills.values()])
    least = min(skills, key=lambda name: skills[name].value)
    reason = f"least skill {skills[least]} ({least}); must lie above {limits.lowest_skill:g}"
    return Gate("better_than_baselines", verdict, reason, threshold, inputs)


def calibration(metrics: Mapping[str, Estimate], count_rows: int, limits: Limits) -> Gate:
    """The debiased calibration error lies at or below the limit."""
    threshold = {"highest_ece": limits.highest_ece, "minimum_rows": limits.minimum_rows}
    found = metrics.get("ece_debiased")
    inputs = {"rows": count_rows, "ece_debiased": found.as_dict() if found else None}
    if found is None or count_rows < limits.minimum_rows:
        reason = f"{count_rows} evaluated rows; a verdict needs {limits.minimum_rows} and days enough for an interval"
        return Gate("calibration", "insufficient_evidence", reason, threshold, inputs)
    verdict = judge(found, limits.highest_ece, is_upper=True)
    return Gate("calibration", verdict, f"calibration error {found}; at most {limits.highest_ece:g}", threshold, inputs)


def not_worse_than_champion(champion: str | None, difference: Estimate | None, by_region: Mapping[str, Estimate],
                            rows: Mapping[str, int], limits: Limits, problem: str = "",
                            measure: str = BRIER) -> Gate:  # fmt: skip
    """Paired non-inferiority: the difference to the champion stays within the margin, overall and by region.

    Args:
        champion: The champion's version, None if there is none.
        difference: Challenger less champion on the same rows.
        by_region: The same by region.
        rows: Rows compared: `overall` and each region.
        limits: Margins and minimum rows.
        problem: Why the two could not be compared, if so.
        measure: What the differences are of: `BRIER` or `PINBALL`.
    """
    name, field = "not_worse_than_champion", MARGINS[measure]
    margin, region_margin = float(getattr(limits, field)), float(getattr(limits, f"region_{field}"))
    threshold = {field: margin, f"region_{field}": region_margin, "minimum_rows": limits.minimum_rows,
                 "minimum_region_rows": limits.minimum_region_rows}  # fmt: skip
    if champion is None:
        return Gate(name, "not_applicable", "there is no champion to compare with", threshold, {"champion": None})
    inputs = {"champion": champion, "rows": dict(rows), "overall": difference.as_dict() if difference else None,
              "by_region": {region: estimate.as_dict() for region, estimate in by_region.items()}}  # fmt: skip
    count = rows.get("overall", 0)
    if difference is None or count < limits.minimum_rows:
        reason = problem or f"{count} rows that neither version learned from; a verdict needs {limits.minimum_rows}"
        return Gate(name, "insufficient_evidence", reason, threshold, inputs)
    judged = {
        region: judge(estimate, region_margin, is_upper=True)
        for region, estimate in by_region.items()
        if rows.get(region, 0) >= limits.minimum_region_rows
    }
    verdict = worst([judge(difference, margin, is_upper=True), *judged.values()])
    failed = [region for region, found in judged.items() if found == "fail"]
    what = measure.replace("_", " ").replace("brier", "Brier")
    reason = f"{what} {difference}; margin {margin:g}"
    reason += f"; worse in {', '.join(failed)}" if failed else f"; {len(judged)} of {len(by_region)} regions judged"
    return Gate(name, verdict, reason, threshold, inputs)


def fairness(audit: Mapping[str, Any] | None, limits: Limits) -> Gate:
    """No region's error is shown to exceed the tolerance; or, if so configured, every one is shown to keep to it.

    Judged on simultaneous intervals: the widest of thirty noisy gaps always strays, so that a point says little.

    Args:
        audit: `verdict` (gap, no_gap_found, insufficient_evidence, undefined), `worst_group`, `worst_gap`,
            `worst_interval`, `sha256`, and by the intervals of all judged regions: `beyond` (those that lie wholly
            beyond the tolerance) and `all_within` (whether every one lies wholly within it).
        limits: The tolerance and which proof is asked for.
    """
    threshold = {"fairness_tolerance": limits.fairness_tolerance, "fairness_proof": limits.fairness_proof}
    if audit is None:
        return Gate("fairness", "insufficient_evidence", "this version has not been audited", threshold, {})
    found, beyond = audit.get("verdict"), audit.get("beyond")
    reason = f"audit says {found}; worst {audit.get('worst_group')}, gap {_gap(audit)}"
    if found not in ("gap", "no_gap_found") or beyond is None:
        verdict: Verdict = "insufficient_evidence"
    elif beyond:
        verdict = "fail"
        reason += f"; shown to exceed {limits.fairness_tolerance:g} in {', '.join(beyond)}"
    else:
        reason += f"; shown to exceed {limits.fairness_tolerance:g} nowhere"
        is_enough = limits.fairness_proof == "beyond" or bool(audit.get("all_within"))
        verdict = "pass" if is_enough else "insufficient_evidence"
        if not is_enough:
            reason += ", and not shown to keep to it everywhere"
    return Gate("fairness", verdict, reason, threshold, dict(audit))


def _gap(audit: Mapping[str, Any]) -> str:
    gap, interval = audit.get("worst_gap"), audit.get("worst_interval")
    size = "of unstated size" if gap is None else f"{gap:+.4f}"
    return size if not interval else f"{size} [{interval[0]:+.4f}, {interval[1]:+.4f}]"


def signature(needed: Sequence[tuple[str, str]], served: Mapping[str, str]) -> Gate:
    """Every column that the model reads is served, in the kind that it was trained on."""
    absent = [name for name, _ in needed if name not in served]
    changed = [name for name, kind in needed if name in served and served[name] != kind]
    inputs = {"reads": [list(pair) for pair in needed], "absent": absent, "changed_kind": changed}
    if absent or changed:
        reason = f"absent: {', '.join(absent) or 'none'}; of another kind: {', '.join(changed) or 'none'}"
        return Gate("signature", "fail", reason, {}, inputs)
    return Gate("signature", "pass", f"all {len(needed)} columns are served in the kind trained on", {}, inputs)


def data_checks(checks: Mapping[str, Mapping[str, Any]] | None) -> Gate:
    """Every check of severity `fail` passed on the snapshot that the version was trained on.

    Args:
        checks: Check → `{"passed": bool, "severity": "fail" | "warn"}`; None if nobody validated that snapshot.
    """
    if not checks:
        return Gate("data_checks", "insufficient_evidence", "no validation of this snapshot is recorded", {}, {})
    failed = sorted(name for name, check in checks.items() if not check["passed"] and check.get("severity") != "warn")
    warned = sorted(name for name, check in checks.items() if not check["passed"] and check.get("severity") == "warn")
    inputs = {"checks": len(checks), "failed": failed, "warned": warned}
    reason = f"{len(checks)} checks: {len(failed)} failed, {len(warned)} warned"
    return Gate("data_checks", "fail" if failed else "pass", reason, {"failed": 0}, inputs)


def artifact(recorded: str | None, found: str | None) -> Gate:
    """The stored files are those whose digest was recorded when the version was registered."""
    inputs = {"recorded": recorded, "found": found}
    if not recorded or not found:
        return Gate("artifact", "insufficient_evidence", "no digest of the stored files is recorded", {}, inputs)
    if recorded != found:
        return Gate("artifact", "fail", "the stored files are not those that were registered", {}, inputs)
    return Gate("artifact", "pass", f"stored files have the digest {found[:12]}…", {}, inputs)
