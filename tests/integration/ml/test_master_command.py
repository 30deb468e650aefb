"""`oi master` on a matched company of five records, as a steward uses it."""

import json
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from ml.io.matching import MatchingStore
from ml.io.verdicts import open_verdicts
from orchestration.cli.main import main
from tests.support.people import PASSWORD, add_people
from workspace.settings import Settings, load_settings


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Li Na stands in three systems; shop|4 and crm|5 wait for a steward; `c_old` was merged into `c_1`."""
    monkeypatch.setenv("OI_HOME", str(tmp_path))
    monkeypatch.setenv("OI_PASSWORD", PASSWORD)
    add_people(tmp_path)
    settings = load_settings()
    store = MatchingStore(settings.paths.ensure().matching).ensure()
    found = [("shop", "1", "c_1", "model"), ("crm", "2", "c_1", "email"), ("pos", "3", "c_1", "phone"),
             ("shop", "4", "c_4", "single"), ("crm", "5", "c_5", "single")]  # fmt: skip
    store.publish("matched_records", "customer", pl.DataFrame(
        found, schema=["source_system", "code", "golden_id", "match_rule"], orient="row",
    ).with_columns(entity=pl.lit("customer"), match_probability=pl.lit(0.99)))  # fmt: skip
    store.publish("matched_pairs", "customer", pl.DataFrame({
        "entity": ["customer"], "left_record": ["shop|4"], "right_record": ["crm|5"], "probability": [0.8],
        "zone": ["queue"], "match_rule": ["model"], "evidence": ['{"agrees": ["phone"], "differs": ["name"]}'],
    }))  # fmt: skip
    store.append("identity_changes", "customer", "r1", pl.DataFrame({
        "entity": ["customer"], "change_id": ["r1-0"], "kind": ["merged"], "golden_id": ["c_old"], "into": ["c_1"],
        "evidence": ["records or rules changed"], "actor": ["system:matching"], "changed_at": [datetime(2026, 1, 1)],
    }))  # fmt: skip
    return settings


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["master", *arguments])
    said = capsys.readouterr()
    assert (ended.value.code or 0) == code, said.err
    return said.err if code else said.out


@pytest.mark.parametrize("asked", ["c_1", "c_old", "pos|3"])
def test_every_id_of_a_customer_and_every_record_lead_to_the_golden_record(
    asked: str, company: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    found = json.loads(run(capsys, "show", "customer", asked, "--json"))
    assert [golden["golden_id"] for golden in found["golden"]] == ["c_1"]
    assert [row["record_id"] for row in found["golden"][0]["records"]] == ["crm|2", "pos|3", "shop|1"]
    assert [(change["kind"], change["golden_id"]) for change in found["changes"]] == [("merged", "c_old")]


@pytest.mark.parametrize(("asked", "says"), [("c_nobody", "or ever had"), ("shop|9", "No customer record 'shop|9'")])
def test_an_id_that_nothing_ever_had_is_an_error(
    asked: str, says: str, company: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert says in run(capsys, "show", "customer", asked, code=1)


def test_a_verdict_takes_a_pair_off_the_queue_until_it_is_withdrawn(
    company: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    pair, by = ("customer", "crm|5", "shop|4"), ("--reason", "called both", "--actor", "chen.yu")
    assert len(json.loads(run(capsys, "queue", "customer", "--json"))) == 1
    run(capsys, "link", *pair, *by)
    assert json.loads(run(capsys, "queue", "customer", "--json")) == []
    run(capsys, "withdraw", *pair, *by)
    assert len(json.loads(run(capsys, "queue", "customer", "--json"))) == 1
    ledger = open_verdicts(company)
    assert [(event.kind, event.actor) for event in ledger.events("customer")] == [
        ("linked", "chen.yu"), ("withdrawn", "chen.yu"),
    ]  # fmt: skip
    ledger.close()


def test_a_contradiction_is_refused_with_its_chain(company: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    by = ("--reason", "looked", "--actor", "chen.yu")
    run(capsys, "link", "customer", "shop|1", "crm|2", *by)
    run(capsys, "link", "customer", "crm|2", "shop|4", *by)
    refused = run(capsys, "apart", "customer", "shop|4", "shop|1", *by, code=1)
    assert "shop|1 = crm|2 = shop|4 are linked by verdicts" in refused


@pytest.mark.parametrize(
    ("actor", "other", "says"),
    [("liu.fang", "shop|4", "may not decide about records"), ("chen.yu", "shop|9", "No customer record 'shop|9'")],
)
def test_a_verdict_takes_a_steward_and_records_that_are_there(
    actor: str, other: str, says: str, company: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    pair = ("customer", "crm|5", other)
    assert says in run(capsys, "link", *pair, "--reason", "looked", "--actor", actor, code=1)
