"""Orders: finding one by its code, and everything that is known about it."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse

from dashboards import formats
from dashboards.access.gate import require
from dashboards.access.people import Role
from dashboards.console import console_of
from dashboards.pages.paging import Paging
from dashboards.pages.period import as_of
from dashboards.queries import orders as queries
from dashboards.queries.base import Query as Statement
from dashboards.queries.overview import REGIONS, SPAN
from dashboards.store import Reader, Row
from dashboards.texts.loader import Language, Texts

router = APIRouter(dependencies=[require(Role.VIEWER)])

#: Largest difference between a total and its parts that rounding explains, as in the landing contract.
ROUNDING = Decimal("0.05")


@dataclass(frozen=True)
class Step:
    """One entry of an order's timeline; `kind` is `milestone`, `promise`, `person` or `system`."""

    at: datetime
    what: str
    kind: str
    after_hours: float
    remark: str = ""


@router.get("/orders")
def find(
    request: Request, q: str = Query(default="", max_length=200), state: str = "", region: str = "", page: int = 1
) -> Response:  # fmt: skip
    """Orders whose code starts with `q`, of a state and a region; a code that fits one order leads to its page."""
    console = console_of(request)
    t, text = console.texts(request), q.strip()
    chosen = {"q": text, "state": state if state in queries.STATES else "", "region": region}
    if text and not state and not region:
        rows = _list(console.store.open(), chosen, 1)["rows"]
        exact = [row for row in rows if text.lower() in (row["order_code"].lower(), row["order_id"].lower())]
        if len(exact) == 1 or len(rows) == 1:
            return RedirectResponse(address_of((exact or rows)[0]["order_id"]), status_code=303)
    return console.page(request, "orders.html", "orders", lambda reader: {
        **_list(reader, chosen, page), "states": [(name, t.orders.states[name]) for name in queries.STATES],
        "regions": [(r["region_code"], _region_name(t, r)) for r in reader.rows(REGIONS)],
    })  # fmt: skip


def _list(reader: Reader, chosen: Mapping[str, str], asked: int) -> dict[str, Any]:
    now = as_of(reader.snapshot.notes, reader.row(SPAN)["latest"])
    values = {"text": chosen["q"], "state": chosen["state"], "region": chosen["region"], "as_of": now}
    paging = Paging("/orders", chosen, asked, reader.row(queries.COUNT, **values)["n"])
    rows = reader.rows(queries.LIST, **values, size=paging.size, start=(paging.number - 1) * paging.size)
    return {"rows": rows, "paging": paging, "chosen": chosen, "as_of": now}


def _region_name(t: Language, row: Row) -> str:
    if row["region_code"] == "unknown":
        return str(t.overview.regions.unknown)
    said = t.region(row["region_code"], row["name"])
    return f"{said} ({row['region_code']})" if said != row["region_code"] else said


@router.get("/orders/{order_id:path}")
def order(request: Request, order_id: str) -> Response:
    """One order: facts, timeline, lines, parcels, prediction, lead time."""
    console = console_of(request)
    return console.page(
        request, "order.html", "orders", lambda reader: _values(console.texts(request), reader, order_id)
    )


def address_of(order_id: str) -> str:
    """Address of an order's page."""
    return f"/orders/{quote(order_id, safe='')}"


def _values(t: Language, reader: Reader, order_id: str) -> dict[str, Any]:
    found = reader.row(queries.ORDER, order_id=order_id)
    if not found:
        raise HTTPException(404, t.order.missing.format(order_id=order_id))
    parcels = reader.rows(queries.SHIPMENTS, order_id=order_id) if _has(reader, queries.SHIPMENTS) else []
    events = reader.rows(queries.EVENTS, order_id=order_id) if _has(reader, queries.EVENTS) else []
    return {
        "order": found,
        "state": _state(t.order.states, found, as_of(reader.snapshot.notes, reader.row(SPAN)["latest"])),
        "lines": reader.rows(queries.LINES, order_id=order_id) if _has(reader, queries.LINES) else [],
        "parcels": parcels,
        "steps": _timeline(t, found, events, parcels),
        "gap": _gap(found),
        "lead_time": reader.row(queries.LEAD_TIME, order_id=order_id) if _has(reader, queries.LEAD_TIME) else None,
        "prediction": _prediction(t, reader, order_id),
    }


def _has(reader: Reader, query: Statement) -> bool:
    return reader.has(*query.reads)


def _state(t: Texts, row: Row, now: datetime) -> tuple[str, str]:
    """Kind and words of the order's state."""
    if row["is_cancelled"] or row["status"] == "unavailable":
        return "none", t.cancelled if row["is_cancelled"] else t.unavailable
    if row["is_late"]:
        return "bad", t.late.format(hours=formats.lag(_hours(row["promised_at"], row["delivered_at"])))
    if row["is_late"] is False:
        return "good", t.on_time
    if row["delivered_at"] or row["status"] == "delivered":
        return "none", t.delivered if row["promised_at"] else t.no_promise
    if row["promised_at"] and row["promised_at"] <= now:
        return "bad", t.overdue
    return "none", t.open


def _timeline(t: Language, row: Row, events: list[Row], parcels: list[Row]) -> list[Step]:
    start = row["ordered_at"]
    steps: list[Step] = []

    def add(at: datetime | None, what: str, kind: str, remark: str = "") -> None:
        if at is not None:
            steps.append(Step(at, what, kind, _hours(start, at), remark))

    m = t.order.timeline.milestones
    add(start, m.ordered, "milestone")
    for event in events:
        recorded = _hours(event["occurred_at"], event["recorded_at"]) if event["recorded_at"] else 0.0
        late = t.order.timeline.recorded_late.format(lag=formats.lag(recorded)) if recorded >= 1 / 60 else ""
        reason = t.word(event["reason_code"]) if event["reason_code"] else ""
        remark = " · ".join(filter(None, [reason, late]))
        kind = "person" if event["is_intervention"] else "system"
        add(event["occurred_at"], t.word(event["event_type"]), kind, remark)
    for number, parcel in enumerate(parcels, start=1):
        name = m.numbered_parcel.format(number=number) if len(parcels) > 1 else m.parcel
        add(parcel["created_at"], m.created.format(parcel=name), "milestone")
        add(parcel["shipped_at"], m.shipped.format(parcel=name), "milestone", parcel["carrier"] or "")
        add(parcel["delivered_at"], m.delivered.format(parcel=name), "milestone")
    if not parcels:
        add(row["delivered_at"], m.order_delivered, "milestone")
    add(row["promised_at"], m.promised, "promise")
    return sorted(steps, key=lambda step: step.at)


def _gap(row: Row) -> dict[str, Any] | None:
    """How far the total that the source states is off the sum of the parts; None where it states none."""
    if row["stated_total_amount"] is None or row["total_amount"] is None:
        return None
    difference = row["stated_total_amount"] - row["total_amount"]
    return {"stated": row["stated_total_amount"], "difference": difference, "adds_up": abs(difference) <= ROUNDING}


def _prediction(t: Language, reader: Reader, order_id: str) -> dict[str, Any] | None:
    if not reader.has("predictions"):
        return None
    rows = reader.rows(queries.PREDICTIONS, order_id=order_id)
    if not rows:
        return {"rows": []}
    newest = rows[0]
    rank = reader.row(
        queries.RANK, probability=newest["late_probability"], model_version=newest["model_version"],
        scored_at=newest["scored_at"],
    )  # fmt: skip
    return {
        "rows": rows, "rank": rank["count_below"] / rank["count_scored"], "count_scored": rank["count_scored"],
        "reasons": [_reason(t, told) for told in json.loads(newest["reasons"] or "[]")],
    }  # fmt: skip


def _reason(t: Language, told: Mapping[str, Any]) -> dict[str, Any]:
    """What a feature says about an order: its name, its value as text, and the factor that it puts on the odds."""
    value = told["value"]
    shown = value if isinstance(value, str) else "" if value is None else f"{value:,.4g}"
    return {"feature": t.word(told["feature"]), "value": shown, "factor": math.exp(told["log_odds"])}


def _hours(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds() / 3600
