"""Single orders by the newest plan: the prices and the stock that it left, and a reason for what cannot be decided."""

import json

import pytest
from typer.testing import CliRunner

from decisions.routing.plan import PlanJob
from decisions.routing.service import LiveRouter, open_router
from decisions.routing.tables import RoutingInputError
from orchestration.cli.route import app
from workspace.published import Snapshot
from workspace.settings import Settings

ORDER = {"order_id": "new", "region": "R1", "slack_hours": 40.0, "lines": [{"product_id": "p1", "quantity": 1}]}


@pytest.fixture
def router(settings: Settings, champion: Snapshot) -> LiveRouter:
    PlanJob().run(settings, champion)
    return open_router(settings, champion)


def test_units_that_an_answer_took_are_gone_and_nothing_is_sold_twice(router: LiveRouter) -> None:
    """The plan leaves no unit at `near` and three at `far`, which is late for R1 with a chance of 0.6."""
    answers = [router.route({**ORDER, "order_id": number}) for number in range(4)]
    assert [answer["status"] for answer in answers] == ["filled"] * 3 + ["unfilled"]
    first = answers[0]
    assert first["parcels"] == [{"warehouse_id": "far", "service_level": "ground", "product_ids": ["p1"]}]
    assert first["on_time"] == pytest.approx(0.4)
    assert answers[3]["reason"] == "no_node_now"
    assert answers[3]["order_id"] == 3


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"region": "Mars"}, "unknown_region"), ({"lines": []}, "no_lines"), ({"lines": None}, "bad_request"),
        ({"lines": [{"product_id": "p9", "quantity": 1}]}, "unknown_product"),
        ({"lines": [{"product_id": "p1", "quantity": 1.5}]}, "bad_quantity"),
        ({"lines": [{"product_id": "p1", "quantity": -2}]}, "bad_quantity"),
        ({"lines": [{"product_id": "p1", "quantity": float("nan")}]}, "bad_request"),
        ({"lines": [{"product_id": "p1"}]}, "bad_request"), ({"slack_hours": "soon"}, "bad_request"),
    ],
)  # fmt: skip
def test_a_faulty_order_is_excluded_with_its_reason(
    router: LiveRouter, changes: dict[str, object], reason: str
) -> None:
    answer = router.route({**ORDER, **changes})
    assert (answer["status"], answer["reason"]) == ("excluded", reason)
    assert answer["reason_text"]
    assert router.route(ORDER)["status"] == "filled"


def test_the_command_answers_each_line_with_one_line(
    settings: Settings, champion: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OI_HOME", str(settings.home))
    monkeypatch.setenv("OI_COMPANY", settings.company)
    assert CliRunner().invoke(app, ["one", json.dumps(ORDER)]).exit_code == 2
    PlanJob().run(settings, champion)
    lines = "\n".join((json.dumps(ORDER), "", "no json", "[1]"))
    done = CliRunner().invoke(app, ["one"], input=lines)
    assert done.exit_code == 0, done.output
    assert [json.loads(line)["status"] for line in done.output.splitlines()] == ["filled", "excluded", "excluded"]


def test_without_a_plan_it_says_how_to_make_one(settings: Settings, champion: Snapshot) -> None:
    with pytest.raises(RoutingInputError, match="oi route plan"):
        open_router(settings, champion)
