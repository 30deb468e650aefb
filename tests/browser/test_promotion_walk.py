"""One walk over every station of a promotion: refused, mended, proposed, approved in a browser, served, taken back.

The company is a small one. `OI_WALK_HOME=HOME make test ARGS=tests/browser/test_promotion_walk.py` walks on a copy of
the home in which `make demo` ran instead, which takes minutes.
"""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from playwright.sync_api import Page, expect
from typer.testing import CliRunner, Result

from ml.core.lifecycle import MoveRefused
from ml.core.risk_model import BoostingParameters, Plan
from ml.io.champion import check_champion, load_champion
from ml.io.stores import open_stores
from ml.jobs.score import ScoreJob
from orchestration.cli.evidence import app as evidence
from orchestration.cli.ledger import app as ledger
from orchestration.cli.models import app as models
from orchestration.cli.replay import app as replay
from tests.browser.conftest import Visit
from tests.support.console_server import serving
from tests.support.model_company import Company, copied_home, migrate
from tests.support.people import PASSWORD
from workspace.settings import Settings
from workspace.users import Users

MODEL = "late-delivery-risk"
CASE = f"/desk/{MODEL}/3"
#: One tree of two leaves: hardly a model, and worse than the champion on the same orders.
STUMP = Plan(candidates=(BoostingParameters(trees=1, leaves=2),), rehearsals=1)
Oi = Callable[..., Result]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """A company whose first version is champion by its gates."""
    if "OI_WALK_HOME" in os.environ:
        built = Settings(home=Path(os.environ["OI_WALK_HOME"]), company="demo")
        return Company.of(copied_home(built, tmp_path_factory.mktemp("walk") / "home"))
    shop = Company(tmp_path_factory.mktemp("walk") / "home", migrate(tmp_path_factory.mktemp("migrated")))
    shop.train()
    assert shop.audit_and_judge().status == "promoted"
    return shop


@pytest.fixture
def oi(shop: Company, monkeypatch: pytest.MonkeyPatch) -> Oi:
    """Runs a command of `oi` on the company's home, for somebody who types their password."""
    for name, value in {
        "OI_HOME": shop.settings.home,
        "OI_COMPANY": shop.settings.company,
        "OI_PASSWORD": PASSWORD,
    }.items():
        monkeypatch.setenv(name, str(value))

    def run(app: object, *arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments))  # type: ignore[arg-type]

    return run


@pytest.fixture
def signed_in(shop: Company, visit: Visit) -> Iterator[Callable[[str, str], Page]]:
    """Opens a page of the console as somebody, who signs in there."""
    with serving(shop.settings, Users(shop.settings.home)) as origin:

        def go(name: str, address: str) -> Page:
            page = visit(origin).open(f"/sign-in?next={address}")
            page.locator("#name").fill(name)
            page.locator("#password").fill(PASSWORD)
            page.keyboard.press("Enter")
            page.wait_for_url(f"**{address}", timeout=60_000)
            return page

        yield go


def sign(page: Page, reason_id: str, button: str, notice: str) -> None:
    """Give a reason and sign; then the page says what became of it."""
    page.locator(f"#{reason_id}").fill("read the report and every gate of it")
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.locator(".notice")).to_contain_text(notice, timeout=60_000)


def served(shop: Company) -> str:
    with open_stores(shop.settings) as stores:
        assert check_champion(stores, MODEL).problems == ()
        return load_champion(stores, MODEL).version


@pytest.mark.slow
def test_a_challenger_goes_the_whole_way_and_back(shop: Company, oi: Oi, signed_in: Callable[[str, str], Page]):
    # Refused for its stated gate, and nobody can propose it all the same.
    shop.train(plan=STUMP)
    refused = shop.audit_and_judge()
    assert (refused.status, refused.gates["not_worse_than_champion"]) == ("refused", "fail")
    assert "not_worse_than_champion" in refused.reason
    answer = oi(models, "propose", "2", "--as", "zhao.min", "--reason", "never mind")
    assert isinstance(answer.exception, MoveRefused)
    assert "failed a gate" in str(answer.exception)

    # Mended; beside the champion in shadow; proposed by who made it, on a dossier that holds what would change.
    shop.train(seed=7)
    assert shop.audit_and_judge().status == "proposed"
    assert ScoreJob(shop.spec).run(shop.settings, shop.snapshot).shadow.startswith("In shadow: Version 3")
    answer = oi(models, "propose", "3", "--as", "zhao.min", "--reason", "trees enough this time", "--json")
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["gates"]["shadow_agreement"] == "pass"

    # Approved by another person, in the browser, who sees what would change; put in service by who proposed it.
    page = signed_in("wang.li", CASE)
    expect(page.locator("#benefits")).to_have_text("What would change")
    page.locator("#decision-approve").check()
    sign(page, "reason", "Sign the decision", "Version 3 is approved")
    page = signed_in("zhao.min", CASE)
    page.locator("#decision-promote").check()
    sign(page, "service-reason", "Sign", "Version 3 is in service")
    assert served(shop) == "3"
    scored = ScoreJob(shop.spec).run(shop.settings, shop.snapshot)
    assert (scored.status, scored.version) == ("scored", "3")

    # Taken back at once by one person; confirmed by another.
    page = signed_in("chen.yu", CASE)
    sign(page, "rollback-reason", "Restore version 1", "must confirm it")
    assert served(shop) == "1"
    page = signed_in("wang.li", "/desk")
    page.locator("#duties ~ .scroll a").click()
    sign(page, "confirmation-reason", "Sign the confirmation", "Confirmed for version 3")
    page.goto(page.url.split("/desk")[0] + "/desk")
    expect(page.locator("#duties")).to_have_count(0)

    # Verified, given again, and packed for people outside.
    assert oi(ledger, "verify").exit_code == 0
    order = duckdb.sql(f"select order_id from '{scored.path}' limit 1").fetchall()[0][0]
    again = oi(replay, f"{order}@{Path(str(scored.path)).stem}", "--json")
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout)["recorded"]["model_version"] == "3"
    packed = oi(evidence, "3", "--json")
    assert packed.exit_code == 0, packed.output
    folder = Path(json.loads(packed.stdout)["folder"])
    assert "| cost of an order | not recorded |" in (folder / "impact.en.md").read_text()
    assert "| 每单成本 | 没有记录 |" in (folder / "impact.zh.md").read_text()
    excerpt = json.loads((folder / "ledger.json").read_text())
    assert [event["kind"] for event in excerpt["events"]] == [
        "registered", "evaluated", "proposed", "proposed", "approved", "champion", "rolled_back", "confirmed"
    ]  # fmt: skip
