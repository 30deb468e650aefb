"""Stock: what is about to run out, the transfer that can still arrive, and whether customers should be told."""

from typing import Any

from fastapi import APIRouter, Query, Request, Response

from dashboards.access.gate import require
from dashboards.access.people import Role
from dashboards.console import console_of
from dashboards.pages.paging import Paging
from dashboards.queries import stock as queries
from dashboards.store import Reader

router = APIRouter(dependencies=[require(Role.VIEWER)])


@router.get("/stock")
def alerts(request: Request, node: str = Query(default="", max_length=200), page: int = 1) -> Response:
    """The newest alerts, of one node or of all, most urgent first."""
    return console_of(request).page(request, "stock.html", "stock", lambda reader: _values(reader, node, page))


def _values(reader: Reader, node: str, asked: int) -> dict[str, Any]:
    if not reader.has(*queries.ROUND.reads):
        return {"round": None}
    found = reader.row(queries.ROUND, node=node)
    paging = Paging("/stock", {"node": node}, asked, found["n"])
    return {
        "round": found, "paging": paging, "node": node,
        "nodes": [(row["warehouse_id"], row["name"]) for row in reader.rows(queries.NODES)],
        "rows": reader.rows(queries.LIST, node=node, size=paging.size, start=(paging.number - 1) * paging.size),
    }  # fmt: skip
