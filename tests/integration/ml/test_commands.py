"""`oi models`, `oi ledger` and `oi train` as a script meets them: JSON, exit codes, messages."""

import json
import re
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from orchestration.cli.ledger import app as ledger_app
from orchestration.cli.models import app as models_app
from orchestration.cli.train import app as train_app
from tests.support.people import PASSWORD


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch):
    """Call a command group on a company's home."""

    def call(app, company, *arguments: str) -> Result:
        monkeypatch.setenv("OI_HOME", str(company.settings.home))
        monkeypatch.setenv("OI_COMPANY", "acme")
        monkeypatch.setenv("OI_PASSWORD", PASSWORD)
        return CliRunner().invoke(app, list(arguments))

    return call


def test_versions_are_listed_with_state_and_figures(promoted, run):
    result = run(models_app, promoted, "list", "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["champion"] == "1"
    assert found["versions"][0]["state"] == "champion"
    assert found["versions"][0]["metrics"]["roc_auc"]["value"] > 0.7
    assert "champion" in run(models_app, promoted, "list").stdout


def test_a_version_is_shown_with_its_gates(promoted, run):
    found = json.loads(run(models_app, promoted, "show", "1", "--json").stdout)
    assert found["approved_by"] == "system:gates"
    assert {gate["name"] for gate in found["gates"]} >= {"fairness", "calibration", "artifact"}
    assert "better_than_baselines" in run(models_app, promoted, "show", "1").stdout


def test_an_unknown_version_is_wrong_usage_and_names_the_known_ones(promoted, run):
    result = run(models_app, promoted, "show", "9")
    assert result.exit_code == 2
    assert "there are: 1" in result.stderr


def test_history_tells_who_did_what(promoted, run):
    events = json.loads(run(models_app, promoted, "history", "--json").stdout)
    assert [event["kind"] for event in events][-1] == "champion"
    assert all(event["void"] is None for event in events)
    assert "system:gates" in run(models_app, promoted, "history").stdout


def test_a_refused_decision_changes_nothing(promoted, run):
    before = run(models_app, promoted, "history", "--json").stdout
    for arguments in (["propose", "1"], ["promote", "1"], ["approve", "1"], ["reject", "1"], ["rollback"]):
        result = run(models_app, promoted, *arguments, "--as", "grace", "--reason", "why not")
        assert type(result.exception).__name__ == "MoveRefused"
    result = run(models_app, promoted, "reject", "1", "--as", "system:gates", "--reason", "I am the gates")
    assert "No open account of 'system:gates'" in str(result.exception)
    assert run(models_app, promoted, "history", "--json").stdout == before


def test_a_version_compared_with_itself_differs_by_nothing(promoted, run):
    found = json.loads(run(models_app, promoted, "compare", "1", "--json").stdout)
    assert found["overall"]["brier_difference"] == {"value": 0.0, "low": 0.0, "high": 0.0}


def test_the_ledger_is_listed_and_verified(promoted, run):
    events = json.loads(run(ledger_app, promoted, "list", "--stream", "promotions", "--json").stdout)
    assert len(events) == 5
    result = run(ledger_app, promoted, "verify", "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found.pop("events") == len(json.loads(run(ledger_app, promoted, "list", "--last", "999", "--json").stdout))
    assert found == {"is_whole": True, "findings": []}
    assert len(json.loads(run(ledger_app, promoted, "list", "--last", "2", "--json").stdout)) == 2


def test_an_edited_event_is_found_by_the_command_and_by_the_check_of_the_champion(crowned, run):
    with sqlite3.connect(crowned.settings.paths.ledger) as connection:
        connection.execute("update ledger_events set actor = 'ada' where sequence = 4")
    result = run(ledger_app, crowned, "verify", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["findings"] == [{"sequence": 4, "problem": "was changed after it was written"}]
    assert run(models_app, crowned, "list", "--json").exit_code == 1


def test_anybodys_table_gets_backtest_report_and_audit(promoted, run, make_orders, tmp_path: Path):
    file = tmp_path / "mine.csv"
    make_orders(3000).to_csv(file, index=False)
    out = tmp_path / "report"
    result = run(
        train_app, promoted, "--table", str(file), "--target", "is_late", "--time", "ordered_at", "--key", "order_id",
        "--known-at", "label_known_at", "--group", "region_code", "--out", str(out), "--folds", "2", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["metrics"]["roc_auc"] > 0.7
    assert found["metrics"]["skill_over_base_rate_low"] > 0
    assert found["audit_verdict"] in ("no_gap_found", "insufficient_evidence")
    names = {path.name for path in out.rglob("*") if path.is_file()}
    assert {"evaluation.json", "model_card.md", "model.skops", "backtest.parquet", "report.en.html"} <= names
    evaluation = json.loads((out / "evaluation.json").read_text())
    assert "region_code" not in dict(evaluation["features"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--table", "no.csv", "--target", "y", "--time", "t"], "There is no file"),
        (["--table", "mine.csv", "--target", "nothing", "--time", "ordered_at"], "nothing are absent"),
        (["--table", "mine.csv", "--target", "distance_km", "--time", "ordered_at"], "must hold 0, 1 or null"),
        (["--table", "mine.csv", "--target", "is_late", "--time", "channel"], "must be set|must hold timestamps"),
        (["--table", "mine.txt", "--target", "is_late", "--time", "ordered_at"], "A table is read from"),
    ],
)
def test_a_table_that_cannot_be_used_says_why(promoted, run, make_orders, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    make_orders(200).to_csv("mine.csv", index=False)
    Path("mine.txt").write_text("x")
    result = run(train_app, promoted, *arguments)
    assert type(result.exception).__name__ == "UnusableTable"
    assert re.search(message, str(result.exception)), result.exception
