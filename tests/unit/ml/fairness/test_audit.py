"""What an audit concludes about tables whose answer is known."""

import numpy as np
import pandas as pd
import pytest
from fairlearn import metrics as fairlearn
from fairlearn.metrics import MetricFrame
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.core.fairness.audit import audit_predictions, audit_with_intersections
from ml.core.fairness.cells import cells_of_table
from ml.core.fairness.errors import UnusableTable
from ml.core.fairness.grouped import GroupData
from ml.core.fairness.inference import assess


def audit(table, **given_settings):
    return audit_predictions(table, **{"label": "late", "group": "region", "resamples": 500, **given_settings})


class TestVerdicts:
    def test_names_the_regions_that_differ_and_no_other(self, planted):
        result = audit(planted([0.25, 0.25] + [0.10] * 8, 1000))
        assert result.verdict == "gap"
        assert result.metrics["base_rate"].named == ("R00", "R01")
        assert result.worst is not None
        assert result.worst.interval[0] > 0

    def test_the_reference_is_free_of_the_named_regions(self, planted):
        rate = audit(planted([0.6, 0.6, 0.6] + [0.10] * 8, 1000)).metrics["base_rate"]
        assert rate.reference == pytest.approx(0.10, abs=0.01)
        assert rate.named == ("R00", "R01", "R02")

    def test_equal_regions_give_no_gap_and_say_what_could_have_been_seen(self, planted):
        result = audit(planted([0.2] * 10, 1000, seed=3))
        assert result.verdict == "no_gap_found"
        assert 0.02 < result.smallest_detectable_gap["base_rate"] < 0.08

    def test_of_two_regions_only_the_worse_one_is_named(self, planted):
        table = planted([0.10, 0.30], 1000)
        assert audit(table).metrics["base_rate"].named == ("R01",)
        assert audit(table, outcome="benefit").metrics["base_rate"].named == ("R00",)

    def test_a_difference_within_the_tolerance_is_no_gap(self, planted):
        table = planted([0.14] + [0.10] * 9, 5000)
        assert audit(table).verdict == "gap"
        within = audit(table, tolerance=0.08)
        assert within.verdict == "no_gap_found"
        assert within.metrics["base_rate"].reason.code == "within_tolerance"

    def test_a_tolerance_that_could_not_be_seen_is_insufficient(self, planted):
        assert audit(planted([0.3] * 4, 150), tolerance=0.02).verdict == "insufficient_evidence"

    def test_several_metrics_together_keep_the_level(self, planted):
        alarms = sum(
            audit(planted([0.2] * 6, 300, seed=s), score="score", prediction="flag", resamples=199).verdict == "gap"
            for s in range(40)
        )
        assert alarms <= 6  # 5 % of 40 is 2; more than 6 has a probability of 0.3 %


class TestSmallGroups:
    def test_a_group_under_the_support_gets_no_rate(self, planted):
        result = audit(planted([0.1] * 5 + [1.0], [1000] * 5 + [40]))
        thin = result.metrics["base_rate"].group("R05")
        assert (thin.status, thin.rate, thin.interval, thin.n) == ("insufficient", None, None, 40)
        assert thin.shrunken is not None
        assert any("R05" in str(said) for said in result.not_assessed)
        assert "R05" not in result.metrics["base_rate"].named

    def test_a_group_without_positives_has_an_interval_that_is_not_a_point(self, planted):
        table = planted([0.0, 0.3, 0.3], 300)
        found = audit(table, prediction="late", metrics=["base_rate", "false_negative_rate"])
        rate = found.metrics["base_rate"].group("R00")
        assert rate.rate == 0.0
        assert rate.interval is not None
        assert rate.interval[0] == 0.0 < rate.interval[1]
        missed = found.metrics["false_negative_rate"].group("R00")
        assert (missed.status, missed.rate) == ("undefined", None)

    def test_a_group_of_one_row_is_not_printed_and_not_in_any_total(self, planted):
        table = pd.concat([planted([0.1] * 4, 500), pd.DataFrame({"region": ["Z"], "late": [1]})])
        result = audit(table)
        assert result.suppressed == ("Z",)
        assert result.counts["in_groups"] == 2000
        assert result.metrics["base_rate"].n == 2000
        lone = result.metrics["base_rate"].group("Z")
        assert (lone.status, lone.n, lone.rate, lone.shrunken) == ("suppressed", None, None, None)

    def test_shrinkage_draws_small_groups_further(self, planted):
        rate = audit(planted([0.1, 0.2, 0.3, 0.4, 0.6], [2000, 2000, 2000, 2000, 60])).metrics["base_rate"]
        thin = rate.group("R04")
        raw = planted([0.1, 0.2, 0.3, 0.4, 0.6], [2000, 2000, 2000, 2000, 60]).query("region == 'R04'")["late"].mean()
        assert thin.shrunken is not None
        assert rate.overall is not None
        assert rate.overall < thin.shrunken < raw


class TestControl:
    def test_distance_that_explains_the_gap_clears_the_region(self):
        rng = np.random.default_rng(1)
        region = rng.choice(["near", "mixed", "far"], 12_000)
        distance = rng.normal(pd.Series(region).map({"near": 200, "mixed": 600, "far": 1000}), 300)
        late = rng.random(12_000) < np.clip(distance / 4000, 0.02, 1)
        table = pd.DataFrame({"region": region, "distance": distance, "late": late.astype(int)})
        result = audit(table, control="distance", tolerance=0.05)
        assert result.unconditional["base_rate"].verdict == "gap"
        assert result.metrics["base_rate"].verdict == "no_gap_found"
        assert any(note.code == "control_changed_verdict" for note in result.notes)

    def test_a_gap_inside_the_strata_is_found_though_the_totals_hide_it(self):
        # By hand: A is later in both strata (0.3 > 0.2, 0.7 > 0.6) but lives in the easy one, so its total is lower.
        cells = [("A", "easy", 2700, 0.3), ("A", "hard", 300, 0.7), ("B", "easy", 300, 0.2), ("B", "hard", 2700, 0.6)]
        table = pd.DataFrame(
            [(r, s, y, round(n * (p if y else 1 - p))) for r, s, n, p in cells for y in (0, 1)],
            columns=["region", "stratum", "late", "n"],
        )
        assert audit(table, count="n").metrics["base_rate"].named == ("B",)
        assert audit(table, count="n", control="stratum").metrics["base_rate"].named == ("A",)

    def test_a_control_that_determines_the_group_leaves_nothing_to_compare(self, planted):
        table = planted([0.1, 0.4], 500).assign(warehouse=lambda t: "W" + t["region"])
        result = audit(table, control="warehouse")
        assert result.verdict == "undefined"
        assert result.metrics["base_rate"].reason.code == "control_determines_group"
        assert all(g.rate is None for g in result.metrics["base_rate"].groups)


class TestWeightsAndCounts:
    def test_counts_give_the_audit_of_the_rows(self, planted):
        rows = planted([0.1, 0.2, 0.3], 400)
        counted = rows.groupby(["region", "late"], as_index=False).size()
        assert audit(rows).to_dict()["metrics"] == audit(counted, count="size").to_dict()["metrics"]

    def test_weights_change_the_rate_but_add_no_evidence(self, planted):
        table = planted([0.15, 0.10, 0.10], 400, seed=5)
        plain, tenfold = audit(table), audit(table.assign(w=10.0), weight="w")
        assert plain.metrics["base_rate"].p == tenfold.metrics["base_rate"].p
        skewed = audit(table.assign(w=np.where(table["late"] == 1, 3.0, 1.0)), weight="w").metrics["base_rate"]
        assert skewed.overall == pytest.approx(
            np.average(table["late"], weights=np.where(table["late"] == 1, 3, 1)), abs=2e-3
        )

    def test_a_weight_of_zero_leaves_the_row_out_and_counts_it(self, planted):
        table = planted([0.1, 0.2], 500).assign(w=1.0)
        table.loc[:99, "w"] = 0.0
        result = audit(table, weight="w")
        assert result.counts["zero_weight"] == 100
        assert result.metrics["base_rate"].group("R00").n == 400


class TestBadInput:
    def test_no_rows(self, planted):
        result = audit(planted([0.1, 0.2], 500).head(0))
        assert (result.verdict, result.reason.code) == ("undefined", "no_rows")

    def test_one_group(self, planted):
        result = audit(planted([0.1], 500))
        assert (result.verdict, result.reason.code, result.worst) == ("undefined", "one_group", None)

    @pytest.mark.parametrize("missing", [None, "", " unknown ", "NaN"])
    def test_rows_without_a_group_are_counted_and_not_guessed(self, planted, missing):
        table = planted([0.1] * 3, 500)
        table["region"] = table["region"].astype(object)
        table.loc[:49, "region"] = missing
        result = audit(table)
        assert result.unknown_count == 50
        assert result.groups == ("R00", "R01", "R02")

    def test_all_groups_missing(self, planted):
        result = audit(planted([0.1, 0.2], 100).assign(region=None))
        assert (result.verdict, result.reason.code) == ("undefined", "no_known_group")

    @pytest.mark.parametrize(
        ("column", "value", "said"),
        [
            ("score", 1.2, "from 0 to 1"), ("score", -0.1, "from 0 to 1"), ("score", np.nan, "from 0 to 1"),
            ("score", np.inf, "from 0 to 1"), ("late", 2, "0, 1 or missing"), ("flag", np.nan, "0 or 1"),
            ("w", -1.0, "at least 0"), ("w", np.nan, "at least 0"), ("w", np.inf, "at least 0"),
        ],
    )  # fmt: skip
    def test_values_outside_their_rule_are_refused_with_their_place(self, planted, column, value, said):
        table = planted([0.1, 0.2], 200).assign(w=1.0).astype({"flag": float, "late": float})
        table.loc[7, column] = value
        with pytest.raises(UnusableTable, match=f"{said}.*{column}.*first in row 8"):
            audit(table, score="score", prediction="flag", weight="w")

    def test_an_absent_column_is_named_beside_those_that_are_there(self, planted):
        with pytest.raises(UnusableTable, match=r"'area' is not in the table, which has \['region', 'late'"):
            audit(planted([0.1, 0.2], 200), group="area")

    def test_ten_thousand_groups(self):
        rng = np.random.default_rng(2)
        table = pd.DataFrame(
            {"region": rng.integers(0, 10_000, 150_000).astype(str), "late": rng.integers(0, 2, 150_000)}
        )
        result = audit(table)
        assert result.verdict == "insufficient_evidence"
        assert result.metrics["base_rate"].reason.values["groups"] > 9_000

    def test_everybody_late_leaves_no_difference_to_find(self, planted):
        result = audit(planted([1.0, 1.0, 1.0], 300))
        assert (result.verdict, result.reason.values["statement"].code) == ("undefined", "one_value")

    @pytest.mark.parametrize("bad", [{"alpha": 0.9}, {"minimum_support": 0}, {"tolerance": -1.0}, {"resamples": 5}])
    def test_parameters_out_of_range(self, planted, bad):
        with pytest.raises(UnusableTable, match="got"):
            audit(planted([0.1, 0.2], 200), **bad)

    def test_an_unknown_metric_and_one_without_its_columns(self, planted):
        with pytest.raises(UnusableTable, match="A metric is one of"):
            audit(planted([0.1, 0.2], 200), metrics=["equity"])
        with pytest.raises(UnusableTable, match=r"needs \['score'\]"):
            audit(planted([0.1, 0.2], 200), metrics=["brier_score"])


class TestScores:
    def scored(self, seed, rows=6000, off=0.0):
        """Twelve regions of uneven size and risk; rare outcomes; the score is right, but `off` in region 2."""
        rng = np.random.default_rng(seed)
        share = 1 / np.arange(1, 13)
        region = rng.choice(12, rows, p=share / share.sum())
        score = rng.beta(0.5 + region / 8, 9, rows)
        late = rng.random(rows) < np.clip(score + off * (region == 2), 0, 1)
        return pd.DataFrame({"region": region.astype(str), "late": late.astype(int), "score": score})

    def test_a_calibrated_score_raises_no_alarm_though_regions_differ_in_risk(self):
        audits = [audit(self.scored(s), score="score", metrics=["calibration_error"], resamples=199) for s in range(60)]
        assert sum(a.verdict == "gap" for a in audits) <= 8  # 5 % of 60 is 3; more than 8 has a probability of 0.3 %

    def test_skewed_values_of_equal_mean_raise_no_alarm(self):
        rng = np.random.default_rng(8)
        alarms = 0
        for seed in range(60):
            table = self.scored(seed).assign(score=lambda t: rng.beta(0.5, 9, len(t)))
            alarms += audit(table, score="score", metrics=["mean_prediction"], resamples=199).verdict == "gap"
        assert alarms <= 8

    def test_a_region_whose_outcome_strays_from_its_score_is_named_with_its_size(self):
        found = audit(self.scored(1, rows=20_000, off=0.10), score="score").metrics["calibration_error"]
        assert found.named == ("2",)
        assert found.group("2").difference == pytest.approx(0.10, abs=0.02)
        assert found.group("2").rate == pytest.approx(0.10, abs=0.02)

    def test_a_score_that_is_wrong_for_all_alike_is_no_gap_between_groups(self):
        table = self.scored(2, rows=20_000).assign(score=lambda t: t["score"] / 2)
        found = audit(table, score="score").metrics["calibration_error"]
        assert found.overall is not None
        assert found.overall > 0.02
        assert found.verdict == "no_gap_found"

    def test_risk_that_differs_inside_a_score_bin_is_no_miscalibration(self):
        # Both scores fall in one bin; each region's outcome is exactly its score.
        rows = [(r, s, y, round(1e6 * (s if y else 1 - s))) for r, s in (("A", 0.10), ("B", 0.12)) for y in (0, 1)]
        table = pd.DataFrame(rows, columns=["region", "score", "late", "n"])
        found = audit(table, score="score", count="n")
        assert found.metrics["base_rate"].verdict == "gap"
        assert found.metrics["calibration_error"].verdict == "no_gap_found"


class TestFairlearnAgrees:
    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [
            ("selection_rate", fairlearn.selection_rate), ("false_positive_rate", fairlearn.false_positive_rate),
            ("false_negative_rate", fairlearn.false_negative_rate), ("mean_prediction", None),
        ],
    )  # fmt: skip
    def test_rates_are_those_of_fairlearn_on_counts(self, planted, ours, theirs):
        table = planted([0.3, 0.4, 0.5], 600, seed=9)
        result = audit(table, score="score", prediction="flag", minimum_support=20)
        predicted = table["score"] if theirs is None else table["flag"]
        frame = MetricFrame(
            metrics=theirs or fairlearn.mean_prediction, y_true=table["late"], y_pred=predicted,
            sensitive_features=table["region"],
        )  # fmt: skip
        metric = result.metrics[ours]
        for name, value in frame.by_group.items():
            assert metric.group(str(name)).rate == pytest.approx(value, abs=1e-12)
        assert metric.overall == pytest.approx(frame.overall, abs=1e-12)

    def test_control_features_stratify_as_in_fairlearn(self, planted):
        table = planted([0.3, 0.4], 600, seed=9).assign(tier=lambda t: np.where(t.index % 2, "gold", "basic"))
        frame = MetricFrame(
            metrics=fairlearn.selection_rate, y_true=table["late"], y_pred=table["flag"],
            sensitive_features=table["region"], control_features=table["tier"],
        )  # fmt: skip
        cells = cells_of_table(table, label="late", prediction="flag", group="region", control="tier")
        for stratum, tier in enumerate(cells.strata):
            part = cells.frame[cells.frame["stratum"] == stratum]
            for g, region in enumerate(cells.groups):
                rows = part[part["group"] == g]
                ours = rows.loc[rows["prediction"] == 1, "rows"].sum() / rows["rows"].sum()
                assert ours == pytest.approx(frame.by_group[(tier, region)], abs=1e-12)


class TestRepeatability:
    def test_the_same_table_gives_the_same_bytes_whatever_its_order(self, planted):
        table = planted([0.1, 0.2, 0.3], 400)
        shuffled = table.sample(frac=1, random_state=4)
        assert audit(table, score="score").digest == audit(shuffled, score="score").digest

    def test_another_seed_is_another_record(self, planted):
        table = planted([0.1, 0.2, 0.3], 400)
        assert audit(table).digest != audit(table, seed=1).digest

    @settings(max_examples=25, deadline=None)
    @given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400)), min_size=1, max_size=8))
    def test_any_counts_give_intervals_that_hold_their_rate_and_p_values_in_range(self, pairs):
        rows = [(f"g{i}", y, n) for i, pair in enumerate(pairs) for y, n in enumerate(pair)]
        table = pd.DataFrame(rows, columns=["region", "late", "n"])
        result = audit(table, count="n", resamples=100, minimum_support=30)
        for group in result.metrics["base_rate"].groups:
            if group.status != "judged":
                assert group.rate is None
                continue
            assert group.rate is not None
            assert group.interval is not None
            assert group.adjusted_p is not None
            assert 0 <= group.interval[0] <= group.rate <= group.interval[1] <= 1
            assert 0 < group.adjusted_p <= 1
        assert result.to_dict()


class TestIntersections:
    def test_a_gap_that_only_the_crossing_shows_is_found(self, planted):
        table = planted([0.2] * 4, 2000).assign(tier=lambda t: np.where(t.index % 2, "gold", "basic"))
        rng = np.random.default_rng(0)
        for region, tier, rate in (("R00", "gold", 0.35), ("R00", "basic", 0.05)):
            place = (table["region"] == region) & (table["tier"] == tier)
            table.loc[place, "late"] = (rng.random(place.sum()) < rate).astype(int)
        main = cells_of_table(table, label="late", group="region")
        both = cells_of_table(table, label="late", group=["region", "tier"])
        result = audit_with_intersections(main, {"region × tier": both}, resamples=500)
        assert result.metrics["base_rate"].verdict == "no_gap_found"
        assert (result.verdict, result.reason.code) == ("gap", "gap_in_intersection")
        assert set(result.intersections["region × tier"].metrics["base_rate"].named) == {"R00 × gold", "R00 × basic"}


def test_one_supported_group_beside_small_ones_is_not_judged_alone():
    rows = [("small", 1, 10), ("large", 0, 10), ("large", 1, 290)]
    result = audit(pd.DataFrame(rows, columns=["region", "late", "n"]), count="n")
    assert result.verdict == "insufficient_evidence"
    assert [(g.status, g.rate) for g in result.metrics["base_rate"].groups] == [
        ("undefined", None),
        ("insufficient", None),
    ]


def test_a_region_named_only_because_worse_ones_moved_the_middle_is_cleared() -> None:
    # Counts of 645 rows in each of 31 regions, drawn with the first three 8 points above the others' 0.3. The others'
    # lowest, 154, looks different (p = 0.048) until the three have left the middle, and it is judged once more.
    late = [251, 230, 259, 184, 195, 189, 189, 185, 191, 197, 190, 187, 177, 198, 199, 192, 183, 182, 184, 201, 204,
            182, 201, 184, 203, 196, 165, 203, 188, 154, 194]  # fmt: skip
    n = np.full((1, 31), 645.0)
    names = tuple(f"R{i:02d}" for i in range(31))
    found = assess(GroupData("rate", names, n, n, np.array([late], float), np.zeros_like(n)), minimum_support=50,
                   alpha=0.05, resamples=1000, seed=622)  # fmt: skip
    assert [names[g] for g in np.flatnonzero(found.adjusted_p <= 0.05)] == ["R00", "R01", "R02"]
