"""A small company on which the dbt project is really built: typed landing files, a warehouse, and dbt itself.

Belongs here: writing landing files from plain rows, calling dbt, reading the warehouse. Does not belong here: what is
expected of the result, and where the rows come from.
"""

import contextlib
import gc
import io
import json
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.adapters.factory import reset_adapters
from dbt.cli.main import dbtRunner

from ml.core.matching.entities import ENTITIES
from ml.io.matching import MatchingStore
from ml.jobs.master import MatchReport, match_entity
from sources.contracts import load_contract
from sources.dbt_sources import PROJECT
from sources.mapping import META_COLUMNS
from workspace.settings import load_settings, quiet_environment

Row = Mapping[str, Any]
FIRST_LANDING = datetime(2026, 6, 1)


class Company:
    """One company's landing folder and warehouse.

    All companies of a bench are met under one path, a link to the one that is at work: dbt then finds the same
    environment every time and does not parse the project anew.

    Attributes:
        root: Folder that holds `landing/` and `warehouse.duckdb`.
        bench: Folder that holds the link and dbt's own files, shared by companies that work in turn.
    """

    def __init__(self, root: Path, bench: Path, landing: Path | None = None) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root = root
        self.bench = bench
        self.landing = root / "landing"
        self._batches = 0
        MatchingStore(root / "matching").ensure()
        if landing is None:
            for name in load_contract():
                self._write(name, [], self.landing / name / "empty.parquet")
        else:
            self.landing.symlink_to(landing)

    def land(self, tables: Mapping[str, Sequence[Row]]) -> str:
        """Land rows as one batch, a day after the batch before, and return its id. What a row leaves out is null."""
        self._batches += 1
        batch = f"batch{self._batches:03d}"
        landed_at = FIRST_LANDING + timedelta(days=self._batches)
        for name, rows in tables.items():
            stamped = [
                {**row, "_source_file": f"{name}.csv", "_source_row": number, "_batch": batch, "_landed_at": landed_at}
                for number, row in enumerate(rows, start=1)
            ]
            self._write(name, stamped, self.landing / name / "day=2026-06-01" / f"{batch}-0.parquet")
        return batch

    def _write(self, table: str, rows: Sequence[Row], path: Path) -> None:
        columns = {column.name: column.type for column in load_contract()[table].columns} | META_COLUMNS
        path.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            connection.execute(f"create table landed ({', '.join(f'{n} {t}' for n, t in columns.items())})")
            if rows:
                unknown = {name for row in rows for name in row} - set(columns)
                assert not unknown, f"the contract's {table} has no columns {sorted(unknown)}"
                given = pa.Table.from_pylist([{name: row.get(name) for name in columns} for row in rows])
                connection.register("given", given)
                connection.execute("insert into landed from given")
            connection.execute(f"copy landed to '{path}' (format parquet)")

    def dbt(self, *arguments: str, check: bool = True, **variables: str | list[str]) -> str:
        """Run a dbt command on this company in this process, and return what dbt said.

        dbt is loaded once for all tests that way. With `check`, fails in dbt's own words when dbt does.
        """
        said: list[str] = []
        runner = dbtRunner(callbacks=[lambda event: said.append(event.info.msg)])
        before = dict(os.environ)
        os.environ.update(quiet_environment(self._enter()))
        try:
            with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
                warnings.simplefilter("ignore")
                done = runner.invoke(["--quiet", *self._arguments(arguments, variables)])
        finally:
            os.environ.clear()
            os.environ.update(before)
            reset_adapters()
            DuckDBConnectionManager.close_all_connections()
            gc.collect()
        text = "\n".join([*said, str(done.exception or "")])
        if check and not done.success:
            raise AssertionError(f"dbt {' '.join(arguments)} failed:\n{text}")
        if not check and done.success:
            raise AssertionError(f"dbt {' '.join(arguments)} was expected to fail, and did not")
        return text

    def start(self, *arguments: str, **variables: str | list[str]) -> subprocess.Popen[str]:
        """Start dbt in a process group of its own; each line that it says is one event."""
        return subprocess.Popen(
            [str(Path(sys.executable).with_name("dbt")), *self._arguments(arguments, variables)],
            env=quiet_environment({**os.environ, **self._enter()}), stdout=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip

    def _arguments(self, arguments: Sequence[str], variables: Mapping[str, str | list[str]]) -> list[str]:
        given = ["--vars", json.dumps(variables)] if variables else []
        places = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
        written = ["--target-path", str(self.bench / "target"), "--log-path", str(self.bench / "logs")]
        return [*arguments, *given, *places, *written]

    def _enter(self) -> dict[str, str]:
        """Point the bench's link at this company; returns what the project's profile and sources read."""
        link = self.bench / "company"
        link.unlink(missing_ok=True)
        link.symlink_to(self.root)
        return {
            "OI_DBT_WAREHOUSE": str(link / "warehouse.duckdb"), "OI_DBT_LANDING": str(link / "landing"),
            "OI_DBT_MATCHING": str(link / "matching"),
            "OI_DBT_THREADS": "2", "OI_DBT_MEMORY_LIMIT": "2GB", "OI_DBT_SPILL": str(link / "spill"),
        }  # fmt: skip

    def build(self, *arguments: str, **variables: str | list[str]) -> None:
        """Build models with their data tests; unit tests have a test of their own."""
        self.dbt("build", "--exclude-resource-type", "unit_test", *arguments, **variables)

    def run(self, *arguments: str, **variables: str | list[str]) -> None:
        """Build models and seeds without any test."""
        self.dbt("build", "--exclude-resource-type", "unit_test", "test", *arguments, **variables)

    def match(self) -> dict[str, MatchReport]:
        """Build what matching reads, and match customers, products and warehouses."""
        self.run("--select", "+tag:before_matching")
        settings = load_settings(home=self.root.parent, company=self.root.name)
        return {name: match_entity(settings, entity) for name, entity in ENTITIES.items()}

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query on the warehouse."""
        with self.connect(read_only=True) as connection:
            return connection.execute(query).fetchall()

    def connect(self, read_only: bool = False) -> duckdb.DuckDBPyConnection:
        """A connection to the warehouse, in which the staging views find this company's files."""
        return duckdb.connect(self._enter()["OI_DBT_WAREHOUSE"], read_only=read_only)

    def copy(self, root: Path) -> "Company":
        """A company with the same landing folder and a copy of warehouse and golden ids as they stand."""
        other = Company(root, self.bench, self.landing)
        shutil.copy(self.root / "warehouse.duckdb", root / "warehouse.duckdb")
        other.take_ids(self)
        return other

    def take_ids(self, other: "Company") -> None:
        """Know the golden ids that matching gave in another company, whose records are the same."""
        shutil.copytree(other.root / "matching", self.root / "matching", dirs_exist_ok=True)

    @property
    def manifest(self) -> dict[str, Any]:
        """What dbt last wrote about the project."""
        manifest: dict[str, Any] = json.loads((self.bench / "target" / "manifest.json").read_text(encoding="utf-8"))
        return manifest

    def digest(self, table: str) -> tuple[int, str]:
        """Number of rows of a table, and a hash over them whatever their order."""
        query = f"select count(*), cast(coalesce(sum(cast(hash(t) as hugeint)), 0) as varchar) from {table} as t"
        count, digest = self.rows(query)[0]
        return int(count), str(digest)
