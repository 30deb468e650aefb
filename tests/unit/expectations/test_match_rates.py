"""A match rate that leaves its past is found in its segment; chance, small segments and young companies are not."""

from datetime import datetime, timedelta

import polars as pl
import pytest

from expectations.match_rates import JudgedRate, judged_rates


def history(*runs: dict[str, float], count: int = 1_000) -> pl.DataFrame:
    """Rows of `match_quality`: each run's rate by name script, and overall."""
    rows = [
        {"entity": "customer", "measured_at": datetime(2026, 1, 1) + timedelta(days=day), "measure": "match_rate",
         "segment_kind": kind, "segment": segment, "value": value, "count": count}
        for day, rates in enumerate(runs)
        for kind, segment, value in [("all", "all", sum(rates.values()) / len(rates)),
                                     *(("script", script, rate) for script, rate in rates.items())]
    ]  # fmt: skip
    return pl.DataFrame(rows)


def drifted(*runs: dict[str, float], count: int = 1_000) -> list[JudgedRate]:
    return [rate for rate in judged_rates(history(*runs, count=count)) if not rate.is_near]


PAST = [{"latin": 0.60 + 0.002 * (day % 3), "chinese": 0.58} for day in range(8)]


@pytest.mark.parametrize(("chinese", "found"), [(0.575, []), (0.40, ["all", "chinese"]), (0.62, ["chinese"])])
def test_a_rate_that_leaves_its_past_is_found_where_it_moved(chinese: float, found: list[str]) -> None:
    moved = drifted(*PAST, {"latin": 0.60, "chinese": chinese}, count=20_000)
    assert [rate.segment for rate in moved] == found


def test_a_fall_that_chance_explains_is_none() -> None:
    assert not drifted(*PAST, {"latin": 0.60, "chinese": 0.55}, count=200)
    assert [rate.segment for rate in drifted(*PAST, {"latin": 0.60, "chinese": 0.55}, count=50_000)] == ["chinese"]


def test_a_few_records_or_a_short_past_judge_nothing() -> None:
    assert not drifted(*PAST, {"latin": 0.60, "chinese": 0.0}, count=20)
    young = judged_rates(history(*PAST[:3], {"latin": 0.1, "chinese": 0.1}))
    assert len(young) == 3
    assert {rate.bounds.is_ready for rate in young} == {False}
    assert all(rate.is_near for rate in young)


def test_a_segment_that_has_no_records_any_more_is_not_judged_by_its_last_rate() -> None:
    assert [rate.segment for rate in judged_rates(history(*PAST, {"latin": 0.6}))] == ["all", "latin"]
