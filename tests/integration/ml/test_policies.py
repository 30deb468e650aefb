"""A routing policy goes the way of a model: replayed on past orders, judged, approved by another, in force, back."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from ml.core.lifecycle import FIRST_VERSION_ONLY, GATES_ACTOR, TRAINING_ACTOR, MoveRefused, State, expiry
from ml.core.routing.policy import BadPolicy
from ml.io.champion import check_champion
from ml.io.gate_limits import load_limits
from ml.io.policies import POLICY, certified_policy
from ml.io.registry import ArtifactMismatch
from ml.io.stores import ModelStores, open_stores
from ml.jobs import desk, policies, policy_replay
from ml.jobs.audit_context import changes_of_service
from ml.jobs.catalogue import ORDER_ROUTING
from ml.jobs.policies import AFFECTED, PolicyNotReplayable, judge_and_file, register_policy, replay_again
from tests.support.past_company import known_router, publish_past
from tests.support.people import add_people, signer
from workspace.settings import Settings

#: Without lateness in the balance nobody is sent anything by express.
CARELESS = {"parameters": {"lateness_cost": 0.0}, "confidence_threshold": 0.9}
LIMITS = load_limits()


@pytest.fixture
def company(tmp_path: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A company with a past, whose order-routing/7 is in service by the ledger and predicts what is known."""
    settings = Settings(home=tmp_path / "home", company="acme")
    shutil.copy(migrated, settings.paths.ensure().mlflow / "mlflow.db")
    add_people(settings.home)
    snapshot = publish_past(settings, tmp_path)
    router = known_router(snapshot)

    def load(stores: ModelStores, version: str = "7") -> policy_replay.Router:
        certified = certified_policy(stores, version)
        return replace(router, certified=certified, policy=certified.routing if certified else router.policy)

    for module in (policies, policy_replay):
        monkeypatch.setattr(module, "load_router", load)
    with open_stores(settings) as stores:
        crown(stores, "7")
    return settings


def crown(stores: ModelStores, version: str) -> None:
    """Put a version of order-routing in service by the ledger alone: its files are not what is tested here."""
    name, move = ORDER_ROUTING.name, stores.promotions.move
    files = {"digest": "0"}
    dossier = {"dossier": stores.promotions.save_dossier({"verdict": "pass", "artifact": files, "version": version})}
    move(name, version, State.REGISTERED, TRAINING_ACTOR, "a training ended")
    move(name, version, State.EVALUATED, TRAINING_ACTOR, "judged", {"artifact": files})
    move(name, version, State.PROPOSED, GATES_ACTOR, "the gates did not fail it", dossier)
    later = expiry(pd.Timestamp.now("UTC").to_pydatetime(), 7)
    approval = {**dossier, "expires_at": later, "automatic": FIRST_VERSION_ONLY}
    by = GATES_ACTOR if not stores.promotions.history(name).had_champion else signer(stores.settings.home, "wang.li")
    move(name, version, State.APPROVED, by, "first version", approval)
    move(name, version, State.CHAMPION, by, "first version", dossier)


@pytest.fixture
def proposed(company: Settings) -> Iterator[ModelStores]:
    """Open stores of the company, where ada registered and proposed a policy."""
    ada = signer(company.home, "ada")
    assert register_policy(company, CARELESS, ada, "express is dear") == "1"
    judged = judge_and_file(company, "1", LIMITS)
    assert judged.affected > 0
    with open_stores(company) as stores:
        desk.propose(stores, POLICY, "1", ada, "express is dear", judged.dossier)
        yield stores


def test_the_dossier_lists_the_orders_that_would_be_decided_otherwise(proposed, company):
    dossier = proposed.promotions.dossier(proposed.promotions.history(POLICY).version("1").dossier)
    replay = dossier["replay"]
    affected = pd.read_parquet(proposed.report_folder(POLICY, "1") / AFFECTED)
    assert len(affected) == replay["affected"] == 288
    assert (affected["service_before"] == "express").all()
    assert (affected["service_after"] == "ground").all()
    assert replay["left_out"] == {"never_allocated": 1, "unknown_product": 1, "unknown_region": 1}
    benefits = {benefit["measure"]: benefit for benefit in replay["benefits"]}
    assert benefits["cost"]["difference"]["value"] < 0
    assert benefits["on_time"]["difference"]["value"] == pytest.approx(-0.48)
    assert benefits["error"]["basis"] == "not recorded"
    assert dossier["judged_with"]["version"] == "7"
    assert {gate["name"] for gate in dossier["gates"]} == {
        "policy_replay", "policy_cost", "policy_on_time", "policy_regions"
    }  # fmt: skip


def test_it_is_approved_by_another_put_in_force_and_taken_out_again(proposed, company):
    ada, wang, chen = (signer(company.home, name) for name in ("ada", "wang.li", "chen.yu"))
    assert certified_policy(proposed, "7") is None
    with pytest.raises(MoveRefused, match="takes a person with the role reviewer"):
        desk.approve(proposed, POLICY, "1", ada, "mine", LIMITS)
    desk.approve(proposed, POLICY, "1", wang, "read which orders", LIMITS)
    desk.promote(proposed, POLICY, "1", ada, "go")
    held = certified_policy(proposed, "7")
    assert (held.version, held.confidence_threshold, held.routing.parameters.lateness_cost) == ("1", 0.9, 0.0)
    assert certified_policy(proposed, "8") is None, "beside another model it was never judged"
    assert check_champion(proposed, POLICY).is_sound
    assert changes_of_service(proposed)[-1]["what"]["en"] == "routing-policy version 1 became champion"
    register_policy(company, {"parameters": {"lateness_cost": 40.0}}, ada, "as before")
    judged = judge_and_file(company, "2", LIMITS)
    desk.propose(proposed, POLICY, "2", ada, "as before", judged.dossier)
    desk.approve(proposed, POLICY, "2", wang, "read which orders", LIMITS)
    desk.promote(proposed, POLICY, "2", ada, "go")
    desk.roll_back(proposed, POLICY, chen, "complaints", LIMITS)
    assert certified_policy(proposed, "7").version == "1"


def test_the_author_is_who_registered_it_whoever_proposes_it(company):
    grace, ada = signer(company.home, "grace"), signer(company.home, "ada")
    register_policy(company, CARELESS, grace, "mine")
    judged = judge_and_file(company, "1", LIMITS)
    with open_stores(company) as stores:
        desk.propose(stores, POLICY, "1", ada, "for grace", judged.dossier)
        with pytest.raises(MoveRefused, match="must not be who made or proposed it; grace did"):
            desk.approve(stores, POLICY, "1", grace, "fine by me", LIMITS)


def test_a_policy_is_not_put_in_service_beside_a_model_that_it_was_not_judged_with(proposed, company):
    desk.approve(proposed, POLICY, "1", signer(company.home, "wang.li"), "read which orders", LIMITS)
    crown(proposed, "8")
    with pytest.raises(MoveRefused, match="judged with order-routing/7; 8 is in service"):
        desk.promote(proposed, POLICY, "1", signer(company.home, "ada"), "go")


def test_a_policy_whose_file_was_changed_is_neither_promoted_nor_decided_by(proposed, company):
    desk.approve(proposed, POLICY, "1", signer(company.home, "wang.li"), "read which orders", LIMITS)
    file = next((company.paths.reports / "policies").glob("*.json"))
    original = file.read_text()
    file.write_text(original.replace("0.9", "0.6"))
    with pytest.raises(ArtifactMismatch):
        desk.promote(proposed, POLICY, "1", signer(company.home, "ada"), "go")
    file.write_text(original)
    desk.promote(proposed, POLICY, "1", signer(company.home, "ada"), "go")
    file.write_text(original.replace("0.9", "0.6"))
    with pytest.raises(ArtifactMismatch):
        certified_policy(proposed, "7")
    assert not check_champion(proposed, POLICY).is_sound


def test_its_replay_is_given_again_with_the_same_hash(proposed, company):
    again = replay_again(company, "1")
    assert again.is_same
    assert again.affected == 288
    snapshot = next(path for path in company.paths.published.iterdir() if path.is_dir())
    orders = snapshot / "fct_orders.parquet"
    orders.chmod(0o644)
    orders.write_bytes(orders.read_bytes() + b"\0")
    with pytest.raises(PolicyNotReplayable, match="as published"):
        replay_again(company, "1")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"confidence_threshold": 0.2}, "from 0.5 to 1"),
        ({"confidence_threshold": "high"}, "from 0.5 to 1"),
        ({"weights": {}}, "Remove them"),
        ({"parameters": {"lateness_cost": -1}}, "lateness_cost"),
    ],
)
def test_what_is_no_policy_is_not_registered(company, values, words):
    with pytest.raises(BadPolicy, match=words):
        register_policy(company, values, signer(company.home, "ada"), "why not")
    with open_stores(company) as stores:
        assert stores.promotions.history(POLICY).versions == {}


def test_who_may_not_propose_may_not_register(company):
    with pytest.raises(MoveRefused, match=r"liu\.fang may not make a version"):
        register_policy(company, CARELESS, signer(company.home, "liu.fang"), "let me")
