"""A stored prediction is given again to the last digit, or it is said why it cannot be."""

import json

import duckdb
import pytest
from typer.testing import CliRunner

from ml.io.registry import ArtifactMismatch
from ml.jobs.replay import NotReplayable, ReplayJob
from ml.jobs.score import ScoreJob
from orchestration.cli.replay import app


@pytest.fixture(scope="module")
def promoted(tmp_path_factory, promoted):
    """A copy for this module: scoring leaves predictions behind."""
    return promoted.copied(tmp_path_factory.mktemp("scored") / "home")


@pytest.fixture(scope="module")
def scored(promoted):
    report = ScoreJob(promoted.spec).run(promoted.settings, promoted.snapshot)
    rows = duckdb.sql(f"select order_id, reasons from '{report.path}' order by late_probability").fetchall()
    return promoted, report.path, rows


@pytest.mark.parametrize("is_explained", [True, False])
def test_the_same_answer_and_hash_come_out(scored, is_explained):
    company, path, rows = scored
    order = next(order for order, reasons in rows if (reasons is not None) is is_explained)
    found = ReplayJob(order, company.spec).run(company.settings)
    assert found.is_same
    assert found.id == f"{order}@{path.stem}"
    assert (found.recorded["reasons"] is not None) is is_explained
    assert found.replayed == found.recorded
    assert ReplayJob(found.id, company.spec).run(company.settings) == found


def test_the_command_says_so(scored, monkeypatch):
    company, _, rows = scored
    monkeypatch.setenv("OI_HOME", str(company.settings.home))
    monkeypatch.setenv("OI_COMPANY", company.settings.company)
    shown = CliRunner().invoke(app, [rows[0][0], "--json"])
    assert shown.exit_code == 0, shown.output
    assert json.loads(shown.stdout)["is_same"] is True
    assert "the same answer" in CliRunner().invoke(app, [rows[0][0]]).stdout


@pytest.mark.parametrize("name", ["nobody", "../../users", "' or 1=1 --", "o00001@elsewhere"])
def test_what_was_never_predicted_is_not_replayed(promoted, scored, name):
    with pytest.raises(NotReplayable, match="No prediction"):
        ReplayJob(name, promoted.spec).run(promoted.settings)


def test_a_changed_prediction_gives_another_hash(crowned):
    report = ScoreJob(crowned.spec).run(crowned.settings, crowned.snapshot)
    order = duckdb.sql(f"select order_id from '{report.path}' limit 1").fetchall()[0][0]
    changed = report.path.with_suffix(".changed")
    rows = f"select * replace (0.5::double as late_probability) from '{report.path}'"
    duckdb.sql(f"copy ({rows}) to '{changed}' (format parquet)")
    changed.replace(report.path)
    found = ReplayJob(order, crowned.spec).run(crowned.settings)
    assert not found.is_same
    assert found.recorded["late_probability"] == 0.5
    assert found.recorded_hash != found.replayed_hash


def test_changed_rows_changed_files_and_gone_snapshots_are_named(crowned):
    report = ScoreJob(crowned.spec).run(crowned.settings, crowned.snapshot)
    order = duckdb.sql(f"select order_id from '{report.path}' limit 1").fetchall()[0][0]
    stored = next(crowned.settings.paths.mlflow.rglob("model.skops"))
    original = stored.read_bytes()
    stored.write_bytes(original + b"\0")
    with pytest.raises(ArtifactMismatch):
        ReplayJob(order, crowned.spec).run(crowned.settings)
    stored.write_bytes(original)
    features = crowned.snapshot.path("feat_order_delivery")
    content = features.read_bytes()
    features.chmod(0o644)
    features.write_bytes(content + b"\0")
    with pytest.raises(NotReplayable, match="as published"):
        ReplayJob(order, crowned.spec).run(crowned.settings)
    features.write_bytes(content)
    assert ReplayJob(order, crowned.spec).run(crowned.settings).is_same
    crowned.snapshot.folder.rename(crowned.snapshot.folder.with_name("elsewhere"))
    with pytest.raises(NotReplayable, match="not kept any more"):
        ReplayJob(order, crowned.spec).run(crowned.settings)
