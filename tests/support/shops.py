"""A tiny shop for tests of landing: an adapter in a folder of its own, and extracts of a few lines."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import yaml

from sources.landing import land
from sources.manifest import Adapter, load_adapter
from sources.record import LandingReport
from workspace.settings import Settings

ORDER_COLUMNS = ["order_code", "customer_code", "ordered_at", "promised_at", "region", "status", "total", "changed"]
HEADER = ",".join(ORDER_COLUMNS)

ORDERS_SQL = """
select 'shop' as source_system, order_code, 'web' as channel, customer_code, ordered_at, promised_at,
    region as ship_to_region_code, status, total as total_amount, 'EUR' as currency, changed as updated_at,
    _source_file, _source_row
from orders
"""


def order(code: str = "A1", **changes: str) -> str:
    """One line of the shop's orders file."""
    fields = {
        "order_code": code, "customer_code": "", "ordered_at": "2026-03-01 10:00:00",
        "promised_at": "2026-03-04 18:00:00", "region": "", "status": "created", "total": "10.00", "changed": "",
    }  # fmt: skip
    return ",".join({**fields, **changes}.values())


def orders_csv(*lines: str) -> bytes:
    """The shop's orders file."""
    return ("\n".join([HEADER, *lines]) + "\n").encode()


def write_files(folder: Path, files: Mapping[str, bytes | str]) -> Path:
    """Write an extract."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def make_adapter(
    folder: Path, sql: Mapping[str, str] | None = None, files: Mapping[str, Any] | None = None,
    tables: Mapping[str, Any] | None = None, **more: Any,
) -> Adapter:  # fmt: skip
    """An adapter of its own for a test; by default it maps `orders*.csv` to orders, row by row."""
    sql = sql or {"orders": ORDERS_SQL}
    manifest = {
        "name": "shop", "description": "A shop for tests.",
        "files": files if files is not None else {"orders": {"glob": "orders*.csv", "columns": ORDER_COLUMNS}},
        "tables": tables or {name: {"from": name} for name in sql}, **more,
    }  # fmt: skip
    write_files(folder, {f"{name}.sql": text for name, text in sql.items()})
    write_files(folder, {"manifest.yaml": yaml.safe_dump(manifest, allow_unicode=True)})
    return load_adapter(folder)


def land_files(settings: Settings, adapter: Adapter, extract: Path, files: Mapping[str, bytes | str]) -> LandingReport:
    """Write an extract and land it."""
    return land(settings, adapter, write_files(extract, files), settle_seconds=0)


def landed(settings: Settings, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
    """Landed rows of a table, in the order of file and line."""
    files = settings.paths.landing / table / "**" / "*.parquet"
    return duckdb.execute(
        f"select {columns} from read_parquet('{files}', hive_partitioning = false) "
        f"order by _batch, _source_file, _source_row"
    ).fetchall()


def quarantined(settings: Settings, table: str) -> list[tuple[list[str], str, int]]:
    """Refused rows of a table: reasons, file, line."""
    files = settings.paths.quarantine / table / "*.parquet"
    if not any(files.parent.glob("*.parquet")):
        return []
    return duckdb.execute(
        f"select reasons, _source_file, _source_row from read_parquet('{files}') "
        f"order by _batch, _source_file, _source_row"
    ).fetchall()
