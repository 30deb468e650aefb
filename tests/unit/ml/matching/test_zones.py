import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.core.matching.zones import PRECISION_FLOOR, balanced_floor, choose_zones, corrected


def test_the_threshold_is_the_lowest_that_keeps_the_floor() -> None:
    # 0.99 alone is 0.99; with 0.95 the mean is 0.97; with 0.60 it is 0.8467.
    zones = choose_zones(np.array([0.60, 0.99, 0.95]), floor=0.97)

    assert zones.link_at == 0.95
    assert zones.expected_precision == pytest.approx(0.97)


def test_nothing_is_linked_below_even_odds_however_good_the_rest() -> None:
    zones = choose_zones(np.array([0.999999] * 1000 + [0.4]), floor=0.99)

    assert zones.link_at == 0.999999


def test_when_no_pair_reaches_the_floor_nothing_is_linked() -> None:
    zones = choose_zones(np.array([0.8, 0.7]), floor=0.995)

    assert (zones.of(np.array([0.8, 0.7])) != "linked").all()


@given(st.lists(st.floats(0, 1), max_size=50), st.floats(0.5, 1))
def test_zones_are_in_order_and_keep_the_floor(probabilities: list[float], floor: float) -> None:
    scores = np.array(probabilities)
    zones = choose_zones(scores, floor)
    linked = scores[zones.of(scores) == "linked"]

    assert zones.queue_at <= zones.link_at
    assert not linked.size or linked.mean() >= floor - 1e-9


def test_verdicts_move_the_scores_of_their_range_and_keep_their_order() -> None:
    scores = np.array([0.1, 0.45, 0.5, 0.97])
    # 40 of 40 decided pairs near 0.5 were the same: (20 × 0.5 + 40) / 60 = 5/6 instead of 1/2.
    moved = corrected(scores, np.full(40, 0.5), np.ones(40, dtype=bool))

    assert moved[2] == pytest.approx(5 / 6)
    assert moved[1] < moved[2]
    assert moved[0] == pytest.approx(0.1)
    assert moved[3] == pytest.approx(0.97)


def test_a_balanced_floor_is_where_expected_f1_is_greatest() -> None:
    # Expected F1 of the first one, two, three: 2·0.9/(1+2.2), 2·1.6/(2+2.2), 2·2.2/(3+2.2): the most with all three.
    assert balanced_floor(np.array([0.6, 0.9, 0.7])) == pytest.approx(2.2 / 3)
    assert balanced_floor(np.array([0.2])) == PRECISION_FLOOR
