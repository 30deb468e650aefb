"""How long a version's single answers take, whatever else the machine does meanwhile."""

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from ml.jobs.catalogue import LATE_DELIVERY
from ml.jobs.trial import timed


def waits(_row: dict[str, Any]) -> float:
    """What an answer looks like while other programs have the processor."""
    time.sleep(0.006)
    return 0.5


def works(_row: dict[str, Any]) -> float:
    until = time.thread_time() + 0.006
    while time.thread_time() < until:
        pass
    return 0.5


@pytest.mark.parametrize(("answer", "is_slow"), [(waits, False), (works, True)])
def test_what_an_answer_costs_is_told_apart_from_what_it_waited_for(
    answer: Callable[[dict[str, Any]], float], is_slow: bool
) -> None:
    model: Any = SimpleNamespace(features=SimpleNamespace(names=("x",)), light=SimpleNamespace(probability=answer))
    found = timed(LATE_DELIVERY, model, pd.DataFrame({"x": range(20)}))
    assert found is not None
    assert (found["p99_ms"]["low"] > 5) == is_slow
    assert found["calls"] == 100
