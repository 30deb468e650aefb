"""Doubtful pairs of records: the stewards' queue, and the form that gives a verdict on one.

Belongs here: the pages, and handing a person's verdict on. Does not belong here: reading and deciding
(`dashboards.stewardship`).
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, HTTPException, Query, Request, Response

from dashboards.access.gate import done, require
from dashboards.access.people import Role
from dashboards.access.state import access_of, client_of
from dashboards.access.visitor import Visitor
from dashboards.console import console_of
from dashboards.pages.paging import Paging
from dashboards.stewardship import (
    ENTITIES,
    STEWARDS,
    VerdictNotTaken,
    Waiting,
    decide,
    explained,
    golden_values,
    match_quality,
    waiting,
    weights_chart,
)
from dashboards.store import Reader
from workspace.settings import Settings
from workspace.users import UserRefused

router = APIRouter()

Reason = Annotated[str, Form(min_length=10, max_length=2000)]
Verdict = Literal["linked", "apart"]


@router.get("/master", dependencies=[require(Role.VIEWER)])
def queue(request: Request, entity: str = Query(default="", max_length=20), page: int = 1) -> Response:
    """Pairs that wait for a steward, likeliest first."""
    console = console_of(request)
    chosen = entity if entity in ENTITIES else ENTITIES[0]
    texts = console.texts(request).master
    kinds = [(name, console.texts(request).word(name)) for name in ENTITIES]

    def build(_: Reader) -> dict[str, Any]:
        pairs = waiting(console.settings, chosen)
        paging = Paging("/master", {"entity": chosen}, page, len(pairs))
        rows = pairs[(paging.number - 1) * paging.size : paging.last]
        return {
            "rows": rows, "paging": paging, "entity": chosen, "kinds": kinds, "stewards": STEWARDS,
            "quality": match_quality(console.settings, chosen),
            "weights": weights_chart(console.settings, chosen, texts.all_weights, texts.levels),
        }  # fmt: skip

    return console.page(request, "master.html", "master", build)


@router.get("/master/{entity}/{pair}", dependencies=[require(*STEWARDS)])
def look(request: Request, entity: str, pair: str) -> Response:
    """Both records of a pair beside each other, and the form."""
    return _show(request, entity, _pair(request, entity, pair))


@router.post("/master/{entity}/{pair}")
def give(
    request: Request, entity: str, pair: str, visitor: Annotated[Visitor, require(*STEWARDS)],
    verdict: Annotated[Verdict, Form()], reason: Reason,
) -> Response:  # fmt: skip
    """Enter a verdict, or say why it cannot be."""
    console = console_of(request)
    found = _pair(request, entity, pair)
    try:
        person = access_of(request).people.signer(visitor.name)
        event = decide(console.settings, entity, found, verdict, person, reason.strip())
    except (VerdictNotTaken, UserRefused) as error:
        where = f"POST {request.scope['path']}"
        # The message names customers' codes, which do not belong in a log; the address tells the pair.
        access_of(request).journal.refused("verdict", visitor.name, client_of(request), where, type(error).__name__)
        return _show(request, entity, found, 409, str(error), {"verdict": verdict, "reason": reason})
    notice = (
        console.texts(request).master.done[verdict].format(left=found.left, right=found.right, event=event.sequence)
    )
    return done(request, f"/master?entity={entity}", notice)


def _pair(request: Request, entity: str, pair: str) -> Waiting:
    """The pair that waits at this address."""
    console = console_of(request)
    pairs = waiting(console.settings, entity) if entity in ENTITIES else []
    for found in pairs:
        if found.subject == f"{entity}/{pair}":
            return found
    raise HTTPException(404, console.texts(request).master.gone)


def _show(
    request: Request, entity: str, pair: Waiting, status: int = 200, problem: str = "",
    typed: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    console = console_of(request)
    texts = console.texts(request).master
    return console.page(request, "master_pair.html", "master", lambda _: {
        "entity": entity, "pair": pair, "problem": problem, "typed": typed or {}, "verdicts": ("linked", "apart"),
        "fields": _fields(console.settings, entity, pair),
        "why": explained(console.settings, entity, pair, texts.weights, texts.levels),
    }, status)  # fmt: skip


def _fields(settings: Settings, entity: str, pair: Waiting) -> list[tuple[str, Any, Any]]:
    """Name, left and right value of every golden field that either record has."""
    left, right = (golden_values(settings, entity, record) for record in (pair.left, pair.right))
    names = [*left, *(name for name in right if name not in left)]
    rows = [(name, left.get(name), right.get(name)) for name in names]
    return [row for row in rows if row[1:] != (None, None)]
