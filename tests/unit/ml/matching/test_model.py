import numpy as np
import pytest

from ml.core.matching.model import RARER, for_splink, posterior, share_of_true_pairs, tempered


def test_true_pairs_are_taken_out_of_the_strangers() -> None:
    levels = [
        {"is_null_level": True},
        {"m_probability": 0.9, "u_probability": 0.19},
        {"m_probability": 0.1, "u_probability": 0.81},
    ]
    model = {"probability_two_random_records_match": 0.1, "comparisons": [{"comparison_levels": levels}]}
    mended = tempered(model)["comparisons"][0]["comparison_levels"]

    # 2 % doubt moves m to 0.892. A tenth of the random pairs were true: 0.19 = 0.9 × u + 0.1 × 0.892, hence u = 0.112.
    assert mended[1]["m_probability"] == pytest.approx(0.98 * 0.9 + 0.01)
    assert mended[1]["u_probability"] == pytest.approx(0.112, abs=0.0005)
    assert levels[1]["u_probability"] == 0.19


def test_a_value_is_as_much_rarer_among_strangers_as_its_levels() -> None:
    levels = [
        {"m_probability": 0.9, "u_probability": 0.19, "tf_adjustment_column": "email"},
        {"m_probability": 0.1, "u_probability": 0.81},
    ]
    mended = tempered({"probability_two_random_records_match": 0.1, "comparisons": [{"comparison_levels": levels}]})

    # As above: of the 0.19 that agree, 0.112 are strangers.
    assert mended[RARER] == pytest.approx({"email": 0.112 / 0.19}, abs=0.003)
    assert RARER not in for_splink(mended)


def test_the_share_of_true_pairs_agrees_with_the_scores() -> None:
    # 100 sure pairs and 10,000 hopeless ones among a million possible.
    weights = np.r_[np.full(100, 20.0), np.full(10_000, -20.0)]

    assert share_of_true_pairs(weights, 0.01, 1_000_000) == pytest.approx(1e-4, rel=0.05)


def test_another_share_moves_the_odds_by_its_own() -> None:
    assert posterior(np.array([0.0]), 0.5, 0.8)[0] == pytest.approx(0.8)
