"""What the regret of single orders is measured with: the best policy by hand, and forecasts that know what they say."""

import numpy as np
import pytest

from benchmarks.routing_best import Slow, backward, follow, hindsight
from benchmarks.routing_day import make_day
from benchmarks.routing_regret import forecasts

#: Node × region. Node 0 is near region 0, node 1 near region 1.
COST = np.array([[1.0, 5.0], [4.0, 2.0]])
UNFILLED = 10.0


def test_the_best_policy_is_what_a_hand_works_out() -> None:
    value, stride = backward(2, np.array([1, 1]), COST, np.array([0.5, 0.5]), UNFILLED)
    none, first, second, both = 0, stride[0], stride[1], stride.sum()
    # One order to come: each region's cheapest of what is there, in the mean.
    assert value[1, [none, first, second, both]].tolist() == [10.0, 3.0, 3.0, 1.5]
    # Two: 1 + 3 from region 0, 2 + 3 from region 1.
    assert value[2, both] == 4.5


def test_no_policy_beats_hindsight_and_prices_can_reach_it() -> None:
    regions, stock = np.array([0, 0, 1]), np.array([1, 2])
    least, _ = hindsight(COST, stock, regions, UNFILLED)
    assert least == pytest.approx(1.0 + 4.0 + 2.0)
    product = Slow(COST, stock, 3)
    assert follow(product, regions, UNFILLED, lambda _left, x: np.zeros(len(x))) == pytest.approx(least)
    # A price that keeps node 0 for nobody sends one order away: 4 + 4 from node 1, then 5 from node 0.
    assert follow(product, regions, UNFILLED, lambda _left, _x: np.array([4.0, 0.0])) == pytest.approx(13.0)
    assert stock.tolist() == [1, 2]


def test_an_oracle_knows_its_counts_and_the_past_does_not() -> None:
    day = make_day(200, 40, days=8)
    known = {name: forecast for name, forecast, _ in forecasts(day)}

    def counts(name: str, *, by_region: bool) -> list[np.ndarray]:
        """Units by product, hour and, where asked, region, of today and of each day of a forecast."""
        found, history = [], known[name]
        for problem, hours in ((day.today, day.hour), (history.history, history.history_hour)):
            lines = np.diff(problem.order_line_start)
            hour, region = np.repeat(hours, lines), np.repeat(problem.order_region, lines)
            table = np.zeros((40, 24, 31), np.int64)
            np.add.at(table, (problem.line_product, hour, region), problem.line_quantity)
            found.append(table if by_region else table.sum(axis=2))
        return found

    today, foretold = counts("this day's units by product and hour", by_region=False)
    assert np.array_equal(8 * today, foretold)
    today, foretold = counts("this day's units by product and hour", by_region=True)
    assert not np.array_equal(8 * today, foretold)
    today, foretold = counts("this day's units by product, region and hour", by_region=True)
    assert np.array_equal(8 * today, foretold)
    today, foretold = counts("8 past days", by_region=False)
    assert not np.array_equal(8 * today, foretold)
