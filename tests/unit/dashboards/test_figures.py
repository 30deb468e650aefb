"""Intervals: published examples, and what must hold for every count."""

import random
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.figures import Estimate, difference, mean, median_ranks, proportion


def test_wilson_agrees_with_newcombes_published_example() -> None:
    # Newcombe 1998, Statistics in Medicine 17: 857-872, table I: 81 of 263.
    estimate = proportion(81, 263)
    assert estimate is not None
    assert (round(estimate.low, 4), round(estimate.high, 4)) == (0.2553, 0.3662)


def test_difference_agrees_with_newcombes_published_example() -> None:
    # Newcombe 1998, Statistics in Medicine 17: 873-890, table II, method 10: 56/70 less 48/80.
    change = difference(proportion(56, 70), proportion(48, 80))
    assert change is not None
    assert change.value == pytest.approx(0.2)
    assert (round(change.low, 4), round(change.high, 4)) == (0.0524, 0.3339)
    assert change.excludes_zero


def test_difference_of_means_is_the_two_sample_interval() -> None:
    # s1 = 1, n1 = 100 and s2 = 2, n2 = 400 have standard errors 0.1 and 0.1, together 0.1414.
    change = difference(mean(4.0, 1.0, 100), mean(3.9, 2.0, 400))
    assert change is not None
    assert change.high - change.value == pytest.approx(1.96 * 0.1414, abs=1e-3)
    assert not change.excludes_zero


def test_interval_of_a_median_covers_it_as_often_as_it_says() -> None:
    # 1,000 samples of 101 exponential values, whose median is ln 2: the share covered must be near 95 %.
    generator = random.Random(5)
    covered = 0
    for _ in range(1000):
        sample = sorted(generator.expovariate(1) for _ in range(101))
        low, high = (sample[min(100, int(rank * 101))] for rank in median_ranks(101))
        covered += low <= log(2) <= high
    assert 930 <= covered <= 980


def test_nothing_to_count_is_no_estimate() -> None:
    assert proportion(0, 0) is None
    assert mean(None, None, 0) is None
    assert difference(proportion(1, 2), None) is None


@given(st.integers(1, 10**7), st.data())
def test_every_share_lies_in_its_interval_within_0_and_1(n: int, data: st.DataObject) -> None:
    estimate = proportion(data.draw(st.integers(0, n)), n)
    assert estimate is not None
    assert 0 <= estimate.low <= estimate.value + 1e-12
    assert estimate.value - 1e-12 <= estimate.high <= 1
    assert estimate.low < estimate.high


@given(st.integers(0, 50), st.integers(0, 50))
def test_a_change_and_its_reverse_are_mirror_images(a: int, b: int) -> None:
    there, back = (difference(proportion(x, 50), proportion(y, 50)) for x, y in ((a, b), (b, a)))
    assert there is not None
    assert back is not None
    assert there.low == pytest.approx(-back.high)
    assert there.excludes_zero == back.excludes_zero


def test_an_interval_that_touches_zero_does_not_exclude_it() -> None:
    assert not Estimate(0.1, 0.0, 0.2, 10).excludes_zero
