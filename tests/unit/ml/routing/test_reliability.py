"""Reliability of confidence: groups add up, the certificate is refused where choices are right less often than said."""

import numpy as np
import pytest

from ml.core.routing.reliability import reliability


def test_bands_and_regions_count_every_choice_and_the_error_is_their_mean_distance() -> None:
    said = np.array([0.6, 0.6, 0.9, 0.9])
    right = np.array([True, False, True, True])
    found = reliability(said, right, np.array(["N", "S", "N", "S"]), 0.85)
    assert [(band.name, band.choices, band.said, band.right) for band in found.bands] == [
        ("50% – 70%", 2, 0.6, 0.5), ("85% – 95%", 2, 0.9, 1.0),
    ]  # fmt: skip
    assert {group.name: (group.choices, group.right) for group in found.regions} == {"N": (2, 1.0), "S": (2, 0.5)}
    assert found.ece == pytest.approx(0.1)
    assert (found.certain, found.certain_right) == (2, 1.0)


def test_few_outcomes_certify_nothing_and_many_do() -> None:
    """With all right, 0.05 ** (1 / n) is the bound: 18 outcomes leave it at 0.847, 19 lift it to 0.854."""
    for count, certified in ((18, False), (19, True)):
        all_right = reliability(np.full(count, 0.9), np.ones(count, bool), np.full(count, "N"), 0.85)
        assert all_right.certain_low == pytest.approx(0.05 ** (1 / count))
        assert all_right.is_certified is certified


def test_draws_that_share_their_errors_are_judged_together() -> None:
    """Every tenth draw breaks all choices at once: right in 90 %, but in one draw of ten in none."""
    right = np.ones((50, 100), bool)
    right[:, ::10] = False
    found = reliability(np.full(50, 0.9), right, np.full(50, "N"), 0.85)
    assert found.certain_right == pytest.approx(0.9)
    assert found.certain_low == 0.0
    assert not found.is_certified


def test_where_nothing_goes_by_itself_there_is_nothing_to_certify() -> None:
    found = reliability(np.array([0.4]), np.array([False]), np.array(["N"]), 0.85)
    assert found.is_certified
    assert found.as_dict()["certain_low"] is None
    assert reliability(np.zeros(0), np.zeros(0, bool), np.zeros(0, str), 0.85).ece == 0.0
