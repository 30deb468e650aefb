"""The child process that runs one dlt source: `python -m sources.fetch`, with its order as JSON on stdin.

Belongs here: everything that touches dlt, which keeps its settings, logging and state per process. Does not belong
here: what the rows become (remote).

The order: `{"kind", "url" | "config", "schema", "tables", "database", "folder"}`. Every resource arrives as a table of
text in the DuckDB file `database`, numbered by `oi_row` in the order in which the source gave the rows. The answer on
the last line of stdout: `{"columns": {resource: [...]}}` or `{"problem": {...}}`.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

#: Column that keeps the order of the source's rows.
ROW = "oi_row"


def main() -> None:
    """Run the order on stdin."""
    order = json.load(sys.stdin)
    try:
        answer: dict[str, Any] = {"columns": _run(order)}
    except Exception as error:
        answer = {"problem": {"kind": type(error).__name__, "text": _root_cause(error)}}
    sys.stdout.write("\n" + json.dumps(answer) + "\n")


def _run(order: Mapping[str, Any]) -> dict[str, list[str]]:
    import dlt

    source = _sql_source(order) if order["kind"] == "sql_database" else _rest_source(order)
    source.max_table_nesting = 0
    source.schema.remove_type_detection("iso_timestamp")
    seen: dict[str, dict[str, None]] = {}
    for name, resource in source.resources.items():
        seen[name] = {}
        resource.add_map(_Texts(seen[name], source.schema.naming.normalize_identifier))
        resource.apply_hints(columns={ROW: {"data_type": "bigint"}}, write_disposition="replace")
    pipeline = dlt.pipeline(
        "oi_fetch", pipelines_dir=order["folder"], dataset_name="fetched",
        destination=dlt.destinations.duckdb(order["database"]),
    )  # fmt: skip
    pipeline.run(source).raise_on_failed_jobs()
    return {name: list(columns) for name, columns in seen.items()}


class _Texts:
    """Turns an item's values to text as they stand, so that no row's type depends on another's; numbers the rows."""

    def __init__(self, seen: dict[str, None], normalize: Any) -> None:
        self.seen, self.normalize, self.rows = seen, normalize, count(1)

    def __call__(self, item: Mapping[str, Any]) -> dict[str, Any]:
        texts = {self.normalize(name): _text(value) for name, value in item.items()}
        self.seen.update(dict.fromkeys(texts))
        return {**texts, ROW: next(self.rows)}


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def _sql_source(order: Mapping[str, Any]) -> Any:
    import sqlalchemy
    from dlt.sources.sql_database import sql_database

    def as_text(query: Any, table: Any) -> Any:
        # The database's own text of each value: a driver would fail on the one bad date of a column.
        columns = [sqlalchemy.cast(c, sqlalchemy.Text).label(c.name) for c in table.columns]
        return sqlalchemy.select(*columns).select_from(table)

    return sql_database(
        order["url"], schema=order["schema"] or None, table_names=list(order["tables"]),
        query_adapter_callback=as_text, reflection_level="minimal",
    )  # fmt: skip


def _rest_source(order: Mapping[str, Any]) -> Any:
    from dlt.sources.rest_api import rest_api_source

    return rest_api_source(order["config"], name="api")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _root_cause(error: BaseException) -> str:
    root = list(_causes(error))[-1]
    return f"{type(root).__name__}: {root}"


if __name__ == "__main__":
    main()
