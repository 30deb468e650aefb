"""Records where dbt's staging leaves them for matching, without dbt.

Belongs here: the tables that matching reads. Does not belong here: the records themselves.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import duckdb
import polars as pl

from workspace.settings import Settings

COLUMNS = {
    "customer": ("person_code", "full_name", "email", "phone", "address_line", "city", "postal_code", "region_code"),
    "product": ("gtin", "title", "brand", "model_code", "price", "weight", "pack_size"),
    "warehouse": ("kind", "name", "address_line", "city", "postal_code", "region_code", "latitude", "longitude"),
}
NUMBERS = {"price": "decimal(18, 2)", "weight": "double", "pack_size": "integer",
           "latitude": "double", "longitude": "double"}  # fmt: skip
Rows = Sequence[Mapping[str, Any]]


def stage(settings: Settings, **tables: Rows) -> None:
    """Leave records where dbt's staging leaves them: one table an entity, all columns, what a row lacks is null."""
    with duckdb.connect(str(settings.paths.ensure().warehouse)) as connection:
        for entity, columns in COLUMNS.items():
            types = ", ".join(f"{column} {NUMBERS.get(column, 'varchar')}" for column in columns)
            connection.execute(
                f"create or replace table int_{entity}s_comparable "
                f"(source_system varchar, code varchar, first_landed_at timestamp, {types})"
            )
            rows = [
                (row["source_system"], row["code"], datetime(2026, 1, 1), *(row.get(column) for column in columns))
                for row in tables.get(entity, [])
            ]
            if rows:
                schema = ["source_system", "code", "first_landed_at", *columns]
                frame = pl.DataFrame(rows, schema=schema, orient="row", infer_schema_length=None)
                connection.register("given", frame.to_arrow())
                connection.execute(f"insert into int_{entity}s_comparable select * from given")
