"""The console's SQL against the dbt contracts of the tables that it reads."""

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
import yaml

from dashboards.queries import models, orders, overview, quality, stock
from dashboards.queries.base import Query
from decisions.stockouts import alerts
from ml.io import forecasts, lead_times

#: Published by scoring, not by dbt; the columns are those of docs/architecture.md.
PREDICTIONS = {
    "order_id": "varchar", "region_code": "varchar", "model_name": "varchar", "model_version": "varchar",
    "as_of": "timestamp", "scored_at": "timestamp", "late_probability": "double", "reasons": "varchar",
}  # fmt: skip

#: DuckDB's name of a type of the files that are published as they were decided.
TYPES = {
    pa.string(): "varchar", pa.int32(): "integer", pa.int64(): "bigint", pa.float64(): "double",
    pa.bool_(): "boolean", pa.timestamp("us"): "timestamp",
}  # fmt: skip

QUERIES = [
    *(
        q
        for module in (overview, orders, models, quality, stock)
        for q in vars(module).values()
        if isinstance(q, Query)
    ),
    *(query for _, query in quality.FRESHNESS.values()),
]

VALUES: dict[str, Any] = {
    "region": None, "first": date(2026, 5, 1), "last": date(2026, 5, 31), "previous_first": date(2026, 4, 1),
    "as_of": datetime(2026, 5, 31), "order_id": "o1", "text": "W", "probability": 0.5, "model_version": "1",
    "scored_at": datetime(2026, 5, 31), "state": "open", "size": 50, "start": 0,
    "node": "", "low": 0.4, "high": 0.6, "from_day": date(2026, 5, 1), "to_day": date(2026, 5, 31),
}  # fmt: skip


def contracts(repository: Path) -> dict[str, dict[str, str]]:
    """Table → column → type, of every dbt model with an enforced contract."""
    decided = {alerts.ALERTS: alerts.SCHEMA, alerts.FORECASTS: forecasts.SCHEMA, lead_times.TABLE: lead_times.SCHEMA}
    found = {name: {column.name: TYPES[column.type] for column in schema} for name, schema in decided.items()}
    found["predictions"] = PREDICTIONS
    for path in sorted((repository / "dbt_project" / "models").rglob("*.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
            if model.get("config", {}).get("contract", {}).get("enforced"):
                found[model["name"]] = {c["name"]: c["data_type"] for c in model["columns"]}
    return found


@pytest.fixture(scope="module")
def known(repository: Path) -> dict[str, dict[str, str]]:
    """The contracts that the dbt project enforces."""
    return contracts(repository)


def run(query: Query, tables: Mapping[str, Mapping[str, str]]) -> None:
    """Run `query` over empty tables of these columns."""
    connection = duckdb.connect()
    for table, columns in tables.items():
        body = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
        connection.execute(f'create table "{table}" ({body})')
    connection.execute(query.sql, {name: VALUES[name] for name in query.parameters})
    connection.close()


def test_names_of_queries_are_unique() -> None:
    assert len({query.name for query in QUERIES}) == len(QUERIES)


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_query_reads_only_what_the_contracts_promise(query: Query, known: dict[str, dict[str, str]]) -> None:
    unknown = set(query.reads) - set(known)
    assert not unknown, f"{query.name} reads {sorted(unknown)}, for which no dbt model has an enforced contract"
    run(query, {table: known[table] for table in query.reads})


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_query_needs_every_table_that_it_declares(query: Query, known: dict[str, dict[str, str]]) -> None:
    for missing in query.reads:
        with pytest.raises(duckdb.CatalogException, match=missing):
            run(query, {table: known[table] for table in query.reads if table != missing})
