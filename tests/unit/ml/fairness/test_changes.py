"""The effect of a change beside groups that it did not touch."""

import numpy as np
import pandas as pd
import pytest

from ml.core.fairness.changes import effect_of_change


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    """Two areas over 60 days; lateness rises everywhere by 5 points on day 30, in A by 25 more."""
    rng = np.random.default_rng(3)
    day = np.repeat(np.arange(60), 100)
    area = np.where(rng.random(len(day)) < 0.5, "A", "B")
    risk = 0.1 + 0.05 * (day >= 30) + 0.25 * ((day >= 30) & (area == "A"))
    date = (pd.Timestamp("2026-09-01") + pd.to_timedelta(day, unit="D")).strftime("%Y-%m-%d")
    return pd.DataFrame({"area": area, "date": date, "late": (rng.random(len(day)) < risk).astype(float)})


def test_what_rose_everywhere_is_not_put_down_to_the_change(orders):
    effect = effect_of_change(orders, members=orders["area"] == "A", since="2026-10-01", period="date", outcome="late")
    assert effect is not None
    assert effect.interval[0] < 0.25 < effect.interval[1]
    assert effect.interval[0] > 0.15
    assert effect.others[1] - effect.others[0] == pytest.approx(0.05, abs=0.03)


def test_only_the_window_counts(orders):
    effect = effect_of_change(
        orders, members=orders["area"] == "A", since="2026-10-01", period="date", outcome="late", window=7
    )
    assert effect is not None
    assert sum(effect.n) < 14 * 100 * 0.6


def test_a_change_without_anything_before_it_has_no_effect_to_state(orders):
    assert effect_of_change(
        orders, members=orders["area"] == "A", since="2026-09-01", period="date", outcome="late"
    ) is None  # fmt: skip


def test_sides_without_any_late_order_still_have_a_width(orders):
    never = orders.assign(late=0.0)
    effect = effect_of_change(never, members=never["area"] == "A", since="2026-10-01", period="date", outcome="late")
    assert effect is not None
    assert effect.interval[0] < 0 < effect.interval[1]
