"""Links against a truth."""

import numpy as np

from ml.core.matching.agreement import agreement, over_thresholds


def test_precision_recall_and_f1_of_given_links() -> None:
    found = agreement([("a", "x"), ("b", "y"), ("c", "z")], [("a", "x"), ("b", "q")], 0.5, is_linking=True)
    assert (found.precision, found.recall, found.f1) == (1 / 3, 1 / 2, 2 / 5)


def test_within_one_table_the_order_of_a_pair_says_nothing() -> None:
    assert agreement([("b", "a")], [("a", "b"), ("b", "a")], 0.5, is_linking=False).f1 == 1.0
    assert agreement([("b", "a")], [("a", "b")], 0.5, is_linking=True).f1 == 0.0


def test_without_links_or_truth_a_measure_is_unknown_not_zero() -> None:
    empty = agreement([], [], 0.5, is_linking=True)
    assert (empty.precision, empty.recall, empty.f1) == (None, None, None)


def test_recall_falls_with_the_threshold() -> None:
    curve = over_thresholds(np.array([0.97, 0.6, 0.2]), np.array([True, False, True]), 4)
    at = {measured.threshold: (measured.right, measured.linked) for measured in curve}
    assert (at[0.1], at[0.5], at[0.95], at[0.99]) == ((2, 3), (1, 2), (1, 1), (0, 0))
    assert curve[0].recall == 0.5
