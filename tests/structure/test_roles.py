"""Every route of the console states who may use it, and what each role may do is written down once: here."""

from collections.abc import Iterator

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from dashboards.access.gate import Gate
from dashboards.access.people import Role
from dashboards.app import create_app
from workspace.settings import Settings

LOOK = {Role.VIEWER}
STEWARDS = {Role.OPERATOR, Role.REVIEWER}
ANYBODY: set[Role] = set()

#: Method and path of every route → who may use it. A new route is added here on purpose, or the test fails.
ROUTES = {
    "GET /": LOOK,
    "GET /about": LOOK,
    "GET /desk": LOOK,
    "GET /desk/{model}/{version}": LOOK,
    "POST /desk/{model}/{version}": {Role.REVIEWER},
    "POST /desk/{model}/{version}/confirmation": {Role.REVIEWER},
    "POST /desk/{model}/{version}/service": {Role.ML_ENGINEER, Role.REVIEWER},
    "POST /desk/{model}/{version}/rollback": {Role.OPERATOR, Role.ML_ENGINEER, Role.REVIEWER},
    "GET /dossiers/{digest}": LOOK,
    "GET /healthz": ANYBODY,
    "GET /language/{code}": ANYBODY,
    "GET /master": LOOK,
    "GET /master/{entity}/{pair}": STEWARDS,
    "POST /master/{entity}/{pair}": STEWARDS,
    "GET /models": LOOK,
    "GET /models/{model}/{version}": LOOK,
    "GET /orders": LOOK,
    "GET /orders/{order_id:path}": LOOK,
    "GET /routing": LOOK,
    "GET /routing/{order_id:path}": LOOK,
    "GET /quality": LOOK,
    "GET /quality/days": LOOK,
    "GET /stock": LOOK,
    "GET /reports/{digest}/{name}": LOOK,
    "GET /sign-in": ANYBODY,
    "GET /sign-in/provider": ANYBODY,
    "GET /sign-in/provider/answer": ANYBODY,
    "POST /sign-in": ANYBODY,
    "POST /sign-out": ANYBODY,
}


@pytest.fixture(scope="module")
def routes() -> dict[str, list[Gate]]:
    """Method and path of every route of the application → gates that a request passes, the route's own last."""
    found = {}
    for context in iter_route_contexts(create_app(Settings()).routes):
        if isinstance(context.original_route, APIRoute):
            found |= {f"{method} {context.path}": list(gates_of(context.dependant)) for method in context.methods}
    return found


def gates_of(dependant: Dependant) -> Iterator[Gate]:
    """Gates that a request to a route passes."""
    for needed in dependant.dependencies:
        if isinstance(needed.call, Gate):
            yield needed.call
        yield from gates_of(needed)


def test_every_route_states_its_roles_as_written_here(routes: dict[str, list[Gate]]) -> None:
    silent = [name for name, gates in routes.items() if not gates]
    assert not silent, f"{silent} state no role; add `require(Role...)` of dashboards.access.gate"
    assert {name: set(gates[-1].roles) for name, gates in routes.items()} == ROUTES


def test_what_acts_is_never_open_to_who_may_only_look(routes: dict[str, list[Gate]]) -> None:
    for name, gates in routes.items():
        if not name.startswith("GET ") and name not in ("POST /sign-in", "POST /sign-out"):
            assert gates[-1].roles, f"{name} acts and is open to everybody"
            assert Role.VIEWER not in gates[-1].roles, f"{name} acts and is open to who may only look"


def test_nothing_but_static_files_is_served_beside_the_routes() -> None:
    others = [
        c.path for c in iter_route_contexts(create_app(Settings()).routes) if not isinstance(c.original_route, APIRoute)
    ]
    assert others == ["/static"]
