"""Every attack of the corpus on a company's stores: refused or found, and kept in the ledger."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from ml.core.lifecycle import MoveRefused
from ml.io.champion import reconcile, watch_champion
from ml.io.gate_limits import load_limits
from ml.io.promotions import ALARMS, REFUSALS, DossierBroken
from ml.io.registry import ArtifactMismatch
from ml.io.stores import open_stores
from ml.jobs import desk
from orchestration.defs.automation import champion_watch
from orchestration.lib.workspace_resource import workspace_resource
from tests.corpus.attacks import ASKED, BY_HAND, BY_REQUEST, MODEL, Attack, Scene, refusals
from workspace.grants import UsersTampered
from workspace.settings import Settings
from workspace.users import Users


@pytest.fixture(scope="module")
def attacked(tmp_path_factory, waiting):
    """A company whose second version was proposed by grace; tests work on copies of its home."""
    company = waiting.copied(tmp_path_factory.mktemp("attacked") / "home")
    with open_stores(company.settings) as stores:
        dossier = stores.promotions.history(MODEL).version("2").dossier
        desk.propose(stores, MODEL, "2", company.signer("grace"), "I want it", dossier)
    return company


@pytest.fixture
def scene(attacked, tmp_path: Path) -> Iterator[Scene]:
    """The company, put back afterwards: only MLflow's database, which it keeps open, is mended instead."""
    home, kept = attacked.settings.home, tmp_path / "kept"
    shutil.copytree(home, kept, ignore=shutil.ignore_patterns("mlflow.db*"))
    with open_stores(attacked.settings) as stores:
        yield Scene(attacked.settings, stores, load_limits())
    for left in attacked.settings.paths.root.glob("ledger*"):
        left.unlink()
    shutil.copytree(kept, home, dirs_exist_ok=True)
    with open_stores(attacked.settings) as stores:
        reconcile(stores, MODEL)


def test_the_corpus_is_large_enough():
    assert len(ASKED) + len(BY_HAND) + len(BY_REQUEST) >= 25


@pytest.mark.parametrize("attack", ASKED, ids=lambda attack: attack.name)
def test_a_demand_that_breaks_a_rule_is_refused_and_kept(scene: Scene, attack: Attack):
    with pytest.raises((MoveRefused, DossierBroken, ArtifactMismatch)) as refused:
        attack.run(scene)
    assert attack.answer in str(refused.value)
    assert refusals(scene.settings, REFUSALS)[-1] == str(refused.value)
    assert scene.stores.promotions.history(MODEL).champion == "1"
    assert scene.stores.promotions.verify() == []


@pytest.mark.parametrize("attack", BY_HAND, ids=lambda attack: attack.name)
def test_a_change_behind_the_ledgers_back_raises_the_alarm_and_the_ledger_keeps_it(scene: Scene, attack: Attack):
    assert watch_champion(scene.stores, MODEL)[0].is_sound
    attack.run(scene)
    found, alarm = watch_champion(scene.stores, MODEL)
    assert any(attack.answer in problem for problem in found.problems), found.problems
    assert alarm is not None
    assert attack.answer in refusals(scene.settings, ALARMS)[-1]
    assert scene.stores.promotions.history(MODEL).champion in ("1", None)
    assert not watch_champion(scene.stores, MODEL)[0].is_sound, "what was found must not hide itself"
    assert watch_champion(scene.stores, MODEL)[1] is None, "the same is entered once"


def test_roles_given_by_hand_stop_everything(scene: Scene):
    journal = scene.settings.home / "users.jsonl"
    journal.write_text(journal.read_text().replace('["ml_engineer"]', '["ml_engineer","reviewer"]', 1))
    for attempt in (lambda: Users(scene.settings.home).find("ada"), lambda: watch_champion(scene.stores, MODEL)):
        with pytest.raises(UsersTampered, match="is not signed with the key"):
            attempt()


def test_an_alarm_is_cleared_when_all_holds_again(scene: Scene):
    scene.stores.client.set_registered_model_alias(MODEL, "champion", "2")
    assert watch_champion(scene.stores, MODEL)[1].kind == "raised"
    scene.stores.client.set_registered_model_alias(MODEL, "champion", "1")
    assert watch_champion(scene.stores, MODEL)[1].kind == "cleared"


def test_settings_of_a_home_that_never_was_raise_no_alarm(tmp_path: Path, migrated: Path):
    settings = Settings(home=tmp_path / "new", company="acme")
    shutil.copy(migrated, settings.paths.ensure().mlflow / "mlflow.db")
    with open_stores(settings) as stores:
        assert watch_champion(stores, MODEL)[1] is None


def test_the_sensor_tells_once_what_does_not_hold(scene: Scene, caplog: pytest.LogCaptureFixture):
    def look() -> str:
        with dg.build_sensor_context(resources={"workspace": workspace_resource(scene.settings)}) as context:
            return champion_watch(context).skip_message

    assert look() == "Everything is what was signed."
    scene.stores.client.set_registered_model_alias(MODEL, "champion", "2")
    assert "alias champion points at 2" in look()
    assert "alias champion points at 2" in look()
    assert caplog.text.count("run failed") == 1
