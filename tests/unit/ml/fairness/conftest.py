"""Tables with planted answers, for the audit's tests."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

Planter = Callable[..., pd.DataFrame]


@pytest.fixture
def planted() -> Planter:
    """Rows over regions with a given rate each; the score is the rate of the table, the prediction a coin."""

    def make(rates: list[float], rows_each: int | list[int], seed: int = 0) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        sizes = [rows_each] * len(rates) if isinstance(rows_each, int) else rows_each
        region = np.repeat([f"R{i:02d}" for i in range(len(rates))], sizes)
        y = rng.random(len(region)) < np.repeat(rates, sizes)
        score = np.clip(np.mean(rates) + rng.normal(0, 0.05, len(region)), 0, 1)
        return pd.DataFrame(
            {"region": region, "late": y.astype(int), "score": score, "flag": (score > np.mean(rates)).astype(int)}
        )

    return make
