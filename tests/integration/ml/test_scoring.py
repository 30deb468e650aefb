"""Scoring: which orders, what is written, the same numbers as the registered model, once."""

import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import mlflow
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from ml.core.features import prepare
from ml.io.champion import load_champion
from ml.io.predictions import SCHEMA, collect_newest, write_once
from ml.io.stores import open_stores
from ml.jobs.score import PredictionsRefused, ScoreJob, require_probabilities

MODEL = "late-delivery-risk"


@pytest.fixture(scope="module")
def promoted(tmp_path_factory, promoted):
    """A copy for this module: scoring leaves predictions behind."""
    return promoted.copied(tmp_path_factory.mktemp("scored") / "home")


def test_open_and_young_orders_are_scored_once(promoted):
    first = ScoreJob(promoted.spec).run(promoted.settings, promoted.snapshot)
    again = ScoreJob(promoted.spec).run(promoted.settings, promoted.snapshot)
    assert again.status == "reused"
    assert again.path == first.path
    assert again.rows == first.rows
    rows = pq.read_table(first.path).to_pandas()
    with open_stores(promoted.settings) as stores:
        origin = stores.promotions.history(MODEL).version("1").evaluated["origin"]
    frame = pd.read_parquet(promoted.snapshot.path("feat_order_delivery"))
    expected = frame[(frame["ordered_at"] >= pd.Timestamp(origin).tz_localize(None)) | frame["is_late"].isna()]
    assert set(rows["order_id"]) == set(expected["order_id"])
    assert rows["order_id"].is_unique
    assert rows["late_probability"].between(0, 1).all()
    assert set(rows["model_version"]) == {"1"}
    assert set(rows["data_snapshot"]) == {promoted.snapshot.version}
    assert (rows["as_of"] == pd.Timestamp("2026-07-01")).all()
    assert (rows["scored_at"] >= rows["as_of"]).all()
    assert dict(zip(rows["order_id"], rows["region_code"], strict=True)) == dict(
        zip(expected["order_id"], expected["region_code"], strict=True)
    )


def test_the_file_holds_the_numbers_that_the_registered_model_gives(promoted):
    report = ScoreJob(promoted.spec).run(promoted.settings, promoted.snapshot)
    rows = pq.read_table(report.path).to_pandas().set_index("order_id")["late_probability"]
    frame = pd.read_parquet(promoted.snapshot.path("feat_order_delivery")).set_index("order_id").loc[rows.index]
    with open_stores(promoted.settings) as stores:
        champion = load_champion(stores, MODEL)
        with stores.fluent():
            registered = mlflow.pyfunc.load_model(stores.client.get_model_version(MODEL, "1").source)
    np.testing.assert_array_equal(rows, registered.predict(prepare(frame, champion.features))[:, 1])
    one_by_one = [champion.light.probability(row) for row in frame.head(5).to_dict(orient="records")]
    np.testing.assert_array_equal(one_by_one, rows.head(5))


def test_open_orders_come_with_the_reasons_that_lead_to_their_probability(promoted):
    report = ScoreJob(promoted.spec).run(promoted.settings, promoted.snapshot)
    rows = pq.read_table(report.path).to_pandas().set_index("order_id")
    frame = pd.read_parquet(promoted.snapshot.path("feat_order_delivery")).set_index("order_id").loc[rows.index]
    is_open = frame["is_late"].isna()
    assert is_open.any()
    assert (rows["reasons"].notna() == is_open).all()
    order = rows.index[is_open][0]
    with open_stores(promoted.settings) as stores:
        light = load_champion(stores, MODEL).light
    whole = light.reasons(frame.loc[[order]]).iloc[0]
    told = json.loads(rows.loc[order, "reasons"])
    assert [reason["feature"] for reason in told] == whole.abs().sort_values(ascending=False).index[
        : len(told)
    ].tolist()
    assert all(reason["log_odds"] == pytest.approx(whole[reason["feature"]], abs=1e-4) for reason in told)


def test_a_window_can_be_asked_for(promoted):
    job = ScoreJob(promoted.spec, datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 8, tzinfo=UTC), with_open=False)
    report = job.run(promoted.settings, promoted.snapshot)
    frame = pd.read_parquet(promoted.snapshot.path("feat_order_delivery"))
    assert report.rows == frame["ordered_at"].between("2026-03-01", "2026-03-08", inclusive="left").sum()


def test_a_window_without_orders_gives_an_empty_file_and_says_so(promoted):
    job = ScoreJob(promoted.spec, datetime(2031, 1, 1, tzinfo=UTC), with_open=False)
    report = job.run(promoted.settings, promoted.snapshot)
    assert report.rows == 0
    assert "scored 0 orders" in report.reason


@pytest.mark.parametrize("bad", [np.nan, -0.1, 1.1, np.inf])
def test_what_is_no_probability_is_refused_with_its_order(bad):
    with pytest.raises(PredictionsRefused, match="o2"):
        require_probabilities(np.array([0.5, bad]), pd.Series(["o1", "o2"]))


def test_a_failure_half_way_leaves_no_file(tmp_path: Path):
    def batches():
        yield _batch("o1", 0.1)
        raise PredictionsRefused("the second batch is bad")

    with pytest.raises(PredictionsRefused):
        write_once(tmp_path / "m" / "x.parquet", batches())
    assert not list(tmp_path.rglob("*.parquet*"))


def test_the_newest_prediction_of_each_order_is_collected(tmp_path: Path):
    write_once(tmp_path / "m" / "20260101T000000Z-a.parquet", [_batch("o1", 0.1, 1), _batch("o2", 0.2, 1)])
    write_once(tmp_path / "m" / "20260102T000000Z-b.parquet", [_batch("o1", 0.9, 2)])
    assert collect_newest(tmp_path, tmp_path / "all.parquet") == 2
    found = duckdb.execute("select order_id, late_probability from read_parquet(?)", [str(tmp_path / "all.parquet")])
    assert found.fetchall() == [("o1", 0.9), ("o2", 0.2)]


def test_with_nothing_scored_the_collected_table_has_columns_and_no_rows(tmp_path: Path):
    assert collect_newest(tmp_path, tmp_path / "all.parquet") == 0
    assert pq.read_schema(tmp_path / "all.parquet").names == SCHEMA.names


def test_predictions_are_never_written_over(tmp_path: Path):
    path = tmp_path / "m" / "x.parquet"
    write_once(path, [_batch("o1", 0.1)])
    with pytest.raises(FileExistsError, match="never written over"):
        write_once(path, [_batch("o1", 0.2)])


def _batch(order: str, probability: float, day: int = 1):
    import pyarrow as pa

    moment = datetime(2026, 1, day)
    return pa.RecordBatch.from_pydict(
        {"order_id": [order], "region_code": ["north"], "model_name": ["m"], "model_version": ["1"], "as_of": [moment],
         "scored_at": [moment], "late_probability": [probability], "data_snapshot": ["s"], "reasons": [None]},
        schema=SCHEMA,
    )  # fmt: skip
