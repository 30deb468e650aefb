"""The promotion desk: versions that wait for a decision, each with its dossier, and the form that signs one.

Belongs here: the pages, and handing a person's decision on. Does not belong here: what the pages show
(`dashboards.pages.cases`), the rules of a decision (`ml.core.promotion`) and carrying it out (`ml.jobs.desk`).

A decision is made on the dossier that its page showed: the form names it, and one that has been replaced is refused.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import JSONResponse

from dashboards.access.gate import done, require, visitor_of
from dashboards.access.people import Role
from dashboards.access.state import NotAuthenticated, access_of, client_of
from dashboards.access.visitor import Visitor
from dashboards.console import Console, console_of
from dashboards.pages.cases import Case, case_of, duties_of, queue_of
from dashboards.pages.models import detail_of
from dashboards.pages.versions import VERDICT_MARKS, models_of
from dashboards.signing import Decision, NotSigned, sign
from dashboards.store import Reader
from workspace.users import UserRefused

router = APIRouter()

LOOK = [require(Role.VIEWER)]
#: Given by those whose key is not opened yet: they signed in with a provider, which knows no password of ours.
Password = Annotated[str, Form(max_length=1024)]
Reason = Annotated[str, Form(min_length=10, max_length=2000)]


@router.get("/desk", dependencies=LOOK)
def queue(request: Request) -> Response:
    """What waits for a decision, for being put in service, or for being proposed."""
    console = console_of(request)

    def build(_: Reader) -> dict[str, Any]:
        ledger = console.evidence.ledger()
        events = ledger.events if ledger else ()
        models = models_of(events, console.evidence)
        return {
            "queue": queue_of(models, events),
            "duties": duties_of(models),
            "models": models,
            "verdict_marks": VERDICT_MARKS,
        }

    return console.page(request, "desk.html", "desk", build)


@router.get("/dossiers/{digest}", dependencies=LOOK)
def dossier(request: Request, digest: str) -> Response:
    """A dossier as filed, to keep or to hash."""
    found = console_of(request).evidence.dossier(digest)
    if found.content is None:
        raise HTTPException(404, console_of(request).texts(request).desk.no_dossier)
    headers = {"Content-Disposition": f'attachment; filename="dossier-{digest[:12]}.json"'}
    return JSONResponse(found.content, headers=headers)


@router.get("/desk/{model}/{version}", dependencies=LOOK)
def case(request: Request, model: str, version: str) -> Response:
    """One version before the desk."""
    return _show(request, model, version)


@router.post("/desk/{model}/{version}")
def decide(
    request: Request, model: str, version: str, visitor: Annotated[Visitor, require(Role.REVIEWER)],
    decision: Annotated[Literal["approve", "reject"], Form()], reason: Reason,
    dossier: Annotated[str, Form(max_length=64)], condition: Annotated[str, Form(max_length=500)] = "",
    within_days: Annotated[float | None, Form(gt=0, le=365)] = None, password: Password = "",
) -> Response:  # fmt: skip
    """Sign a decision on a dossier."""
    asked = Decision(decision, reason.strip(), dossier, condition.strip(), within_days)
    return _sign(request, model, version, visitor, asked, password)


@router.post("/desk/{model}/{version}/confirmation")
def confirm(
    request: Request, model: str, version: str, visitor: Annotated[Visitor, require(Role.REVIEWER)], reason: Reason,
    password: Password = "",
) -> Response:  # fmt: skip
    """Confirm a rollback afterwards, or that the condition of an approval is met."""
    return _sign(request, model, version, visitor, Decision("confirm", reason.strip()), password)


@router.post("/desk/{model}/{version}/service")
def put_in_service(
    request: Request, model: str, version: str, visitor: Annotated[Visitor, require(Role.ML_ENGINEER, Role.REVIEWER)],
    decision: Annotated[Literal["promote", "shadow"], Form()], reason: Reason, password: Password = "",
) -> Response:  # fmt: skip
    """Put an approved version in service, or let it go on in shadow."""
    return _sign(request, model, version, visitor, Decision(decision, reason.strip()), password)


@router.post("/desk/{model}/{version}/rollback")
def roll_back(
    request: Request, model: str, version: str,
    visitor: Annotated[Visitor, require(Role.OPERATOR, Role.ML_ENGINEER, Role.REVIEWER)], reason: Reason,
    password: Password = "",
) -> Response:  # fmt: skip
    """Take the version in service out at once, by one person; refused if another one is in service by now."""
    return _sign(request, model, version, visitor, Decision("rollback", reason.strip()), password)


def _sign(request: Request, model: str, version: str, visitor: Visitor, decision: Decision, password: str) -> Response:
    """Sign a decision, or show the case again and say why it cannot be."""
    console, access = console_of(request), access_of(request)
    case_address = f"/desk/{model}/{version}"
    try:
        if password:
            access.authenticate(visitor.name, password, client_of(request), f"POST {request.scope['path']}")
        person = access.people.signer(visitor.name)
        event = sign(console.settings, model, version, decision, person)
    except (NotSigned, UserRefused, NotAuthenticated) as error:
        where = f"POST {request.scope['path']}"
        access.journal.refused("decision", visitor.name, client_of(request), where, str(error))
        typed = {"decision": decision.action, "reason": decision.reason, "condition": decision.condition}
        return _show(request, model, version, 409, str(error), typed)
    t = console.texts(request).desk.done
    return done(request, quote(case_address), t[decision.action].format(version=version, event=event.sequence))


def _show(
    request: Request, model: str, version: str, status: int = 200, problem: str = "",
    typed: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    console = console_of(request)
    t = console.texts(request)

    def build(reader: Reader) -> dict[str, Any]:
        found, events = _case(console, model, version)
        if found is None:
            raise HTTPException(404, t.models.missing.format(model=model, version=version))
        visitor = visitor_of(request)
        is_locked = bool(visitor and visitor.is_person and not access_of(request).people.is_opened(visitor.name))
        shown = {"case": found, "events": events, "problem": problem, "typed": typed or {}, "is_locked": is_locked}
        return {**detail_of(t, reader, found.view), **shown}

    return console.page(request, "case.html", "desk", build, status)


def _case(console: Console, model: str, version: str) -> tuple[Case | None, list[Any]]:
    ledger = console.evidence.ledger()
    events = ledger.events if ledger else ()
    for found in models_of(events, console.evidence):
        for view in found.versions:
            if (view.model, view.version) == (model, version):
                own = [event for event in reversed(events) if event.subject == f"{model}/{version}"]
                return case_of(found, view, events, console.evidence), own
    return None, []
