"""Bounds from a measure's own past: robust against outliers, never tighter than the floor, silent on a short past."""

from hypothesis import given
from hypothesis import strategies as st

from expectations.checks import LearnedMeasure
from expectations.learning import learn

COUNT = LearnedMeasure("number of orders", "count(*)", at_least_relative=0.1)
numbers = st.floats(min_value=0, max_value=1e9, allow_nan=False)


def test_a_short_past_gives_no_bound_and_says_so() -> None:
    bounds = learn(COUNT, [100.0, 101.0, 99.0, 100.0])
    assert (bounds.is_ready, bounds.low, bounds.high) == (False, None, None)
    assert bounds.basis == "insufficient history: 4 of 5 runs"


def test_bounds_are_median_and_scaled_mad() -> None:
    # Median 100; absolute deviations 20, 10, 0, 10, 20 with median 10; 5 * 1.4826 * 10 = 74.13, above the floor.
    bounds = learn(COUNT, [80.0, 90.0, 100.0, 110.0, 120.0])
    assert bounds.low is not None
    assert round(bounds.low, 2) == 25.87
    assert bounds.high is not None
    assert round(bounds.high, 2) == 174.13
    assert "median 100 of the last 5 runs" in bounds.basis


def test_a_quiet_past_is_no_trap() -> None:
    bounds = learn(COUNT, [1000.0] * 8)
    assert (bounds.low, bounds.high) == (900.0, 1100.0)


def test_fewer_than_half_outliers_do_not_move_the_bounds_far() -> None:
    steady = [100.0, 101.0, 99.0, 100.0, 102.0]
    high = learn(COUNT, [*steady, 1e6, 1e6, 1e6, 1e6]).high
    assert high is not None
    assert high < 150


def test_only_the_window_counts() -> None:
    rule = LearnedMeasure("n", "count(*)", window=5)
    assert learn(rule, [1e9] * 50 + [10.0] * 5).high == 11.0


def test_one_sided_rules_leave_the_other_side_open() -> None:
    upper = learn(LearnedMeasure("age", "1", side="upper"), [5.0] * 5)
    lower = learn(LearnedMeasure("age", "1", side="lower"), [5.0] * 5)
    assert upper.low is None
    assert upper.high is not None
    assert lower.high is None
    assert lower.low is not None


@given(st.lists(numbers, min_size=5, max_size=40))
def test_the_median_of_the_past_always_passes(past: list[float]) -> None:
    bounds = learn(COUNT, past)
    middle = sorted(past[-30:])[len(past[-30:]) // 2]
    assert bounds.low is not None
    assert bounds.high is not None
    assert 0 <= bounds.low <= bounds.high
    assert sum(bounds.low <= value <= bounds.high for value in past[-30:]) >= len(past[-30:]) / 2 or middle == 0


@given(st.floats(min_value=10, max_value=1e6), st.floats(min_value=0, max_value=0.04), st.integers(5, 40))
def test_steady_growth_passes(start: float, growth: float, runs: int) -> None:
    """A table that grows by the same number of rows each run is no anomaly at the next step."""
    past = [start * (1 + growth * i) for i in range(runs)]
    bounds = learn(COUNT, past)
    upcoming = start * (1 + growth * runs)
    assert bounds.low is not None
    assert bounds.high is not None
    assert bounds.low <= upcoming <= bounds.high
