"""Models and their fairness: registered versions, what they were judged by, and the ledger that says so."""

from typing import Any

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse

from dashboards.access.gate import require
from dashboards.access.people import Role
from dashboards.console import Console, console_of
from dashboards.evidence import AUDIT_FILES
from dashboards.pages.versions import (
    AUDIT_MARKS,
    LISTED,
    VERDICT_MARKS,
    VersionView,
    alarms_of,
    layers_of,
    models_of,
    regions_of,
)
from dashboards.queries import models as queries
from dashboards.security import REPORT_POLICY
from dashboards.store import Reader
from dashboards.texts.loader import Language

router = APIRouter(dependencies=[require(Role.VIEWER)])

EVENTS_SHOWN = 30


@router.get("/models")
def models(request: Request, model: str = Query(default="", max_length=100)) -> Response:
    """All models with their versions, one of them in detail, and the promotion ledger."""
    console = console_of(request)
    t = console.texts(request)
    return console.page(request, "models.html", "models", lambda reader: _values(console, t, reader, model))


@router.get("/models/{model}/{version}")
def version(request: Request, model: str, version: str) -> Response:
    """One version: metrics, gates, regions."""
    console = console_of(request)
    t = console.texts(request)

    def build(reader: Reader) -> dict[str, Any]:
        ledger = console.evidence.ledger()
        for view in models_of(ledger.events, console.evidence) if ledger else []:
            for found in view.versions:
                if (found.model, found.version) == (model, version):
                    return {**detail_of(t, reader, found), "events": _events_of(console, found)}
        raise HTTPException(404, t.models.missing.format(model=model, version=version))

    return console.page(request, "version.html", "models", build)


@router.get("/reports/{digest}/{name}")
def report(request: Request, digest: str, name: str) -> Response:
    """A file of a fairness report, as it was filed: pages under a policy of their own that runs nothing."""
    path = console_of(request).evidence.audit_file(digest, name)
    if path is None:
        raise HTTPException(404)
    headers = {"Content-Security-Policy": REPORT_POLICY, "Cache-Control": "private, no-cache"}
    if not name.endswith(".html"):
        headers["Content-Disposition"] = f'attachment; filename="{digest[:12]}-{name}"'
    return FileResponse(path, media_type=AUDIT_FILES[name], headers=headers)


def _values(console: Console, t: Language, reader: Reader, chosen: str) -> dict[str, Any]:
    ledger = console.evidence.ledger()
    views = models_of(ledger.events, console.evidence) if ledger else []
    void = {sequence: why for view in views for sequence, why in view.history.void.items()}
    detailed = next((view for view in views if view.name == chosen), next(iter(views), None))
    shown = (detailed.champion or next(iter(detailed.versions), None)) if detailed else None
    return {
        "models": views,
        "detail": detail_of(t, reader, shown) if shown else None,
        "listed": LISTED,
        "ledger": ledger,
        "events": list(reversed(ledger.events))[:EVENTS_SHOWN] if ledger else [],
        "void": void,
        "scored": _scored(reader),
        "verdict_marks": VERDICT_MARKS,
        "audit_marks": AUDIT_MARKS,
    }


def detail_of(t: Language, reader: Reader, view: VersionView) -> dict[str, Any]:
    """What the parts of a version's page show: metrics, reliability, gates, regions."""
    names = reader.rows(queries.REGION_NAMES) if reader.has("dim_regions") else []
    order = [name for name, _ in t.models.metrics.names.items()]
    by_code = {row["region_code"]: row["name"] for row in names}
    regions = regions_of(view, by_code)
    bounds = [abs(bound) for row in regions for bound in (row.gap, row.low, row.high) if bound is not None]
    return {
        "view": view,
        "regions": regions,
        "layers": layers_of(view, by_code),
        "alarms": alarms_of(view, by_code),
        "reach": max(bounds, default=0.01) * 1.05 or 0.01,
        "metrics": sorted(view.metrics.items(), key=lambda pair: _rank(order, pair[0])),
        "reliability": view.evaluation["reliability"] if view.evaluation else [],
        "verdict_marks": VERDICT_MARKS,
        "audit_marks": AUDIT_MARKS,
    }


def _rank(order: list[str], name: str) -> tuple[int, str]:
    return (order.index(name) if name in order else len(order), name)


def _events_of(console: Console, view: VersionView) -> list[Any]:
    ledger = console.evidence.ledger()
    subject = f"{view.model}/{view.version}"
    return [event for event in reversed(ledger.events) if event.subject == subject] if ledger else []


def _scored(reader: Reader) -> dict[tuple[str, str], Any]:
    if not reader.has("predictions"):
        return {}
    return {(row["model_name"], row["model_version"]): row for row in reader.rows(queries.SCORED)}
