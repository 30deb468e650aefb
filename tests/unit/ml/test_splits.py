"""A cut learns only from what was known and mature, and judges only what came after."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.core.features import Roles, UnusableTable
from ml.core.splits import latest_cut, rolling_cuts, timeline

ROLES = Roles("order_id", "ordered_at", "is_late", "label_known_at", "promised_at")
START = pd.Timestamp("2026-01-01")


def orders(count: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    ordered = START + pd.to_timedelta(np.sort(rng.uniform(0, 100, count)), unit="D")
    promised = ordered + pd.to_timedelta(rng.uniform(1, 10, count), unit="D")
    delivered = ordered + pd.to_timedelta(rng.uniform(0.5, 15, count), unit="D")
    known = delivered <= START + pd.Timedelta(days=100)
    return pd.DataFrame(
        {
            "order_id": np.arange(count), "ordered_at": ordered, "promised_at": promised,
            "is_late": np.where(known, (delivered > promised).astype(float), np.nan),
            "label_known_at": delivered.where(known),
        }
    )  # fmt: skip


@given(st.integers(60, 300), st.integers(0, 1000), st.integers(1, 6), st.integers(0, 5))
def test_no_cut_learns_what_it_could_not_have_known(count, seed, folds, gap_days):
    frame = orders(count, seed)
    times = timeline(frame, ROLES)
    for cut in rolling_cuts(times, folds, gap=timedelta(days=gap_days)):
        learned, judged = frame[cut.learn], frame[cut.judge]
        assert not (cut.learn & cut.judge).any()
        origin = cut.origin.tz_localize(None)
        assert (learned["label_known_at"] <= origin).all()
        assert (learned["promised_at"] <= origin).all()
        assert (learned["ordered_at"] < origin - pd.Timedelta(days=gap_days)).all()
        assert (judged["ordered_at"] >= origin).all()
        assert judged["is_late"].notna().all()


def test_stretches_follow_one_another_and_no_row_is_judged_twice():
    times = timeline(orders(500), ROLES)
    cuts = rolling_cuts(times, 5)
    assert [cut.origin for cut in cuts[1:]] == [cut.end for cut in cuts[:-1]]
    assert np.sum([cut.judge for cut in cuts], axis=0).max() == 1


def test_a_delivered_order_waits_for_its_promise_before_it_is_learned_from():
    """Before a cut the delivered orders are the punctual ones: using them at once would learn too low a rate."""
    frame = orders(400)
    times = timeline(frame, ROLES)
    early = frame["label_known_at"] < frame["promised_at"]
    expected = pd.DatetimeIndex(frame.loc[early, "promised_at"]).tz_localize("UTC")
    mature = times.usable_from[early.to_numpy()]
    assert ((mature == expected.as_unit("us")) | mature.isna()).all()


def test_the_latest_cut_judges_the_share_asked_for():
    times = timeline(orders(1000), ROLES)
    cut = latest_cut(times, 0.2)
    assert cut.judge.sum() == pytest.approx(0.2 * times.labelled.sum(), abs=2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.iloc[:0], "has no rows"),
        (lambda f: f.assign(is_late=np.nan), "No label is known"),
        (lambda f: f.assign(label_known_at=pd.NaT), "No label is known"),
        (lambda f: f.assign(ordered_at=f["ordered_at"].where(f["order_id"] != 3)), "is null on 1"),
        (lambda f: f.assign(ordered_at="soon"), "must hold timestamps"),
    ],
)
def test_unusable_times_are_refused_by_name(change, message):
    with pytest.raises(UnusableTable, match=message):
        timeline(change(orders(50)), ROLES)


def test_times_after_the_present_are_refused_with_their_number():
    with pytest.raises(UnusableTable, match=r"must not lie after 2026-02-01.*it does on \d+ rows"):
        timeline(orders(50), ROLES, pd.Timestamp("2026-02-01", tz="UTC"))


def test_a_history_too_short_to_split_is_refused():
    frame = orders(400)
    young = frame[frame["ordered_at"] < START + pd.Timedelta(days=0.3)].assign(
        label_known_at=START + pd.Timedelta(days=9)
    )
    with pytest.raises(UnusableTable, match="No row is left to learn from"):
        latest_cut(timeline(young.assign(is_late=1.0, promised_at=START), ROLES), 0.5)
