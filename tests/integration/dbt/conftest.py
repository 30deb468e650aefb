"""A small company on which the dbt project is really built: typed landing files, a warehouse, and dbt itself.

Belongs here: writing landing files from plain rows, calling dbt, reading the warehouse. Does not belong here: what is
expected of the result.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sources.contracts import load_contract
from sources.dbt_sources import LANDING_COLUMNS, PROJECT
from workspace.settings import quiet_environment

Row = Mapping[str, Any]


class Company:
    """One company's landing folder and warehouse.

    Attributes:
        root: Folder that holds `landing/` and `warehouse.duckdb`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.landing = root / "landing"
        self.warehouse = root / "warehouse.duckdb"
        self._batches = 0
        for name in load_contract():
            self._write(name, [], self.landing / name / "empty.parquet")

    def land(self, tables: Mapping[str, Sequence[Row]], at: datetime | None = None) -> str:
        """Land rows as one batch and return its id. Columns that a row leaves out are null."""
        self._batches += 1
        batch = f"batch{self._batches:03d}"
        landed_at = at or datetime(2026, 1, 1, self._batches, tzinfo=UTC).replace(tzinfo=None)
        for name, rows in tables.items():
            stamped = [
                {**row, "_source_file": f"{name}.csv", "_source_row": number, "_batch": batch, "_landed_at": landed_at}
                for number, row in enumerate(rows, start=1)
            ]
            self._write(name, stamped, self.landing / name / "day=2026-01-01" / f"{batch}-0.parquet")
        return batch

    def _write(self, table: str, rows: Iterable[Row], path: Path) -> None:
        columns = {c.name: c.type for c in load_contract()[table].columns} | {
            name: kind for name, (kind, _) in LANDING_COLUMNS.items()
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            connection.execute(f"create table landed ({', '.join(f'{n} {t}' for n, t in columns.items())})")
            for row in rows:
                unknown = set(row) - set(columns)
                assert not unknown, f"{table} has no columns {sorted(unknown)}"
                names = ", ".join(row)
                marks = ", ".join("?" for _ in row)
                connection.execute(f"insert into landed ({names}) values ({marks})", list(row.values()))
            connection.execute(f"copy landed to '{path}' (format parquet)")

    def dbt(self, *arguments: str, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a dbt command on this company; raises with dbt's words when it fails and `check` is set."""
        given = ["--vars", json.dumps(variables)] if variables else []
        done = subprocess.run(
            [str(Path(sys.executable).parent / "dbt"), "--no-use-colors", *arguments, *given,
             "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT),
             "--target-path", str(self.root / "target"), "--log-path", str(self.root / "logs")],
            env={**quiet_environment(), **self.environment}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if check and done.returncode:
            raise AssertionError(f"dbt {' '.join(arguments)} failed:\n{done.stdout}\n{done.stderr}")
        return done

    @property
    def environment(self) -> dict[str, str]:
        """What the project's profile and sources read."""
        return {
            "OI_DBT_WAREHOUSE": str(self.warehouse), "OI_DBT_LANDING": str(self.landing), "OI_DBT_THREADS": "2",
            "OI_DBT_MEMORY_LIMIT": "2GB", "OI_DBT_SPILL": str(self.root / "spill"),
        }  # fmt: skip

    def build(self, *arguments: str, **variables: str) -> None:
        """Build all models with their data tests; unit tests have a test of their own."""
        self.dbt("build", "--exclude-resource-type", "unit_test", *arguments, **variables)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query on the warehouse."""
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            return connection.execute(query).fetchall()

    def column(self, query: str) -> list[Any]:
        """First column of a query on the warehouse."""
        return [row[0] for row in self.rows(query)]


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """An empty company that only this test uses."""
    return Company(tmp_path)
