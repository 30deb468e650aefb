"""Routing: the newest plan's figures and decisions, and why an order goes where it goes."""

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Query, Request, Response

from dashboards.access.gate import require
from dashboards.access.people import Role
from dashboards.console import Console, console_of
from dashboards.pages.paging import Paging
from dashboards.store import Reader
from decisions.routing.kept import HANDLINGS, newest_outcomes, newest_plan
from workspace.published import Snapshot

router = APIRouter(dependencies=[require(Role.VIEWER)])

#: Parts of a cost that are shown as columns, in this order; others are added up under the last.
PARTS = ("shipping", "lateness", "unfilled")


@router.get("/routing")
def plan(request: Request, handling: str = Query(default="", max_length=20), page: int = 1) -> Response:
    """The newest plan: what it costs, how far from the best it can be, its checks, and its decisions."""
    console = console_of(request)
    chosen = handling if handling in HANDLINGS else ""

    def build(reader: Reader) -> dict[str, Any]:
        found = newest_plan(console.settings.paths.plans)
        if found is None:
            return {"plan": None}
        paging = Paging("/routing", {"handling": chosen}, page, found.count(chosen))
        rows = found.decisions(chosen, paging.size, paging.first - 1 if paging.count else 0)
        return {
            "plan": found.summary, "rows": rows, "paging": paging, "handling": chosen, "handlings": HANDLINGS,
            "nodes": _node_names(reader.snapshot), "codes": _codes(reader.snapshot, [row["order_id"] for row in rows]),
            "outcomes": newest_outcomes(console.settings.paths.plans),
        }  # fmt: skip

    return console.page(request, "routing.html", "routing", build)


@router.get("/routing/{order_id:path}")
def why(request: Request, order_id: str) -> Response:
    """Why this node? What each node offered the order, at what cost, and what would flip the choice."""
    console = console_of(request)
    return console.page(
        request, "routing_order.html", "routing", lambda reader: _values(console, request, reader, order_id)
    )


def address_of(order_id: str) -> str:
    """Address of the explanation of an order's decision."""
    return f"/routing/{quote(order_id, safe='')}"


def _values(console: Console, request: Request, reader: Reader, order_id: str) -> dict[str, Any]:
    found = newest_plan(console.settings.paths.plans)
    decision = found.decision(order_id) if found else None
    if found is None or decision is None:
        raise HTTPException(404, console.texts(request).routing.missing.format(order_id=order_id))
    views = [_with_parts(node) for node in found.nodes(order_id)]
    products = [seen["product_id"] for seen in views[0]["stock"]] if views else []
    return {
        "plan": found.summary, "decision": decision, "views": views, "nodes": _node_names(reader.snapshot),
        "products": _product_names(reader.snapshot, products),
        "code": _codes(reader.snapshot, [order_id]).get(order_id, order_id), "parts": PARTS,
    }  # fmt: skip


def _with_parts(node: dict[str, Any]) -> dict[str, Any]:
    """The node with its cost by the parts that are shown, and `other` for what is left."""
    by_name = {part["name"]: part for part in node["components"]}
    other = sum(part["weighted"] for part in node["components"] if part["name"] not in PARTS)
    return {**node, "parts": by_name, "other": other}


def _node_names(snapshot: Snapshot) -> dict[str, str]:
    return _names(snapshot, "dim_warehouses", "warehouse_id", "name", None)


def _product_names(snapshot: Snapshot, ids: list[str]) -> dict[str, str]:
    return _names(snapshot, "dim_products", "product_id", "name", ids)


def _codes(snapshot: Snapshot, ids: list[str]) -> dict[str, str]:
    return _names(snapshot, "fct_orders", "order_id", "order_code", ids)


def _names(snapshot: Snapshot, table: str, key: str, name: str, ids: list[str] | None) -> dict[str, str]:
    """Key → name of the rows with these keys; of all where none are named."""
    if table not in snapshot.tables:
        return {}
    with snapshot.connect() as connection:
        wanted = "" if ids is None else f"where list_contains($ids, {key})"
        values = {} if ids is None else {"ids": ids}
        rows = connection.execute(f"select {key}, {name} from {table} {wanted}", values).fetchall()
    return {str(row[0]): str(row[1]) for row in rows if row[1] is not None}
