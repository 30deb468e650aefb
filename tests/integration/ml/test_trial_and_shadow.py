"""A version tried before its gates, and a challenger that scores beside the champion, on real stores."""

import json
import shutil
from dataclasses import replace

import duckdb
import pytest
from typer.testing import CliRunner

from ml.io.gate_limits import load_limits
from ml.io.stores import open_stores
from ml.jobs.gating import judge
from ml.jobs.replay import ReplayJob
from ml.jobs.score import ScoreJob
from ml.jobs.train import TrainJob
from ml.jobs.trial import TRIAL, TrialJob
from orchestration.cli.models import app as models_app
from workspace.published import open_current, publish

MODEL = "late-delivery-risk"


@pytest.fixture(scope="module")
def beside(tmp_path_factory, waiting):
    """A company whose second version waits and has scored in shadow beside the first. Tests only read it."""
    company = waiting.copied(tmp_path_factory.mktemp("beside") / "home")
    report = ScoreJob(company.spec).run(company.settings, company.snapshot)
    assert report.shadow.startswith("In shadow: Version 2 scored")
    return company


def gates_of(company, version="2", limits=None):
    with open_stores(company.settings) as stores:
        judged = judge(stores, company.spec, version, company.snapshot, limits or load_limits(), {})
    return {gate.name: gate for gate in judged.gates}, judged.shadow


def test_a_version_trained_again_says_the_same_to_the_last_bit_and_in_time(promoted):
    gates, _ = gates_of(promoted, "1")
    again = gates["reproduction"]
    assert again.verdict == "pass"
    assert again.inputs["recorded"] == again.inputs["again"]
    assert again.inputs["rows"] > 1000
    assert "the same to the last bit" in again.reason
    fast = gates["latency"]
    assert fast.verdict == "pass"
    assert fast.inputs["calls"] == 2500
    assert 0 < fast.inputs["median_ms"] <= fast.inputs["p99_ms"]["low"] <= fast.inputs["p99_ms"]["high"]


def test_a_trial_is_made_once_for_the_files_of_a_version(promoted):
    assert promoted.try_out("1").status == "reused"


def test_other_files_are_tried_anew_and_a_limit_that_is_not_met_fails(promoted):
    strict = load_limits().model_copy(update={"highest_latency_ms": 1e-6})
    gates, _ = gates_of(promoted, "1", strict)
    assert gates["latency"].verdict == "fail"
    path = promoted.settings.paths.reports / "models" / MODEL / "1" / TRIAL
    kept = path.read_text()
    try:
        path.write_text(json.dumps({**json.loads(kept), "artifact": "0" * 64}))
        gates, _ = gates_of(promoted, "1")
        assert gates["latency"].verdict == gates["reproduction"].verdict == "insufficient_evidence"
    finally:
        path.write_text(kept)


def test_another_recipe_or_a_snapshot_that_is_gone_is_no_evidence_and_says_so(company, make_orders, publish_frame):
    company.train()
    report = TrialJob(TrainJob(replace(company.spec, seed=8))).run(company.settings)
    assert "the code, packages or settings are not those that made it" in report.reason
    trial = company.settings.paths.reports / "models" / MODEL / "1" / TRIAL
    trial.unlink()
    other = company.settings.paths.root / "dim_regions.parquet"
    make_orders(3).to_parquet(other)
    publish(company.settings.paths.published, {"dim_regions": other}, {}, 0)
    assert not company.snapshot.folder.exists(), "the snapshot that it learned from was collected"
    assert company.try_out().found["reproduction"]["largest_difference"] == 0, "the next one carries the same table"
    trial.unlink()
    publish_frame(company.settings, make_orders(seed=3))
    for path in company.settings.paths.published.iterdir():
        if path.is_dir() and path.name != open_current(company.settings.paths.published).version:
            shutil.rmtree(path)
    assert "is not kept any more" in company.try_out().reason


def test_the_challenger_scores_the_orders_of_the_champion_and_decides_nothing(beside):
    paths = beside.settings.paths
    (decided,), (silent,) = (list((folder / MODEL).glob("*.parquet")) for folder in (paths.predictions, paths.shadow))
    rows = duckdb.sql(
        f"select count(*), count(s.order_id), max(s.model_version), count(s.reasons), count(distinct s.as_of) "
        f"from '{decided}' d full join '{silent}' s using (order_id, as_of, data_snapshot)"
    ).fetchone()
    assert rows[0] == rows[1] > 500
    assert rows[2:] == ("2", 0, 1)
    order = duckdb.sql(f"select order_id from '{decided}' limit 1").fetchone()[0]
    assert ReplayJob(order, beside.spec).run(beside.settings).recorded["model_version"] == "1"


def test_a_challenger_is_paired_though_other_tables_were_published_since_the_champion_scored(waiting, tmp_path):
    company = waiting.copied(tmp_path / "home")
    other = company.settings.paths.root / "dim_regions.parquet"
    duckdb.execute(f"copy (select 'R1' as region_code) to '{other}' (format parquet)")
    first = ScoreJob(company.spec).run(company.settings, company.snapshot)
    shutil.rmtree(company.settings.paths.shadow)
    company.snapshot = publish(company.settings.paths.published, {"dim_regions": other}, {}, 3)
    assert ScoreJob(company.spec).run(company.settings, company.snapshot).status == "reused"
    gate = gates_of(company)[0]["shadow_agreement"]
    assert (gate.verdict, gate.inputs["both"]) == ("pass", first.rows)


def test_scoring_again_adds_nothing_in_shadow(beside):
    again = ScoreJob(beside.spec).run(beside.settings, beside.snapshot)
    assert (again.status, again.shadow) == (
        "reused",
        "In shadow: Version 2 has scored this very data; nothing was added.",
    )


def test_agreement_in_shadow_is_judged_on_every_order_overall_and_by_region(beside):
    gate = gates_of(beside)[0]["shadow_agreement"]
    assert gate.verdict == "pass"
    assert gate.inputs["scored"] == gate.inputs["both"] == sum(gate.inputs["rows"].values())
    assert set(gate.inputs["by_region"]) == {"north", "south", "east"}
    strict = load_limits().model_copy(update={"highest_shadow_difference": 1e-4})
    assert gates_of(beside, limits=strict)[0]["shadow_agreement"].verdict == "fail"


def test_benefits_are_paired_on_orders_that_neither_learned_from_and_name_what_is_not_recorded(beside):
    benefits = {benefit.measure: benefit for benefit in gates_of(beside)[1].benefits}
    assert list(benefits) == ["cost", "on_time", "automatic", "error", "regional"]
    assert benefits["cost"].basis == benefits["on_time"].basis == "not recorded"
    error = benefits["error"]
    assert error.basis == "outcome"
    assert 500 < error.orders <= benefits["automatic"].orders
    assert error.difference["low"] < error.difference["value"] < error.difference["high"]
    assert error.difference["value"] == pytest.approx(error.after - error.before)
    assert benefits["regional"].difference["low"] is not None


def test_the_command_shows_the_benefits(beside, monkeypatch):
    monkeypatch.setenv("OI_HOME", str(beside.settings.home))
    monkeypatch.setenv("OI_COMPANY", "acme")
    told = CliRunner().invoke(models_app, ["benefits", "2", "--json"])
    assert told.exit_code == 0, told.output
    assert {row["measure"] for row in json.loads(told.stdout)["benefits"]} >= {"cost", "automatic"}
    assert "Version 2 beside version 1" in CliRunner().invoke(models_app, ["benefits", "2"]).stdout
    assert CliRunner().invoke(models_app, ["benefits", "1"]).exit_code == 2
