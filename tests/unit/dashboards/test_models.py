"""Models and fairness: the ledger decides what is shown, files are shown only as they were recorded."""

import html
import json
import shutil
import sqlite3
from pathlib import Path

import httpx
import pytest

from dashboards.evidence import Evidence
from dashboards.pages.versions import VersionView, alarms_of, layers_of
from ml.core.lifecycle import Version
from tests.support.console_evidence import publish_company
from tests.support.console_models import MISSED_REGION, MODEL, PERSON, write_models
from tests.unit.dashboards.conftest import Open
from tests.unit.dashboards.test_overview import text_of
from workspace.ledger import open_ledger
from workspace.settings import Settings


def evidence_of(settings: Settings, version: str, name: str) -> Path:
    """A file of evidence about a version."""
    return settings.paths.reports / "models" / MODEL / version / name


def test_states_are_those_that_the_ledger_adds_up_to(console: httpx.Client) -> None:
    page = console.get("/models").text
    versions = page[: page.index("</table>")]
    for number, state in (("4", "proposed"), ("3", "champion"), ("2", "rejected"), ("1", "retired")):
        row = versions[versions.index(f"Version {number}</a>") :]
        assert f">{state}</span>" in row[: row.index("</tr>")]
    assert "Version 3 is in service" in page
    assert "Version 4 waits for a decision" in page


def test_metrics_come_with_their_intervals(console: httpx.Client, company: Settings) -> None:
    filed = json.loads(evidence_of(company, "3", "evaluation.json").read_text(encoding="utf-8"))["backtest"]["roc_auc"]
    words = text_of(console.get("/models").text)
    assert f"ROC-AUC {filed['value']:.3f} {filed['low']:.3f} – {filed['high']:.3f}" in words


def test_gates_show_the_verdict_and_reason_of_the_dossier(console: httpx.Client, company: Settings) -> None:
    ledger = open_ledger(company)
    proposed = next(e for e in ledger.events(subject=f"{MODEL}/2") if e.kind == "proposed")
    ledger.close()
    dossier = company.paths.reports / "dossiers" / f"{proposed.payload['dossier']}.json"
    words = html.unescape(text_of(console.get(f"/models/{MODEL}/2").text))
    for gate in json.loads(dossier.read_text(encoding="utf-8"))["gates"]:
        assert f"{gate['verdict'].replace('_', ' ')} {gate['reason']}" in words
    assert "Not worse than the champion not applicable" in words


def test_regions_show_the_planted_gap_and_hide_rates_without_support(console: httpx.Client) -> None:
    page = console.get(f"/models/{MODEL}/2").text
    regions = text_of(page[page.index('id="regions"') : page.index('id="ledger"')])
    first = regions[regions.index(MISSED_REGION, regions.index("Finding")) :]
    assert "differs" in first[:80]
    yunnan = regions[regions.index("Yunnan") :]
    assert "– – too few to judge – – " in yunnan


def test_ledger_excerpt_is_newest_first_and_verified(console: httpx.Client) -> None:
    page = console.get("/models").text
    ledger = text_of(page[page.index('id="ledger"') :])
    assert "The chain of 17 events is whole." in ledger
    assert ledger.index("replaces version 1") < ledger.index("first version, gates passed")
    assert PERSON not in ledger
    assert "system:gates" in ledger


def test_a_changed_ledger_is_reported(own_company: Settings, open_console: Open) -> None:
    with sqlite3.connect(own_company.paths.ledger) as connection:
        connection.execute("update ledger_events set reason = 'as ordered' where sequence = 9")
    connection.close()
    words = text_of(open_console(own_company).get("/models").text)
    assert "The chain does not hold at 1 places." in words
    assert "Event 9 was changed after it was written." in words


def test_a_move_against_the_rules_is_shown_as_void_and_changes_no_state(
    own_company: Settings, open_console: Open
) -> None:
    ledger = open_ledger(own_company)
    ledger.append("promotions", "champion", f"{MODEL}/2", "mallory", "because", {})
    ledger.close()
    words = text_of(open_console(own_company).get("/models").text)
    assert "Version 3 is in service" in words
    assert "because Void:" in words


def test_evidence_that_was_changed_is_not_shown(own_company: Settings, open_console: Open) -> None:
    path = evidence_of(own_company, "3", "evaluation.json")
    path.write_text(path.read_text(encoding="utf-8").replace('"rows":', '"rows": 1'), encoding="utf-8")
    words = text_of(open_console(own_company).get("/models").text)
    assert "evaluation.json is not the file whose digest was recorded" in words
    assert "orders judged at" not in words


def test_a_changed_dossier_is_not_shown(own_company: Settings, open_console: Open) -> None:
    for path in (own_company.paths.reports / "dossiers").glob("*.json"):
        path.write_text(path.read_text(encoding="utf-8").replace('"pass"', '"fail"', 1), encoding="utf-8")
    words = text_of(open_console(own_company).get(f"/models/{MODEL}/3").text)
    assert "gates is not the file whose digest was recorded" in words


def test_versions_without_evidence_still_have_their_ledger(settings: Settings, open_console: Open) -> None:
    publish_company(settings)
    write_models(settings)
    shutil.rmtree(settings.paths.reports)
    words = text_of(open_console(settings).get("/models").text)
    assert "evaluation.json is not there" in words
    assert "This version has not been audited" in words
    assert "Version 3 is in service" in words


def test_reports_are_served_under_a_policy_that_runs_nothing(console: httpx.Client, company: Settings) -> None:
    digest = json.loads(evidence_of(company, "3", "fairness.json").read_text(encoding="utf-8"))["sha256"]
    for name, kind in (("report.en.html", "text/html"), ("report.zh.html", "text/html"), ("groups.csv", "text/csv")):
        answer = console.get(f"/reports/{digest}/{name}")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(kind)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("sandbox;")
        assert "script-src" not in policy
        assert "default-src 'none'" in policy


@pytest.mark.parametrize(
    "address",
    [
        "/reports/{digest}/../../../ledger.sqlite",
        "/reports/{digest}/%2e%2e%2f%2e%2e%2f%2e%2e%2fledger.sqlite",
        "/reports/..%2fdossiers/report.en.html",
        "/reports/" + "0" * 64 + "/report.en.html",
        "/models/../../etc/passwd",
        "/models/x/1",
        f"/models/{MODEL}/9",
    ],
)
def test_addresses_lead_to_nothing_else(console: httpx.Client, company: Settings, address: str) -> None:
    digest = json.loads(evidence_of(company, "3", "fairness.json").read_text(encoding="utf-8"))["sha256"]
    assert console.get(address.format(digest=digest)).status_code == 404


def test_a_ledger_that_was_never_written_is_none_and_stays_unwritten(settings: Settings) -> None:
    assert Evidence(settings).ledger() is None
    assert not settings.paths.ledger.exists()


def test_the_layers_of_an_audit_stay_apart_and_name_who_stands_out_by_what():
    fairness = {
        "verdict": "no_gap_found", "measure": "calibration_error", "by_group": [], "sha256": "0" * 64,
        "label": {"verdict": "gap", "named": {"measurement": [], "unexplained": ["s"]}},
        "decision": {"verdict": "gap", "gaps": ["on_time"]}, "alarms": {"n": "2026-W40", "s": "2026-W32"},
    }  # fmt: skip
    audit = {"metrics": {"calibration_error": {"groups": []}}}
    view = VersionView("m", "1", Version("1"), False, "", None, fairness, audit, [], "", {})
    rows = {row.layer: (row.verdict, list(row.findings)) for row in layers_of(view, {"s": "South"})}
    assert rows == {
        "label": ("gap", [("unexplained", ["South"])]),
        "prediction": ("no_gap_found", []),
        "decision": ("gap", [("on_time", ())]),
    }
    assert alarms_of(view, {"s": "South"}) == [("South", "2026-W32"), ("n", "2026-W40")]
