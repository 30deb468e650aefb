"""Label, time, proxy, decision and mitigation layers on generators whose truth is known."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from ml.core.fairness.changes import find_changes
from ml.core.fairness.decisions import Outcome, audit_decisions, widened
from ml.core.fairness.errors import UnusableTable
from ml.core.fairness.labels import decompose_delay, repaired_labels
from ml.core.fairness.mitigation import price_mitigation, reweighing
from ml.core.fairness.overtime import log_e_values, weekly_disparity
from ml.core.fairness.proxies import find_proxies, selective_labels
from ml.core.fairness.report.page import render_html

HOURS = {"group": "region", "actual_hours": "actual", "promise_hours": "promise", "recording_lag_hours": "lag"}


@pytest.fixture(scope="module")
def history() -> pd.DataFrame:
    """Orders of ten regions: A released 8 h later, B scanned 10 h late, C promised 6 h tighter, D far, E tiny."""
    rng = np.random.default_rng(11)
    sizes = {**dict.fromkeys(("A", "B", "C", "D", "F", "G", "H", "I", "J"), 1200), "E": 40}
    region = np.repeat(list(sizes), list(sizes.values()))
    n = len(region)
    distance = rng.gamma(3, 150, n) + np.where(region == "D", 1500, 0)
    express = rng.random(n) < 0.3
    planned = 20 + distance / 25 - 8 * express
    duration = planned * rng.lognormal(0, 0.15, n) + 8 * (region == "A")
    lag = rng.uniform(0, 0.2, n) + 10 * (region == "B")
    promise = np.minimum(planned * 1.3 + 4, 90) - 6 * (region == "C")
    return pd.DataFrame({
        "region": region, "distance": distance, "service": np.where(express, "express", "standard"), "lag": lag,
        "actual": duration + lag, "promise": promise, "true_duration": duration, "day": rng.integers(0, 60, n),
    })  # fmt: skip


class TestLabels:
    @pytest.fixture(scope="class")
    @classmethod
    def found(cls, history):
        return decompose_delay(history, **HOURS, factors=["distance", "service"], cluster="day", tolerance_hours=2.0)

    def test_each_planted_cause_is_called_by_its_name_and_nobody_else_is_accused(self, found):
        assert found.named("unexplained") == ("A",)
        assert found.named("measurement") == ("B",)
        assert found.named("policy") == ("C",)
        assert found.verdict == "gap"

    def test_the_far_region_is_late_but_not_blamed(self, found, history):
        far = found.group("D")
        assert far.late_rate is not None
        assert far.late_rate > (history["actual"] > history["promise"]).mean()
        assert far.parts is not None
        assert not any(part.named for part in far.parts.values())

    def test_the_tiny_region_is_not_judged(self, found):
        assert (found.group("E").status, found.group("E").parts) == ("insufficient", None)

    def test_sizes_are_those_that_were_planted(self, found):
        for group, part, hours in (("A", "unexplained", 8.0), ("B", "measurement", 10.0), ("C", "policy", 6.0)):
            parts = found.group(group).parts
            assert parts is not None
            assert parts[part].hours == pytest.approx(hours, abs=1.5)
            # The promise has no noise of its own, so that its interval is narrower than the slopes are exact.
            assert parts[part].interval[0] - 0.1 <= hours <= parts[part].interval[1] + 0.1

    def test_a_factor_that_only_tells_the_regions_apart_leaves_nobody_to_compare_with(self, history):
        blind = decompose_delay(history, **HOURS, factors=["region"])
        assert (blind.verdicts["policy"], blind.verdicts["unexplained"]) == ("insufficient_evidence",) * 2
        assert blind.named("unexplained") == ()

    def test_parts_add_up_to_the_gap(self, found):
        for group in found.groups:
            if group.parts and len(group.parts) == 4:
                assert sum(part.hours for part in group.parts.values()) == pytest.approx(group.gap_hours)

    def test_without_recorded_lags_measurement_is_stated_as_not_assessed(self, history):
        blind = decompose_delay(
            history, group="region", actual_hours="actual", promise_hours="promise", factors=["distance"]
        )
        assert blind.not_assessed == ("measurement",)
        assert blind.verdicts["measurement"] == "undefined"

    def test_repaired_labels_lose_the_proven_faults(self, found, history):
        repaired = repaired_labels(history, found, **HOURS)
        scanned_late, lengthened = history["region"] == "B", history["region"] == "A"
        clean = history["true_duration"] > history["promise"]
        assert repaired[scanned_late].mean() == pytest.approx(clean[scanned_late].mean(), abs=0.01)
        assert repaired[lengthened].mean() < clean[lengthened].mean() - 0.05

    def test_delay_in_a_region_that_is_also_farther_is_not_explained_away_by_its_distance(self):
        rng = np.random.default_rng(6)
        region = rng.choice(list("ABCD"), 6000)
        distance = rng.gamma(3, 150, 6000) + 400 * (region == "A")
        actual = 20 + distance / 25 + rng.normal(0, 4, 6000) + 8 * (region == "A")
        table = pd.DataFrame({"region": region, "distance": distance, "actual": actual, "promise": 30 + distance / 25})
        hours = {"group": "region", "actual_hours": "actual", "promise_hours": "promise"}
        found = decompose_delay(table, **hours, factors=["distance"])
        parts = found.group("A").parts
        assert parts is not None
        assert found.named("unexplained") == ("A",)
        assert parts["unexplained"].hours == pytest.approx(8, abs=0.8)

    def test_no_planted_cause_no_accusation(self, history):
        fair = history[history["region"].isin(list("FGHIJ"))]
        found = decompose_delay(fair, **HOURS, factors=["distance", "service"], cluster="day")
        assert found.verdict == "no_gap_found"

    def test_columns_that_are_absent_or_no_numbers(self, history):
        with pytest.raises(UnusableTable, match="'hops'"):
            decompose_delay(history, **HOURS, factors=["hops"])
        with pytest.raises(UnusableTable, match="Hours are numbers"):
            decompose_delay(history.assign(actual="late"), **HOURS)


class TestOverTime:
    def test_no_disparity_rings_no_alarm_however_often_one_looks(self):
        rng = np.random.default_rng(0)
        rung = 0
        for _ in range(300):
            n_a, n_b = rng.integers(20, 60, 80), rng.integers(200, 400, 80)
            drifting = rng.uniform(0.05, 0.3, 80)
            e = log_e_values(n_a, rng.binomial(n_a, drifting), n_b, rng.binomial(n_b, drifting))
            rung += bool((e >= np.log(20)).any())
        assert rung <= 0.05 * 300 + 2

    def test_the_alarm_rings_after_the_change_and_not_before(self):
        rng = np.random.default_rng(1)
        rows = [(f"2026-W{week:02d}", region, int(rng.random() < (0.3 if region == "R1" and week >= 20 else 0.1)))
                for week in range(1, 41) for region in ("R1", "R2", "R3", "R4") for _ in range(80)]  # fmt: skip
        weekly = weekly_disparity(pd.DataFrame(rows, columns=["week", "region", "late"]), group="region", period="week",
                                  outcome="late")  # fmt: skip
        assert set(weekly.alarms) == {"R1"}
        assert "2026-W20" <= weekly.alarms["R1"] <= "2026-W30"

    def test_a_carrier_change_is_found_at_its_date(self):
        rng = np.random.default_rng(2)
        rows = [(f"2026-{9 + day // 30:02d}-{day % 30 + 1:02d}", f"area{area}",
                 "slow" if (area == 3 and day >= 31) or rng.random() < 0.1 else "fast")
                for area in range(30) for day in range(60) for _ in range(4)]  # fmt: skip
        found = find_changes(pd.DataFrame(rows, columns=["day", "area", "carrier"]), group="area", period="day",
                             kind="carrier")  # fmt: skip
        assert [(c.group, c.since) for c in found] == [("area3", "2026-10-02")]
        assert found[0].after["slow"] == pytest.approx(1.0)


class TestProxies:
    def test_a_post_code_tells_the_region_and_a_coin_does_not(self):
        rng = np.random.default_rng(3)
        region = rng.integers(0, 5, 4000)
        table = pd.DataFrame({"region": region.astype(str), "post_code": region * 100 + rng.integers(0, 9, 4000),
                              "coin": rng.random(4000)})  # fmt: skip
        found = find_proxies(table, group="region", features=["post_code", "coin"])
        assert found.proxies == ("post_code",)
        assert found.accuracy > 0.99 > 0.3 > found.baseline
        assert find_proxies(table, group="region", features=["coin"]).accuracy < found.baseline + 0.05

    def test_labels_that_are_missing_in_one_region_are_noticed(self, planted):
        table = planted([0.2] * 6, 800).astype({"late": float})
        table.loc[(table["region"] == "R02") & (table.index % 3 == 0), "late"] = np.nan
        found = selective_labels(table, label="late", group="region", resamples=300)
        assert found.verdict == "gap"
        assert found.metric.named == ("R02",)


class TestDecisions:
    def test_amplification_doubles_when_the_policy_doubles_the_spread(self):
        rng = np.random.default_rng(4)
        region = np.repeat([f"R{i}" for i in range(12)], 1500)
        effect = np.repeat(rng.normal(0, 0.05, 12), 1500)
        before = pd.DataFrame({"region": region, "late": (rng.random(len(region)) < 0.3 + effect).astype(int)})
        after = pd.DataFrame({"region": region, "late": (rng.random(len(region)) < 0.3 + 2 * effect).astype(int),
                              "promised_days": rng.normal(3, 1, len(region)) + (region == "R3") * 0.5})  # fmt: skip
        outcomes = {"late": Outcome("rate", "higher"), "promised_days": Outcome("mean", "higher")}
        found = audit_decisions(after, group="region", outcomes=outcomes, history=before, resamples=300)
        wider = found.amplification["late"]
        assert wider.interval is not None
        assert wider.interval[0] < 2 < wider.interval[1]
        assert wider.interval[0] > 1
        assert found.metrics["promised_days"].named == ("R3",)
        assert "promised_days" not in found.amplification

    def test_a_change_after_the_last_order_has_widened_nothing_yet(self, planted):
        before = planted([0.1, 0.3, 0.1], 400)
        assert widened(before.iloc[:0], before, group="region", outcome="late") is None
        found = widened(planted([0.1, 0.6, 0.1], 400), before, group="region", outcome="late")
        assert found is not None
        assert found.interval is not None
        assert found.interval[0] > 1


class TestMitigation:
    @pytest.fixture(scope="class")
    @classmethod
    def curve(cls):
        rng = np.random.default_rng(5)
        n = 8_000
        region = rng.choice(["A", "B", "C", "D"], n, p=[0.4, 0.3, 0.2, 0.1])
        signal = rng.normal(size=n)
        late = (rng.random(n) < 1 / (1 + np.exp(1.5 - signal - 1.5 * (region == "D")))).astype(int)
        table = pd.DataFrame({"region": region, "late": late, "signal": signal, "is_d": (region == "D") * 1.0})
        return price_mitigation(
            LogisticRegression(), table[: n // 2], table[n // 2 :], label="late", group="region",
            features=["signal", "is_d"], proxies=["is_d"], minimum_support=30, resamples=100,
        )  # fmt: skip

    def test_own_thresholds_close_the_gap_at_a_price(self, curve):
        by_name = {remedy.name: remedy for remedy in curve.remedies}
        assert by_name["thresholds_by_group"].gap < 0.7 * by_name["none"].gap
        assert by_name["none"].cost <= by_name["thresholds_by_group"].cost
        assert "none" in curve.efficient

    def test_what_remains_and_what_is_added_are_beside_doing_nothing_on_the_same_rows(self, curve):
        by_name = {remedy.name: remedy for remedy in curve.remedies}
        none, own = by_name["none"], by_name["thresholds_by_group"]
        assert (none.kept, none.extra, none.extra_interval) == (1.0, 0.0, (0.0, 0.0))
        assert own.kept == pytest.approx(own.gap / none.gap)
        assert own.kept_interval[0] < own.kept < own.kept_interval[1]
        assert own.extra == pytest.approx(own.cost / none.cost - 1)
        paired = own.extra_interval[1] - own.extra_interval[0]
        assert paired < (own.cost_interval[1] - own.cost_interval[0]) / none.cost
        assert all(by_name[name].offered for name in curve.efficient)

    def test_a_randomised_remedy_is_shown_and_not_offered(self, curve):
        drawn = next(r for r in curve.remedies if r.randomised)
        assert (drawn.name, drawn.offered) == ("exponentiated_gradient", False)
        assert drawn.name not in curve.efficient

    def test_reweighing_makes_label_and_group_independent(self):
        label, group = np.array([1, 1, 1, 0, 0, 1, 0, 0, 0, 0]), np.array(list("AAAAABBBBB"))
        weights = reweighing(label, group)
        rates = [np.average(label[group == g], weights=weights[group == g]) for g in "AB"]
        assert rates == pytest.approx([0.4, 0.4])

    def test_too_few_positives_are_refused(self):
        table = pd.DataFrame({"region": ["A", "B"] * 50, "late": [0, 1] * 50, "signal": 0.0})
        with pytest.raises(UnusableTable, match="there are 0"):
            price_mitigation(LogisticRegression(), table, table, label="late", group="region", features=["signal"])


def test_a_report_with_all_layers_shows_them_in_both_languages(history, planted):
    from ml.core.fairness.audit import audit_predictions

    table = planted([0.2] * 4 + [0.4], 600)
    weeks = table.assign(week=lambda t: "W" + (t.index % 9).astype(str))
    result = audit_predictions(table, label="late", score="score", group="region", resamples=200)
    decomposed = decompose_delay(history, **HOURS, factors=["distance"], resamples=200)
    context = {
        "label_layer": decomposed.to_dict(),
        "over_time": weekly_disparity(weeks, group="region", period="week", outcome="late").to_dict(),
        "proxies": find_proxies(table, group="region", features=["score"]).to_dict(),
        "selective_labels": selective_labels(table, label="late", group="region", resamples=200).to_dict(),
        "decision_layer": audit_decisions(
            table, group="region", outcomes={"late": Outcome("rate")}, resamples=200
        ).to_dict(),
    }
    bare = render_html(result)
    for language, word in (("en", "Unexplained"), ("zh", "未解释")):
        page = render_html(result, context, language)
        assert word in page
        assert page.count("<svg") >= bare.count("<svg") + 4
