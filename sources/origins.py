"""Where the columns of a SELECT come from: the names that each result column reads.

Belongs here: reading DuckDB's own tree of a SELECT for columns. Does not belong here: which inputs a SELECT reads
(plan), and the lineage of the warehouse's models.
"""

import json
from collections.abc import Mapping, Sequence

import duckdb

from sources.raw import literal


def origins_of(sql: str, columns: Sequence[str]) -> dict[str, set[str]]:
    """Result column → names of the columns that its expression reads, through sub-queries and CTEs, in lower case.

    Names are followed without regard to the table that they stand in, so that the answer may hold too many. A column
    that no expression names comes from its own name where the SELECT has a `*`, and from nothing otherwise.

    Args:
        sql: The SELECT; it names its result columns.
        columns: The result columns asked for.
    """
    answer = duckdb.execute(f"select json_serialize_sql({literal(sql)})").fetchone()
    text = answer[0] if answer else "{}"
    edges: dict[str, set[str]] = {}
    _collect_edges(json.loads(text), edges)
    has_star = '"type":"STAR"' in text
    return {c: _reached(c, edges) if c in edges else {c} if has_star else set() for c in columns}


def _collect_edges(node: object, edges: dict[str, set[str]]) -> None:
    if isinstance(node, dict):
        for item in node.get("select_list", ()):
            own = item["alias"] or (item.get("column_names") or [""])[-1]
            edges.setdefault(own.casefold(), set()).update(_references(item))
        for value in node.values():
            _collect_edges(value, edges)
    elif isinstance(node, list):
        for value in node:
            _collect_edges(value, edges)


def _references(node: object) -> set[str]:
    if isinstance(node, dict):
        own = {node["column_names"][-1].casefold()} if node.get("type") == "COLUMN_REF" else set()
        return own.union(*(_references(value) for value in node.values()))
    if isinstance(node, list):
        return set().union(*(_references(value) for value in node))
    return set()


def _reached(name: str, edges: Mapping[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = list(edges[name])
    while waiting:
        column = waiting.pop()
        if column not in reached:
            reached.add(column)
            waiting += edges.get(column, ())
    return reached
