"""From a first version to a second, its refusals, its approval, and back: on real stores."""

import json
import os
import signal
import subprocess
import sys

import pytest

from ml.core.lifecycle import MoveRefused, State
from ml.io.champion import check_champion, load_champion, reconcile
from ml.io.gate_limits import load_limits
from ml.io.promotions import DossierBroken
from ml.io.registry import CHAMPION, ArtifactMismatch, aliases
from ml.io.stores import open_stores
from ml.jobs import desk
from ml.jobs.audit import AuditJob
from ml.jobs.compare import compare_versions
from ml.jobs.promote import PromoteJob
from ml.jobs.score import ScoreJob

MODEL = "late-delivery-risk"


def test_the_first_version_is_promoted_by_the_gates_and_the_ledger_says_so(promoted):
    with open_stores(promoted.settings) as stores:
        events = stores.promotions.events(MODEL, "1")
        assert aliases(stores, MODEL) == {CHAMPION: "1"}
        assert check_champion(stores, MODEL).is_sound
        approved = next(event for event in events if event.kind == "approved")
        dossier = stores.promotions.dossier(approved.payload["dossier"])
    assert [event.kind for event in events] == ["registered", "evaluated", "proposed", "approved", "champion"]
    assert approved.actor == "system:gates"
    assert approved.payload["automatic"] == "first_version_only"
    verdicts = {gate["name"]: gate["verdict"] for gate in dossier["gates"]}
    assert verdicts.pop("not_worse_than_champion") == verdicts.pop("shadow_agreement") == "not_applicable"
    assert set(verdicts.values()) == {"pass"}
    assert dossier["made_from"]["snapshot_digest"] == promoted.snapshot.digest


def test_judging_again_changes_nothing(promoted):
    before = _count_events(promoted)
    report = PromoteJob(promoted.spec).run(promoted.settings, promoted.snapshot)
    assert (report.status, report.state, report.champion) == ("unchanged", "champion", "1")
    assert _count_events(promoted) == before


def test_the_audit_judges_every_region_and_files_its_report(promoted):
    report = AuditJob(promoted.spec, is_priced=False).run(promoted.settings)
    assert report.status == "reused"
    assert report.verdict == "no_gap_found"
    assert report.page.is_file()
    assert "north" in report.markdown
    folder = promoted.settings.paths.reports / "models" / MODEL / "1"
    found = json.loads((folder / "fairness.json").read_text())
    evaluation = json.loads((folder / "evaluation.json").read_text())
    by_region = {s["names"]["region_code"]: s for s in evaluation["segments"] if len(s["names"]) == 1}
    for row in found["by_group"]:
        assert row["count"] == by_region[row["group"]]["count"]
        assert row["realised"] == pytest.approx(by_region[row["group"]]["count_positive"] / row["count"])
        assert row["predicted"] == pytest.approx(by_region[row["group"]]["mean_predicted"], abs=1e-3)


def test_a_second_version_waits_for_another_person_and_can_be_rolled_back(waiting, tmp_path):
    company = waiting.copied(tmp_path / "home")
    limits, ada, grace = load_limits(), company.signer("ada"), company.signer("grace")
    with open_stores(company.settings) as stores:
        assert aliases(stores, MODEL) == {"champion": "1", "challenger": "2"}
        with pytest.raises(MoveRefused, match="from approved, shadow only"):
            desk.promote(stores, MODEL, "2", ada, "in a hurry")
        with pytest.raises(MoveRefused, match="A program may approve only"):
            desk.approve(stores, MODEL, "2", "system:gates", "again", limits)
        signed = stores.promotions.history(MODEL).version("2").dossier
        verdicts = {gate["name"]: gate["verdict"] for gate in stores.promotions.dossier(signed)["gates"]}
        assert verdicts["not_worse_than_champion"] == verdicts["reproduction"] == "pass"
        assert verdicts["shadow_agreement"] == "insufficient_evidence"
        desk.propose(stores, MODEL, "2", grace, "I want it", signed)
        with pytest.raises(MoveRefused, match="must not be who made or proposed it; grace did"):
            desk.approve(stores, MODEL, "2", grace, "fine by me", limits)
        desk.approve(stores, MODEL, "2", company.signer("wang.li"), "read the report", limits)
        desk.promote(stores, MODEL, "2", grace, "go")
        assert load_champion(stores, MODEL).version == "2"
        assert aliases(stores, MODEL) == {"champion": "2"}
        desk.roll_back(stores, MODEL, company.signer("chen.yu"), "complaints from the south", limits)
        assert load_champion(stores, MODEL).version == "1"
        assert aliases(stores, MODEL) == {"champion": "1"}
        assert check_champion(stores, MODEL).is_sound
        assert stores.promotions.history(MODEL).version("2").state is State.ROLLED_BACK
        comparison = compare_versions(stores, company.spec, company.snapshot, "2", "1")
    assert comparison.rows["overall"] > 500
    assert comparison.overall["brier_difference"].low < 0 < comparison.overall["brier_difference"].high


def test_a_version_without_evidence_is_not_promoted_by_itself(company):
    company.train()
    report = PromoteJob(company.spec).run(company.settings, company.snapshot)
    assert report.status == "proposed"
    assert report.champion is None
    missing = {name for name, verdict in report.gates.items() if verdict == "insufficient_evidence"}
    assert missing == {"fairness", "data_checks", "latency", "reproduction"}
    scored = ScoreJob(company.spec).run(company.settings, company.snapshot)
    assert scored.status == "refused"
    assert scored.path is None
    assert "has no champion" in scored.reason
    assert not list(company.settings.paths.predictions.rglob("*.parquet"))


def test_a_failed_check_of_its_data_refuses_a_version_and_nobody_can_propose_it(company):
    company.train()
    AuditJob(company.spec).run(company.settings)
    checks = {"features.rows": {"passed": False, "severity": "fail"}}
    report = PromoteJob(company.spec, data_checks=checks).run(company.settings, company.snapshot)
    assert report.status == "refused"
    assert "features.rows" not in report.reason
    assert "data_checks" in report.reason
    with open_stores(company.settings) as stores:
        with pytest.raises(MoveRefused, match="failed a gate"):
            desk.propose(stores, MODEL, "1", company.signer("ada"), "never mind", report.dossier)
        assert aliases(stores, MODEL) == {}


@pytest.mark.slow
def test_a_champion_that_cannot_be_read_any_more_does_not_silence_the_other_gates(crowned, make_orders, publish_frame):
    """The champion reads a column that the table no longer has; the challenger was trained without it."""
    crowned.snapshot = publish_frame(crowned.settings, make_orders(seed=3).drop(columns="backlog_days"))
    assert crowned.train().version == "2"
    report = crowned.audit_and_judge()
    assert report.gates["not_worse_than_champion"] == "insufficient_evidence"
    assert report.gates["artifact"] == "pass"
    assert "cannot be compared with version 1" in report.markdown
    assert "backlog_days" in report.markdown


def test_tampering_is_refused_and_named(crowned):
    """Files, alias, dossier and evidence, each changed by hand behind the ledger's back."""
    settings = crowned.settings
    stored = next(settings.paths.mlflow.rglob("model.skops"))
    original = stored.read_bytes()
    with open_stores(settings) as stores:
        stored.write_bytes(original + b"\0")
        with pytest.raises(ArtifactMismatch, match="Nothing was loaded"):
            load_champion(stores, MODEL)
        with pytest.raises(ArtifactMismatch):
            ScoreJob(crowned.spec).run(settings, crowned.snapshot)
        assert any("its dossier says" in problem for problem in check_champion(stores, MODEL).problems)
        stored.write_bytes(original)

        stores.client.delete_registered_model_alias(MODEL, CHAMPION)
        assert check_champion(stores, MODEL).problems == ("alias champion points at none, the ledger says 1",)
        assert load_champion(stores, MODEL).version == "1"
        assert reconcile(stores, MODEL) == ["champion: none → 1"]
        assert check_champion(stores, MODEL).is_sound

        signed = stores.promotions.history(MODEL).version("1").dossier
        path = settings.paths.reports / "dossiers" / f"{signed}.json"
        path.write_text(path.read_text().replace('"pass"', '"fail"', 1))
        with pytest.raises(DossierBroken, match="changed after it was signed"):
            load_champion(stores, MODEL)


@pytest.mark.parametrize("name", ["../../../etc/passwd", "", "x" * 64, "0" * 64])
def test_a_dossier_is_found_by_its_digest_only(promoted, name):
    with open_stores(promoted.settings) as stores, pytest.raises(DossierBroken, match="There is no dossier"):
        stores.promotions.dossier(name)


KILLED = """
import os, signal, sys
from pathlib import Path
from ml.io import champion
from ml.io.stores import open_stores
from ml.jobs import desk
from tests.support.people import signer
from workspace.settings import Settings

calls = []
real = champion.project_aliases

def project(*arguments):
    calls.append(1)
    if len(calls) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments)

champion.project_aliases = project
with open_stores(Settings(home=Path(sys.argv[1]), company="acme")) as stores:
    desk.promote(stores, "late-delivery-risk", "1", signer(Path(sys.argv[1]), "grace"), "go")
"""


def test_a_kill_between_ledger_and_alias_leaves_the_new_champion_and_the_next_step_repairs_the_alias(company):
    company.train()
    PromoteJob(company.spec).run(company.settings, company.snapshot)
    with open_stores(company.settings) as stores:
        desk.approve(stores, MODEL, "1", company.signer("grace"), "read the report", load_limits())
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", KILLED, str(company.settings.home)], env=environment, timeout=120)
    assert done.returncode == -signal.SIGKILL
    with open_stores(company.settings) as stores:
        assert stores.promotions.history(MODEL).champion == "1"
        assert aliases(stores, MODEL).get(CHAMPION) is None
        assert not check_champion(stores, MODEL).is_sound
    PromoteJob(company.spec).run(company.settings, company.snapshot)
    with open_stores(company.settings) as stores:
        assert check_champion(stores, MODEL).is_sound
        assert load_champion(stores, MODEL).version == "1"


def _count_events(company) -> int:
    with open_stores(company.settings) as stores:
        return len(stores.promotions.events(MODEL))
