"""Single orders over HTTP: the pipe's answers, to those who carry the company's token and name this machine."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from decisions.routing.endpoint import MOST_BYTES, Endpoint, company_token
from decisions.routing.plan import PlanJob
from decisions.routing.service import LiveRouter, newer_router, open_router
from workspace.published import Snapshot
from workspace.settings import Settings

ORDER = {"order_id": "new", "region": "R1", "slack_hours": 40.0, "lines": [{"product_id": "p1", "quantity": 1}]}
TOKEN = "the company's"
OWN = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def planned(settings: Settings, champion: Snapshot) -> Settings:
    PlanJob().run(settings, champion)
    return settings


@pytest.fixture
def router(planned: Settings, champion: Snapshot) -> LiveRouter:
    return open_router(planned, champion)


def ask(endpoint: Endpoint, method: str, path: str, host: str = "127.0.0.1:8401", **request: object) -> httpx.Response:
    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app=endpoint)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
            return await client.request(method, path, **request)

    return asyncio.run(asked())


def nothing_newer(_plan: str) -> None:
    return None


def test_it_gives_the_answers_of_the_pipe_and_sells_no_unit_twice(
    planned: Settings, champion: Snapshot, router: LiveRouter
) -> None:
    orders = [{**ORDER, "order_id": number} for number in range(5)]
    endpoint = Endpoint(router, nothing_newer, TOKEN)
    body = "\n".join([*map(json.dumps, orders), "", "no json"])
    found = ask(endpoint, "POST", "/route", headers=OWN, content=body)
    assert found.status_code == 200
    pipe = open_router(planned, champion)
    assert [json.loads(line) for line in found.text.splitlines()] == [pipe.route(order) for order in [*orders, {}]]
    assert [json.loads(line)["status"] for line in found.text.splitlines()] == ["filled"] * 3 + ["unfilled"] * 2 + [
        "excluded"
    ]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"method": "POST", "path": "/route"}, 401),
        ({"method": "POST", "path": "/route", "headers": {"Authorization": "Bearer another"}}, 401),
        ({"method": "GET", "path": "/healthz"}, 401),
        ({"method": "POST", "path": "/route", "headers": OWN, "host": "shop.example:8401"}, 400),
        ({"method": "GET", "path": "/route", "headers": OWN}, 405),
        ({"method": "GET", "path": "/orders", "headers": OWN}, 404),
        ({"method": "POST", "path": "/route", "headers": OWN, "content": b" " * (MOST_BYTES + 1)}, 413),
    ],
)
def test_others_are_refused_and_take_nothing(router: LiveRouter, request_: dict[str, Any], status: int) -> None:
    before = router.router.stock.copy()
    found = ask(Endpoint(router, nothing_newer, TOKEN), **{"content": json.dumps(ORDER), **request_})
    assert found.status_code == status
    assert found.json()["error"]
    assert (router.router.stock == before).all()


def test_it_goes_on_to_a_newer_plan(planned: Settings, champion: Snapshot, router: LiveRouter) -> None:
    """The units that the older plan's answers took are the newer plan's to decide on."""
    endpoint = Endpoint(router, lambda plan: newer_router(planned, plan), TOKEN)
    for number in range(3):
        router.route({**ORDER, "order_id": number})
    newer = PlanJob(window_hours=1.0).run(planned, champion).plan

    async def follow() -> None:
        task = asyncio.ensure_future(endpoint.follow(0.01))
        for _ in range(1_000):
            if endpoint.router.plan == newer:
                break
            await asyncio.sleep(0.01)
        task.cancel()

    assert newer != router.plan
    asyncio.run(follow())
    assert ask(endpoint, "GET", "/healthz", headers=OWN).json() == {"status": "ok", "plan": newer, "problem": ""}
    assert json.loads(ask(endpoint, "POST", "/route", headers=OWN, json=ORDER).text)["status"] == "filled"


def test_a_plan_that_cannot_be_opened_leaves_the_old_one_in_use(router: LiveRouter) -> None:
    asked = []

    def broken(plan: str) -> LiveRouter | None:
        asked.append(plan)
        raise ValueError("half a plan")

    endpoint = Endpoint(router, broken, TOKEN)

    async def follow() -> None:
        task = asyncio.ensure_future(endpoint.follow(0.001))
        while len(asked) < 2:
            await asyncio.sleep(0.001)
        assert not task.done()
        task.cancel()

    asyncio.run(asyncio.wait_for(follow(), 5))
    assert endpoint.router is router
    told = {"status": "stale", "plan": router.plan, "problem": "half a plan"}
    assert ask(endpoint, "GET", "/healthz", headers=OWN).json() == told


def test_the_token_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "route-token"
    first = company_token(file)
    assert len(first) >= 40
    assert company_token(file) == first
    assert file.stat().st_mode & 0o077 == 0


def test_the_command_serves_on_loopback_until_it_is_stopped(planned: Settings) -> None:
    environment = {**os.environ, "OI_HOME": str(planned.home), "OI_COMPANY": planned.company}
    command = [sys.executable, "-c", "from orchestration.cli.route import app; app(['serve', '--port', '0'])"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().split()[1].rstrip(",")
            assert address.startswith("http://127.0.0.1:")
            token = (planned.paths.root / "route-token").read_text(encoding="utf-8")
            with httpx.Client(headers={"Authorization": f"Bearer {token}"}) as client:
                found = client.post(address, content=json.dumps(ORDER))
            assert found.json()["parcels"][0]["warehouse_id"] == "far"
            server.send_signal(signal.SIGTERM)
            assert server.wait(20) == 0
        finally:
            server.kill()
