"""What lanes did since: planted errors are found again, chance is told from error, and draws hold both."""

import numpy as np
import pytest

from ml.core.routing.outcomes import lane_errors

SHAPE = (3, 1, 1)


def test_planted_errors_are_found_and_a_lane_without_parcels_stays_open() -> None:
    """Of two lanes one is late in half of 400 parcels where a tenth was foreseen and costs a fifth more."""
    rng = np.random.default_rng(1)
    lane = np.repeat([0, 1], 400)
    late = (np.arange(800) % 400 < np.where(lane == 0, 200, 40)).astype(float)
    paid = np.where(lane == 0, 1.2, 1.0) + rng.normal(0, 0.05, 800)
    paid[:3] = np.nan
    found = lane_errors(SHAPE, lane, late, np.full(800, 0.1), paid)
    assert found.late[0, 0, 0] == pytest.approx(np.log(9), rel=0.05)
    assert found.late[1, 0, 0] == pytest.approx(0.0, abs=0.01)
    assert found.price[:2, 0, 0] == pytest.approx([0.2, 0.0], abs=0.01)
    assert found.late[2, 0, 0] == found.price[2, 0, 0] == 0.0
    assert found.late_open[2, 0, 0] > 5 * found.late_open[1, 0, 0]
    assert found.seen.ravel().tolist() == [400, 400, 0]


def test_what_chance_explains_is_no_error() -> None:
    """Chance alone scatters a lane's log-odds by 0.49; an eighth of its variance is what the small numbers leave."""
    rng = np.random.default_rng(2)
    lane = np.repeat(np.arange(300), 20)
    late = (rng.random(6_000) < 0.3).astype(float)
    found = lane_errors((300, 1, 1), lane, late, np.full(6_000, 0.3), np.full(6_000, np.nan))
    assert found.late.std() < 0.49 / 8**0.5
    assert not found.price.any()


def test_draws_scatter_by_what_is_open() -> None:
    lane = np.repeat([0, 1], 50)
    late = np.where(lane == 0, np.arange(100) % 2, 0).astype(float)
    found = lane_errors(SHAPE, lane, late, np.full(100, 0.1), np.full(100, 1.1))
    drawn, factor = found.drawn(4_000, 7)
    assert drawn.mean(axis=0) == pytest.approx(found.late, abs=0.1)
    assert drawn.std(axis=0) == pytest.approx(found.late_open, rel=0.1)
    assert factor[:, 0, 0, 0] == pytest.approx(np.full(4_000, 1.1))
    assert (found.drawn(3, 7)[0] == drawn[:3]).all()
