"""Match weights: their sum is the score, and the charts say them without a network."""

import math
import re

import pytest

from ml.core.matching.charts import explanation_page, waterfall_svg, weights_svg
from ml.core.matching.weights import Step, level_weights, prior_weight, probability_of, step_of

COMPARISON = {
    "output_column_name": "email",
    "comparison_levels": [
        {"sql_condition": '"email_l" is null', "label_for_charts": "unknown", "is_null_level": True},
        {"sql_condition": '"email_l" = "email_r"', "label_for_charts": "equal", "m_probability": 0.8,
         "u_probability": 0.1, "tf_adjustment_column": "email", "tf_minimum_u_value": 0.025},
        {"sql_condition": "ELSE", "label_for_charts": "different", "m_probability": 0.2, "u_probability": 0.9},
    ],
}  # fmt: skip
MODEL = {"comparisons": [COMPARISON], "probability_two_random_records_match": 0.2}


def test_steps_and_prior_add_up_to_the_odds() -> None:
    # Odds 1 : 4 at random; m / u = 8; the value is half as frequent as the level's values are, which doubles it: 4 : 1.
    step = step_of(COMPARISON, 1, {"email": 0.05})
    assert (step.weight, step.rarity) == pytest.approx((3.0, 1.0))
    assert prior_weight(MODEL) == pytest.approx(-2.0)
    assert probability_of(MODEL, [step]) == pytest.approx(0.8)


def test_a_value_counts_as_no_rarer_than_the_least_and_an_unknown_one_says_nothing() -> None:
    assert step_of(COMPARISON, 1, {"email": 1e-9}).rarity == pytest.approx(2.0)
    assert step_of(COMPARISON, 0, {}) == Step("email", "", 0.0)


def test_charts_escape_what_they_are_given_and_reach_for_nothing() -> None:
    levels = level_weights(MODEL)
    assert [(level.level, round(level.weight, 2)) for level in levels] == [("equal", 3.0), ("different", -2.17)]
    fall = waterfall_svg(-2.0, [Step("<b>", "equal", 3.0, 1.0)], "t")
    page = explanation_page("<i>", "note", fall, weights_svg(levels, "w"), ("a", "b"))
    assert "<b>" not in page
    assert "<i>" not in page
    assert not re.search(r"(src|href)=|<script|https?://(?!www\.w3\.org)", page)
    # The prior, the level, the rarity of the value, and what they add up to.
    assert re.findall(r"([+-]\d+\.\d)</text>", fall) == ["-2.0", "+3.0", "+1.0", "+2.0"]


def test_a_chart_fits_a_phone_and_every_label_begins_at_its_edge() -> None:
    fall = waterfall_svg(-2.0, [Step("name", "same letters in another order or script", 3.0)], "t")
    width = int(re.findall(r'width="(\d+)"', fall)[0])
    assert width <= 340
    assert fall.count('<text x="0"') == 3
    assert all(float(x) >= 0 and float(x) + float(w) <= width for x, w in
               re.findall(r'<rect class="[a-z]+" x="([\d.]+)" y="\d+" width="([\d.]+)"', fall))  # fmt: skip


def test_bits_are_logarithms_of_two() -> None:
    assert math.isclose(level_weights(MODEL)[0].weight, math.log2(0.8 / 0.1))
