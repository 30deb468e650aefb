"""Reading one file of a routing run, CSV or Parquet, whatever its columns are called.

Belongs here: column names and their aliases, types, and the error for a file that lacks a column. Does not belong
here: how tables join into a problem (`decisions.routing.problem`).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray


class RoutingInputError(ValueError):
    """A file that cannot be read as a table of a routing run; says which, what it lacks and what would do."""


@dataclass(frozen=True)
class Column:
    """A column as the solver knows it, other names it may have, its SQL type, and what stands in when it is missing."""

    name: str
    aliases: tuple[str, ...]
    kind: str = "varchar"
    default: Any = None
    required: bool = False


NODE = ("node_id", "warehouse_id", "warehouse_code", "node", "warehouse", "location")
#: File → its columns. The first alias found wins; names are compared without case.
FILES: dict[str, tuple[Column, ...]] = {
    "orders": (
        Column("order_id", ("order_id", "order_code", "order", "id"), required=True),
        Column("region", ("region", "region_code", "region_id", "destination", "ship_to_region"), required=True),
        Column("priority", ("priority", "priority_weight", "weight"), "double", 1.0),
        Column("promised_days", ("promised_days", "promise_days", "promised", "days_promised"), "double"),
    ),
    "lines": (
        Column("order_id", ("order_id", "order_code", "order"), required=True),
        Column("product_id", ("product_id", "product_code", "product", "sku"), required=True),
        Column("quantity", ("quantity", "qty", "units"), "double", required=True),
        Column("weight_kg", ("weight_kg", "unit_weight_kg", "kg"), "double"),
        Column("unfilled_cost", ("unfilled_cost", "unfilled_cost_amount"), "double"),
    ),
    "stock": (
        Column("node_id", NODE, required=True),
        Column("product_id", ("product_id", "product_code", "product", "sku"), required=True),
        Column(
            "quantity", ("on_hand_quantity", "on_hand", "quantity", "available_quantity", "qty"), "double",
            required=True,
        ),
        Column("reserved", ("reserved_quantity", "reserved"), "double", 0.0),
        Column("scarcity", ("scarcity", "scarcity_amount"), "double"),
        Column("relief", ("relief", "relief_amount"), "double"),
    ),
    "rates": (
        Column("node_id", NODE),
        Column("origin_region", ("origin_region", "origin_region_code", "origin")),
        Column(
            "region", ("region", "destination_region", "destination_region_code", "region_code", "destination"),
            required=True,
        ),
        Column("service", ("service", "service_level", "service_code"), "varchar", "standard"),
        Column("fixed", ("fixed", "fixed_amount", "fixed_price", "price"), "double", required=True),
        Column("per_kg", ("per_kg", "per_kg_amount", "price_per_kg"), "double", 0.0),
        Column("days", ("days", "planned_days", "transit_days"), "double"),
    ),
    "nodes": (
        Column("node_id", NODE, required=True),
        Column("capacity", ("capacity", "daily_capacity_orders", "daily_capacity", "capacity_parcels"), "double"),
        Column("region", ("region", "region_code")),
        Column("enabled", ("enabled", "is_enabled", "active"), "boolean", True),
    ),
    "late": (
        Column("order_id", ("order_id", "order_code", "order")),
        Column("node_id", NODE, required=True),
        Column("region", ("region", "region_code", "destination_region")),
        Column("service", ("service", "service_level", "service_code"), "varchar", "standard"),
        Column("probability", ("probability", "late_probability", "p_late"), "double", required=True),
    ),
    "products": (
        Column("product_id", ("product_id", "product_code", "product", "sku"), required=True),
        Column("weight_kg", ("weight_kg", "unit_weight_kg", "kg"), "double", 0.0),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Table:
    """Columns of one file: text with "" for a missing value, numbers with NaN. `given` are those in the file."""

    columns: dict[str, NDArray[Any]]
    given: frozenset[str]
    rows: int

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.columns[name]


def read_table(kind: str, path: Path) -> Table:
    """Read one file of a run.

    Raises:
        RoutingInputError: when it is missing, not CSV or Parquet, unreadable, or lacks a required column.
    """
    if not path.is_file():
        raise RoutingInputError(f"{kind}: there is no file {path}; name an existing CSV or Parquet file.")
    readers = {".csv": "read_csv(?, all_varchar = true, header = true)", ".parquet": "read_parquet(?)"}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise RoutingInputError(f"{kind}: {path.name} must end in .csv or .parquet; convert it or rename it.")
    with duckdb.connect() as con:
        try:
            return _read(kind, path.name, con, reader, [str(path)])
        except duckdb.Error as error:
            raise RoutingInputError(f"{kind}: {path.name} cannot be read: {str(error).splitlines()[0]}") from error


def query_table(kind: str, con: duckdb.DuckDBPyConnection, query: str) -> Table:
    """One table of a run from a query over tables that are open already.

    Raises:
        RoutingInputError: when the query lacks a required column.
    """
    return _read(kind, "the query", con, f"({query})", [])


def _read(kind: str, name: str, con: duckdb.DuckDBPyConnection, relation: str, arguments: list[str]) -> Table:
    found = [row[0] for row in con.execute(f"describe select * from {relation}", arguments).fetchall()]
    chosen, given = _choose(kind, name, found)
    raw = con.execute(f"select {', '.join(chosen)} from {relation}", arguments).fetchnumpy()
    columns = {column.name: _plain(raw[column.name], column.kind) for column in FILES[kind]}
    return Table(columns, given, len(next(iter(columns.values()))))


def _choose(kind: str, name: str, found: list[str]) -> tuple[list[str], frozenset[str]]:
    """SQL expression of each column, and the names that the file has."""
    names = {name.lower(): name for name in found}
    expressions, given = [], set()
    for column in FILES[kind]:
        match = next((names[alias] for alias in column.aliases if alias in names), None)
        if match is None and column.required:
            raise RoutingInputError(
                f"{kind}: {name} needs a column {column.name} (or {', '.join(column.aliases[1:])}); "
                f"it has {', '.join(found)}."
            )
        if match is None:
            expressions.append(f"{_literal(column)} as {column.name}")
            continue
        given.add(column.name)
        quoted = '"' + match.replace('"', '""') + '"'
        cast = f"try_cast({quoted} as {column.kind})"
        # A value that is there but unreadable stays missing, so that its order is named; an empty one is defaulted.
        if column.default is not None:
            empty = f"nullif(trim(cast({quoted} as varchar)), '') is null"
            cast = f"case when {empty} then {_literal(column)} else {cast} end"
        expressions.append(f"{cast} as {column.name}")
    return expressions, frozenset(given)


def _literal(column: Column) -> str:
    value = "null" if column.default is None else repr(column.default).lower()
    if isinstance(column.default, str):
        value = f"'{column.default}'"
    return f"cast({value} as {column.kind})"


def _plain(values: NDArray[Any], kind: str) -> NDArray[Any]:
    """Text without nulls, numbers with NaN, booleans with true for a missing value."""
    masked = np.ma.asarray(values)
    missing = np.ma.getmaskarray(masked)
    if kind == "varchar":
        pairs = zip(masked.data, missing, strict=True)
        return np.array(["" if gone or value is None else str(value) for value, gone in pairs], dtype=str)
    if kind == "boolean":
        return np.where(missing, True, masked.data).astype(bool)
    return np.where(missing, np.nan, masked.data.astype(np.float64))
