"""Where an order's rows come from: from its mart, features and predictions back to files, lines and runs.

Belongs here: finding the landed records of an order, the landing, build and scoring they went through. Does not belong
here: how a trace is printed (cli/trace), what became of all rows of a file (sources/reconciliation).
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from sources.contracts import Table, load_contract
from sources.history import landing_history
from workspace.published import open_current
from workspace.settings import Settings

#: Columns by which a landed table names the order that a row belongs to, most specific first.
ORDER_KEYS = (("order_source_system", "order_code"), ("source_system", "order_code"))
SHIPMENT_KEYS = ("source_system", "shipment_code")


class UnknownOrder(LookupError):
    """No published order has this id or code."""


@dataclass(frozen=True)
class LandedRecord:
    """One landed row: its table, key, file and line, and the landing that brought it.

    `is_newest` is false where a later record of the same key took its place.
    """

    table: str
    key: str
    file: str
    row: int
    batch: str
    landed_at: str
    adapter: str
    extract: str
    is_newest: bool


@dataclass(frozen=True)
class Trace:
    """Everything that a published order was made from.

    Attributes:
        order_id, source_system, order_code: The order.
        snapshot: Version, digest, moment and run of the publication that is read.
        tables: Published tables with rows of the order, and how many.
        records: Landed rows, by table.
        predictions: Model, version, moment, snapshot scored and probability of each published prediction.
        model_runs: Version → what it was made from, for the versions named by the predictions.
    """

    order_id: str
    source_system: str
    order_code: str
    snapshot: dict[str, Any]
    tables: dict[str, int]
    records: list[LandedRecord]
    predictions: list[dict[str, Any]]
    model_runs: dict[str, dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return asdict(self)


def trace_order(settings: Settings, name: str) -> Trace:
    """Trace an order by its id or by a source system's code.

    Raises:
        UnknownOrder: no published order is called so, or several systems use the code; names them.
        NothingPublished: there is no snapshot.
    """
    snapshot = open_current(settings.paths.published)
    with snapshot.connect() as connection:
        orders = connection.execute(
            "select order_id, source_system, order_code from fct_orders where order_id = $1 or order_code = $1", [name]
        ).fetchall()
        if len(orders) != 1:
            found = ", ".join(f"{order_id} ({system})" for order_id, system, _ in orders) or "none"
            raise UnknownOrder(
                f"Exactly one published order must be called {name!r}; found {found}. Give an order_id of `fct_orders`."
            )
        order_id, system, code = orders[0]
        tables = _tables_with(connection, order_id)
        predictions = _predictions(connection, order_id) if "predictions" in snapshot.tables else []
    facts = {"version": snapshot.version, "digest": snapshot.digest, "published_at": snapshot.published_at,
             **snapshot.notes}  # fmt: skip
    records = list(_landed(settings, system, code))
    return Trace(order_id, system, code, facts, tables, records, predictions, _model_runs(settings, predictions))


def _tables_with(connection: duckdb.DuckDBPyConnection, order_id: str) -> dict[str, int]:
    named = connection.execute(
        "select table_name from information_schema.columns where column_name = 'order_id' order by table_name"
    ).fetchall()
    counts = {}
    for (table,) in named:
        row = connection.execute(f'select count(*) from "{table}" where order_id = ?', [order_id]).fetchone()
        counts[str(table)] = int(row[0]) if row else 0
    return {table: count for table, count in counts.items() if count}


def _predictions(connection: duckdb.DuckDBPyConnection, order_id: str) -> list[dict[str, Any]]:
    rows = connection.execute(
        "select model_name, model_version, as_of, scored_at, data_snapshot, late_probability from predictions "
        "where order_id = ? order by model_name", [order_id],
    )  # fmt: skip
    names = [column[0] for column in rows.description]
    return [dict(zip(names, row, strict=True)) for row in rows.fetchall()]


def _model_runs(settings: Settings, predictions: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    from ml.io.stores import open_stores

    if not predictions:
        return {}
    with open_stores(settings) as stores:
        return {
            f"{p['model_name']}/{p['model_version']}": dict(
                stores.promotions.history(p["model_name"]).version(p["model_version"]).evaluated["made_from"]
            )
            for p in predictions
        }


def _landed(settings: Settings, system: str, code: str) -> Iterator[LandedRecord]:
    """Landed rows of the order: those that name it, and those that name one of its shipments."""
    landings = {report.batch: (report.adapter, report.extract) for report in landing_history(settings)}
    shipments: set[str] = set()
    with duckdb.connect(":memory:") as connection:
        for table in load_contract().values():
            folder = settings.paths.landing / table.name
            if not next(folder.glob("day=*/*.parquet"), None):
                continue
            where = _condition(table, shipments)
            if where is None:
                continue
            for row in _rows(connection, folder, table, where, system, code):
                if table.name == "shipments":
                    shipments.add(row["shipment_code"])
                adapter, extract = landings.get(row["_batch"], ("", ""))
                key = " / ".join(str(row[name]) for name in _key_of(table))
                yield LandedRecord(table.name, key, row["_source_file"], int(row["_source_row"]), row["_batch"],
                                   str(row["_landed_at"]), adapter, extract, bool(row["is_newest"]))  # fmt: skip


def _condition(table: Table, shipments: set[str]) -> str | None:
    columns = {column.name for column in table.columns}
    for system_column, code_column in ORDER_KEYS:
        if {system_column, code_column} <= columns:
            return f"{system_column} = $system and {code_column} = $code"
    if shipments and set(SHIPMENT_KEYS) <= columns:
        quoted = ", ".join("'" + code.replace("'", "''") + "'" for code in sorted(shipments))
        return f"shipment_code in ({quoted}) and $system is not null and $code is not null"
    return None


def _rows(connection: duckdb.DuckDBPyConnection, folder: Path, table: Table, where: str, system: str,
          code: str) -> list[dict[str, Any]]:  # fmt: skip
    key = ", ".join(_key_of(table))
    files = str(folder).replace("'", "''")
    found = connection.execute(
        f"select *, row_number() over (partition by {key} order by _landed_at desc, _source_row desc) = 1 as is_newest "
        f"from read_parquet('{files}/**/*.parquet', union_by_name = true) where {where} "
        f"order by {key}, _landed_at, _source_row",
        {"system": system, "code": code},
    )
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _key_of(table: Table) -> list[str]:
    keyed = [column for column in table.columns if column.key_position is not None]
    return [column.name for column in sorted(keyed, key=lambda column: column.key_position or 0)]
