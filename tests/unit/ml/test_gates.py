"""Each gate says pass, fail or insufficient evidence by the interval, and records what it was judged by."""

import pytest

from ml.core import gates, operating_gates
from ml.core.gates import Limits, overall
from ml.core.intervals import Estimate
from ml.io.gate_limits import load_limits

LIMITS = Limits(
    automatic_promotion="first_version_only", approval_valid_days=14, lowest_skill=0.0, highest_ece=0.05,
    brier_margin=0.002, region_brier_margin=0.01, pinball_margin=0.02, region_pinball_margin=0.05, minimum_rows=500,
    minimum_region_rows=200, fairness_tolerance=0.05, fairness_proof="beyond", condition_valid_days=30,
    rollback_confirmed_hours=24,
    highest_latency_ms=5.0, reproduction_tolerance=1e-6, highest_shadow_difference=0.1,
    policy_cost_margin=0.1, policy_on_time_margin=0.02, policy_regional_margin=0.02,
)  # fmt: skip


def test_the_reviewed_file_holds_every_limit():
    assert load_limits().automatic_promotion == "first_version_only"


@pytest.mark.parametrize(
    ("lane", "rows", "verdict"),
    [
        (Estimate(0.05, 0.01, 0.09), 5000, "pass"),
        (Estimate(0.05, -0.01, 0.09), 5000, "insufficient_evidence"),
        (Estimate(-0.05, -0.09, -0.01), 5000, "fail"),
        (Estimate(0.05, 0.01, 0.09), 400, "insufficient_evidence"),
        (Estimate(0.05), 5000, "insufficient_evidence"),
    ],
)
def test_a_model_must_beat_every_simple_rule_by_the_whole_interval(lane, rows, verdict):
    metrics = {"skill_over_base_rate": Estimate(0.2, 0.1, 0.3), "skill_over_lane_rate": lane}
    gate = gates.better_than_baselines(metrics, rows, LIMITS)
    assert gate.verdict == verdict
    assert gate.inputs["rows"] == rows
    assert gate.threshold["lowest_skill"] == 0.0


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (Estimate(0.02, 0.01, 0.04), "pass"),
        (Estimate(0.04, 0.02, 0.07), "insufficient_evidence"),
        (Estimate(0.09, 0.06, 0.12), "fail"),
    ],
)
def test_calibration_is_judged_by_its_interval(error, verdict):
    assert gates.calibration({"ece_debiased": error}, 5000, LIMITS).verdict == verdict


def test_without_a_champion_the_comparison_is_not_applicable_and_does_not_stop_anything():
    gate = gates.not_worse_than_champion(None, None, {}, {}, LIMITS)
    assert gate.verdict == "not_applicable"
    assert overall([gate, gates.artifact("a", "a")]) == "pass"


def test_one_region_that_gets_worse_fails_although_the_whole_improves():
    regions = {"north": Estimate(-0.02, -0.03, -0.01), "south": Estimate(0.03, 0.02, 0.04)}
    rows = {"overall": 5000, "north": 4000, "south": 1000}
    gate = gates.not_worse_than_champion("1", Estimate(-0.01, -0.02, -0.005), regions, rows, LIMITS)
    assert gate.verdict == "fail"
    assert "worse in south" in gate.reason


def test_a_region_with_five_orders_is_neither_judged_nor_forgotten():
    rows = {"overall": 5000, "far": 5}
    gate = gates.not_worse_than_champion("1", Estimate(0, -0.001, 0.001), {"far": Estimate(0.5)}, rows, LIMITS)
    assert gate.verdict == "pass"
    assert gate.inputs["rows"]["far"] == 5
    assert "0 of 1 regions judged" in gate.reason


def audited(verdict, interval, beyond=(), all_within=False):
    return {
        "verdict": verdict, "worst_group": "north", "worst_gap": sum(interval) / 2, "worst_interval": list(interval),
        "beyond": list(beyond), "all_within": all_within,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("audit", "by_proof_beyond", "by_proof_within"),
    [
        (None, "insufficient_evidence", "insufficient_evidence"),
        (audited("no_gap_found", (-0.02, 0.03), all_within=True), "pass", "pass"),
        (audited("no_gap_found", (-0.02, 0.07)), "pass", "insufficient_evidence"),
        (audited("gap", (-0.10, -0.01)), "pass", "insufficient_evidence"),
        (audited("gap", (-0.12, -0.06), beyond=["north"]), "fail", "fail"),
        (audited("insufficient_evidence", (-0.3, 0.3)), "insufficient_evidence", "insufficient_evidence"),
        ({"verdict": "undefined", "worst_gap": None}, "insufficient_evidence", "insufficient_evidence"),
        ({"verdict": "gap", "worst_gap": -0.2, "worst_group": "n"}, "insufficient_evidence", "insufficient_evidence"),
    ],
)  # fmt: skip
def test_the_fairness_gate_decides_on_intervals_by_the_proof_asked_for(audit, by_proof_beyond, by_proof_within):
    assert gates.fairness(audit, LIMITS).verdict == by_proof_beyond
    strict = LIMITS.model_copy(update={"fairness_proof": "within"})
    assert gates.fairness(audit, strict).verdict == by_proof_within


def test_the_fairness_gate_names_the_regions_that_exceed_the_tolerance():
    gate = gates.fairness(audited("gap", (-0.12, -0.06), beyond=["north"]), LIMITS)
    assert "-0.0900 [-0.1200, -0.0600]" in gate.reason
    assert "exceed 0.05 in north" in gate.reason


def test_a_column_that_is_no_longer_served_fails_the_signature():
    served = {"distance_km": "number", "channel": "number"}
    gate = gates.signature([("distance_km", "number"), ("channel", "category"), ("gone", "number")], served)
    assert gate.verdict == "fail"
    assert "gone" in gate.reason
    assert "channel" in gate.reason


def test_a_failed_check_of_severity_warn_does_not_stop_a_version():
    passed = {"passed": True, "severity": "fail"}
    assert gates.data_checks({"a": passed, "b": {"passed": False, "severity": "warn"}}).verdict == "pass"
    assert gates.data_checks({"a": passed, "b": {"passed": False, "severity": "fail"}}).verdict == "fail"
    assert gates.data_checks(None).verdict == "insufficient_evidence"


def test_other_files_than_those_registered_fail():
    assert gates.artifact("a", "b").verdict == "fail"
    assert gates.artifact("a", None).verdict == "insufficient_evidence"


def test_fail_outweighs_missing_evidence():
    found = [gates.artifact("a", "b"), gates.data_checks(None), gates.artifact("a", "a")]
    assert overall(found) == "fail"
    assert overall(found[1:]) == "insufficient_evidence"


def test_quantiles_are_held_to_margins_of_their_own():
    rows = {"overall": 5000, "north": 500}
    difference = Estimate(0.015, 0.012, 0.018)  # 1.5 % more pinball loss: beyond the margin of Brier, within its own
    by_region = {"north": Estimate(0.01, -0.02, 0.04)}
    gate = gates.not_worse_than_champion("1", difference, by_region, rows, LIMITS, measure=gates.PINBALL)
    assert gate.verdict == "pass"
    assert gate.threshold["pinball_margin"] == 0.02
    worse = {"north": Estimate(0.08, 0.06, 0.10)}
    assert gates.not_worse_than_champion("1", difference, worse, rows, LIMITS, measure=gates.PINBALL).verdict == "fail"
    assert gates.not_worse_than_champion("1", difference, {}, rows, LIMITS).verdict == "fail"


def trained_again(difference, again="b"):
    return {"problem": "", "rows": 900, "recorded": "a", "again": again, "largest_difference": difference}


@pytest.mark.parametrize(
    ("repeated", "verdict"),
    [
        (None, "insufficient_evidence"),
        ({"problem": "its snapshot is gone"}, "insufficient_evidence"),
        (trained_again(0.0, again="a"), "pass"),
        (trained_again(1e-9), "pass"),
        (trained_again(0.02), "fail"),
    ],
)
def test_a_version_must_come_out_again_within_the_tolerance(repeated, verdict):
    assert operating_gates.reproduction(repeated, LIMITS).verdict == verdict


@pytest.mark.parametrize(
    ("p99", "verdict"),
    [
        ((0.02, 0.01, 0.03), "pass"),
        ((4.0, 3.0, 6.0), "insufficient_evidence"),
        ((9.0, 8.0, 12.0), "fail"),
    ],
)
def test_the_time_of_an_answer_is_judged_by_the_interval_of_its_percentile(p99, verdict):
    measured = {"p99_ms": Estimate(*p99).as_dict(), "calls": 2500}
    assert operating_gates.latency(measured, LIMITS).verdict == verdict
    assert operating_gates.latency(None, LIMITS).verdict == "insufficient_evidence"


def beside(both=900, scored=900, south=(0.02, 0.01, 0.03)):
    return {
        "scored": scored, "both": both, "difference": Estimate(0.02, 0.01, 0.03).as_dict(),
        "by_region": {"south": Estimate(*south).as_dict(), "far": Estimate(0.9).as_dict()},
        "rows": {"south": 300, "far": 5},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("champion", "shadow", "verdict", "words"),
    [
        (None, None, "not_applicable", "no champion"),
        ("1", None, "insufficient_evidence", "0 answers in shadow"),
        ("1", beside(both=80), "insufficient_evidence", "80 answers"),
        ("1", beside(), "pass", "exceeded nowhere"),
        ("1", beside(south=(0.3, 0.2, 0.4)), "fail", "exceeded in south"),
        ("1", beside(south=(0.1, 0.05, 0.15)), "insufficient_evidence", "exceeded nowhere"),
        ("1", beside(scored=901), "fail", "1 that the champion gave were left out"),
    ],
)
def test_the_challenger_must_agree_in_shadow_in_every_region_and_leave_no_order_out(champion, shadow, verdict, words):
    gate = operating_gates.shadow_agreement(champion, shadow, LIMITS)
    assert gate.verdict == verdict
    assert words in gate.reason
