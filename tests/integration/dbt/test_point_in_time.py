"""A feature computed from data cut at a moment equals, for the orders until then, the one computed from all data."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.support.dbt_company import Company
from tests.support.landing_cut import cut_landing
from tests.support.order_history import START

LABELS = ("is_late", "label_known_at")
#: Key and moment of each table whose rows stand for a moment within a day.
KEYS = {"feat_order_delivery": ("order_id", "ordered_at"), "feat_parcel_delivery": ("shipment_id", "allocated_at")}


def _differences(whole: Company, cut: Company, at: datetime, table: str = "feat_order_delivery") -> list[str]:
    """Features that differ, with how many of the rows of `at` or before they differ for."""
    key, time = KEYS[table]
    columns = [name for (name,) in whole.rows(f"select column_name from (describe {table})")]
    features = [name for name in columns if name not in (key, *LABELS)]
    ours, theirs = (
        {row[0]: row[1:] for row in company.rows(f"select {key}, {', '.join(features)} from {table} "
                                                 f"where {time} <= timestamp '{at}'")}
        for company in (whole, cut)
    )  # fmt: skip
    assert ours.keys() == theirs.keys()
    assert ours, "there is no row before the cut: the comparison says nothing"
    found = []
    for position, feature in enumerate(features):
        unequal = [o for o in ours if not _equal(ours[o][position], theirs[o][position])]
        if unequal:
            found.append(f"{feature}: {len(unequal)} of {len(ours)}, {ours[unequal[0]][position]} from all data and "
                         f" {theirs[unequal[0]][position]} from the cut, for {unequal[0]}")  # fmt: skip
    return found


def _equal(ours: object, theirs: object) -> bool:
    if isinstance(ours, float) and isinstance(theirs, float):
        return ours == pytest.approx(theirs, rel=1e-9, abs=1e-9)
    return ours == theirs


def _nulls(company: Company, table: str) -> list[str]:
    """Features that are null in every row, so that comparing them proves nothing."""
    columns = [name for (name,) in company.rows(f"select column_name from (describe {table})")]
    counts = company.rows(f"select {', '.join(f'count({name})' for name in columns)} from {table}")[0]
    return [name for name, count in zip(columns, counts, strict=True) if count == 0]


def test_features_equal_those_from_data_cut_at_a_moment(whole: Company, tmp_path: Path) -> None:
    at = START + timedelta(days=44.6)
    cut = Company(tmp_path / "cut", whole.bench, cut_landing(whole.landing, tmp_path / "known", at))
    cut.take_ids(whole)
    cut.run("--select", "+feat_parcel_delivery")
    assert [_nulls(whole, table) for table in KEYS] == [[], []]
    assert _differences(whole, cut, at) == []
    assert _differences(whole, cut, at, "feat_parcel_delivery") == []


def test_labels_are_there_exactly_when_they_are_known(whole: Company) -> None:
    undue = "select count(*) from feat_order_delivery where (is_late is null) <> (label_known_at is null)"
    assert whole.rows(undue) == [(0,)]
    assert whole.rows("select count(*) > 100 from feat_order_delivery where is_late") == [(True,)]


@pytest.mark.real_data
@pytest.mark.slow
def test_features_equal_those_from_real_orders_cut_at_a_moment(real_data: Path, tmp_path: Path, bench: Path) -> None:
    from sources.landing import land
    from sources.manifest import load_adapter
    from workspace.settings import Settings

    settings = Settings(home=tmp_path / "home", company="olist")
    land(settings, load_adapter("olist"), real_data / "olist", settle_seconds=0)
    at = datetime(2018, 3, 12, 15, 30)
    landing = settings.paths.landing
    whole = Company(tmp_path / "whole", bench, cut_landing(landing, tmp_path / "all", datetime(2100, 1, 1)))
    cut = Company(tmp_path / "cut", bench, cut_landing(landing, tmp_path / "known", at))
    for company in (whole, cut):
        company.run("--select", "+feat_order_delivery")
    assert _differences(whole, cut, at) == []


def test_features_of_stock_equal_those_from_data_cut_at_a_moment(whole: Company, tmp_path: Path) -> None:
    # Counts are taken at 20:00; a third of a day after one, that day's count and all before it stand.
    at = START + timedelta(days=44, hours=21)
    cut = Company(tmp_path / "cut", whole.bench, cut_landing(whole.landing, tmp_path / "known", at))
    cut.take_ids(whole)
    cut.run("--select", "+feat_stock_daily")
    rows = f"select * from feat_stock_daily where observed_at <= timestamp '{at}' order by stock_key"
    assert len(cut.rows(rows)) > 400
    assert cut.rows(rows) == whole.rows(rows)


def test_features_of_stock_say_something(whole: Company) -> None:
    constant = ["node_kind", "reserved_quantity", "count_nodes"]  # the history has one kind, one reservation, all nodes
    varying = [name for (name,) in whole.rows("select column_name from (describe feat_stock_daily)")]
    counts = whole.rows(f"select {', '.join(f'count(distinct {name})' for name in varying)} from feat_stock_daily")[0]
    assert [name for name, count in zip(varying, counts, strict=True) if count < 2] == constant
