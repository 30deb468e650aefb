"""Luck belongs to a thing: the base of comparing policies fairly."""

import numpy as np
import pytest
from scipy import stats

from twin.luck import STREAMS, generator, normal, uniform


def test_luck_depends_on_the_thing_and_not_on_its_neighbours() -> None:
    alone = uniform(7, "transit", np.array([17]))
    among = uniform(7, "transit", np.arange(100))
    assert alone[0] == among[17]


def test_seeds_streams_and_keys_give_luck_of_their_own() -> None:
    keys = np.arange(5_000)
    base = uniform(7, "transit", keys)
    for other in (uniform(8, "transit", keys), uniform(7, "tail", keys), uniform(7, "transit", keys, 1)):
        assert abs(np.corrcoef(base, other)[0, 1]) < 0.05


def test_luck_is_uniform_and_normal() -> None:
    keys = np.arange(20_000)
    assert stats.kstest(uniform(3, "pick", keys), "uniform").pvalue > 0.001
    assert stats.kstest(normal(3, "pick", keys), "norm").pvalue > 0.001
    assert uniform(3, "pick", keys).min() > 0
    assert uniform(3, "pick", keys).max() < 1


def test_generators_of_a_day_repeat() -> None:
    assert generator(1, "time", 4).random() == generator(1, "time", 4).random()
    assert generator(1, "time", 4).random() != generator(1, "time", 5).random()


def test_an_unknown_stream_is_refused() -> None:
    assert len(set(STREAMS)) == len(STREAMS)
    with pytest.raises(KeyError):
        uniform(1, "no such stream", np.arange(3))
