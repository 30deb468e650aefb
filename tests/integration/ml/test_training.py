"""Training: what is learned, what is logged, what is refused, and when nothing is done."""

import json
import re

import mlflow
import numpy as np
import pandas as pd
import pytest

from ml.core.features import UnusableTable
from ml.io.stores import open_stores
from ml.jobs.train import TrainJob
from workspace.files import sha256_of_file


def test_the_first_version_beats_the_simple_rules_and_drops_what_it_cannot_use(promoted):
    with open_stores(promoted.settings) as stores:
        evaluated = stores.promotions.history(promoted.spec.name).version("1").evaluated
        folder = stores.report_folder(promoted.spec.name, "1")
    metrics = evaluated["metrics"]
    assert metrics["roc_auc"]["low"] > 0.75
    assert metrics["skill_over_lane_rate"]["low"] > 0
    found = json.loads((folder / "evaluation.json").read_text())
    assert {name for name, _ in found["features"]} == {
        "region_code",
        "channel",
        "promise_hours",
        "distance_km",
        "backlog_days",
    }
    assert "null" in found["left_out"]["never_known"]
    assert "tells new rows from old" in found["left_out"]["orders_so_far"]
    assert found["left_out"]["segment"] == "group column"
    assert ["region_code", "category"] in [list(feature) for feature in found["features"]]
    assert sum(s["count"] for s in found["segments"] if len(s["names"]) == 1) == found["judged"]["rows"]


def test_the_run_holds_all_that_is_needed_to_ask_what_was_made_from_what(promoted):
    with open_stores(promoted.settings) as stores:
        version = stores.client.get_model_version(promoted.spec.name, "1")
        run = stores.client.get_run(version.run_id)
        names = {item.path for item in stores.client.list_artifacts(version.run_id)}
        plots = {item.path for item in stores.client.list_artifacts(version.run_id, "plots")}
    table = promoted.snapshot.tables["feat_order_delivery"]
    tags = version.tags
    assert tags["snapshot_digest"] == promoted.snapshot.digest
    assert tags["table_sha256"] == table["sha256"]
    assert re.fullmatch(r"[0-9a-f]{40}|unknown", tags["code_commit"])
    assert tags["seed"] == str(promoted.spec.seed)
    assert tags["lock_sha256"]
    assert tags["recipe"]
    assert run.inputs.dataset_inputs[0].dataset.digest == tags["table_digest"][:32]
    assert {"evaluation.json", "model_card.md", "backtest.parquet", "gates.json", "dossier.json", "fairness"} <= names
    names = ("reliability", "scores", "discrimination", "learning_curve", "importance")
    assert plots == {f"plots/{name}.png" for name in names}
    assert run.data.metrics["roc_auc_low"] < run.data.metrics["roc_auc"] < run.data.metrics["roc_auc_high"]


def test_the_model_is_stored_without_pickle_and_takes_raw_columns(promoted):
    with open_stores(promoted.settings) as stores:
        version = stores.client.get_model_version(promoted.spec.name, "1")
        with stores.fluent():
            model = mlflow.pyfunc.load_model(version.source)
        files = [path.name for path in promoted.settings.paths.mlflow.rglob("*") if path.is_file()]
    assert "model.skops" in files
    assert not [name for name in files if name.endswith((".pkl", ".pickle"))]
    names = model.metadata.get_input_schema().input_names()
    rows = pd.DataFrame({"channel": ["fax", None], "promise_hours": [np.nan, 30.0], "distance_km": [10.0, 900.0],
                         "backlog_days": [1.0, 9.0], "region_code": ["north", None]})[names]  # fmt: skip
    predicted = model.predict(rows)[:, 1]
    assert np.isfinite(predicted).all()
    assert predicted[1] > predicted[0]


def test_training_again_on_the_same_does_nothing_and_says_so(promoted):
    report = promoted.train()
    assert (report.status, report.version) == ("reused", "1")
    assert report.numbers["roc_auc"] > 0.75
    with open_stores(promoted.settings) as stores:
        assert len(stores.client.search_model_versions(f"name = '{promoted.spec.name}'")) == 1


def test_the_same_content_written_anew_is_still_the_same(company, make_orders, publish_frame):
    first = company.train()
    shuffled = make_orders().sample(frac=1, random_state=1, ignore_index=True)
    again = publish_frame(company.settings, shuffled)
    assert again.digest != company.snapshot.digest
    assert TrainJob(company.spec).run(company.settings, again).status == "reused"
    other = publish_frame(company.settings, make_orders(seed=5))
    report = TrainJob(company.spec).run(company.settings, other)
    assert (report.status, report.version) == ("trained", str(int(first.version) + 1))


def test_evidence_on_disk_is_what_the_ledger_recorded(promoted):
    with open_stores(promoted.settings) as stores:
        evidence = stores.promotions.history(promoted.spec.name).version("1").evaluated["evidence"]
        folder = stores.report_folder(promoted.spec.name, "1")
    assert {name: sha256_of_file(folder / name) for name in evidence} == evidence


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.iloc[:0], "has no rows"),
        (lambda f: f.assign(is_late=pd.array([None] * len(f), dtype="boolean")), "No label is known"),
        (lambda f: f.assign(is_late=f["is_late"] & False), "both classes"),
        (lambda f: f.drop(columns="label_known_at"), "label_known_at are absent"),
        (lambda f: f.assign(is_late=f["order_date"].map(lambda d: d.day)), "must hold 0, 1 or null"),
        (lambda f: f.head(40), "To calibrate|No origin|both classes|No row is left"),
        (lambda f: f[["order_id", "ordered_at", "promised_at", "region_code", "segment", "is_late", "label_known_at"]]
         .assign(region_code="north"), "Every feature is constant or null"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_learned_from_is_refused_and_registers_nothing(
    company, make_orders, publish_frame, change, message
):
    snapshot = publish_frame(company.settings, change(make_orders(1500)))
    with pytest.raises(UnusableTable, match=message):
        TrainJob(company.spec).run(company.settings, snapshot)
    with open_stores(company.settings) as stores:
        assert not stores.promotions.history(company.spec.name).versions


def test_orders_from_the_future_are_refused(company, make_orders, publish_frame):
    snapshot = publish_frame(company.settings, make_orders(1500), pd.Timestamp("2026-05-01"))
    with pytest.raises(UnusableTable, match="must not lie after 2026-05-01"):
        TrainJob(company.spec).run(company.settings, snapshot)


def test_a_snapshot_without_the_table_names_those_it_has(company):
    from dataclasses import replace

    with pytest.raises(UnusableTable, match=r"lacks the table feat_other; it holds feat_order_delivery"):
        TrainJob(replace(company.spec, table="feat_other")).run(company.settings, company.snapshot)


def test_the_learning_curve_tells_what_more_history_is_worth(company):
    report = company.train()
    curve = json.loads((report.folder / "evaluation.json").read_text(encoding="utf-8"))["learning_curve"]
    assert [point["rows"] for point in curve] == sorted(point["rows"] for point in curve)
    # A tenth of these rows is too few for the curve, so that it begins at a quarter.
    assert curve[-1]["rows"] == pytest.approx(4 * curve[0]["rows"], rel=0.01)
    assert curve[-1]["log_loss"] < curve[0]["log_loss"]
    assert "Would more history help?" in (report.folder / "model_card.md").read_text(encoding="utf-8")
    assert (report.folder / "plots" / "learning_curve.png").stat().st_size > 5000
