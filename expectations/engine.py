"""Great Expectations on DuckDB: opening a database read-only, running checks on a table, letting go of the file.

Belongs here: the GX context, engine, batches and suites, and a database over Parquet files.
Does not belong here: what is checked (`suites/`) or what a result means (`runner.py`).

Great Expectations is imported inside functions: it takes 2.5 s. It keeps process-wide state, so one thread at a time.
"""

import logging
import os
import tempfile
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from expectations.checks import Check, Measure, NotNull
from workspace.settings import Settings
from workspace.warehouse import duckdb_config

#: Processor time of the landing suite over a copy and over views: 9 s and 14 s for 465,000 rows in 4,300 files, but
#: 8 s and 3 s for a million in 365. So many files are copied when they hold few rows on average.
MANY_FILES, SMALL_FILE_ROWS = 16, 500

_PARQUET = "read_parquet({}, union_by_name = true, hive_partitioning = false)"
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class TableFacts:
    """A table as it was found.

    Attributes:
        columns: Its columns in order, each with its DuckDB type.
        rows: Its row count; None when it could not be read.
        problem: Why it could not be read, as the database says it.
    """

    columns: Mapping[str, str]
    rows: int | None
    problem: str | None = None


class Database:
    """A DuckDB file opened read-only through Great Expectations."""

    def __init__(self, source: Any) -> None:
        self._source = source

    def facts(self, wanted: Iterable[str]) -> dict[str, TableFacts]:
        """Those of the wanted tables and views that the database's main schema has."""
        columns: dict[str, dict[str, str]] = {}
        query = (
            "select table_name, column_name, data_type from information_schema.columns "
            "where table_schema = 'main' order by table_name, ordinal_position"
        )
        for table, column, kind in self.rows(query):
            columns.setdefault(table, {})[column] = kind
        return {table: self._facts_of(table, columns[table]) for table in wanted if table in columns}

    def count_added(self, table: str) -> int:
        """Rows of the files that were added to a table, if the database has a view of them; none otherwise."""
        is_there = self.rows(f"select 1 from information_schema.tables where table_name = '{added_view(table)}'")
        return int(self.rows(f'select count(*) from "{added_view(table)}"')[0][0]) if is_there else 0

    def run(
        self, table: str, checks: Sequence[Check], shown: tuple[str, ...], only_added: bool = False
    ) -> dict[str, Any]:
        """Run checks on one table; returns check id → GX result.

        Runs twice: first for verdicts alone, which GX computes in few passes over the table; then only those checks
        that failed, or whose number matters though they passed, for their numbers and a sample of rows.

        Args:
            table: Table or view of the database.
            checks: Checks whose learned bounds have been settled.
            shown: Columns that failing rows are shown with.
            only_added: Look at the rows of the files that were added, not at all.
        """
        from expectations.translation import SAMPLE_ROWS, expectation_for

        if not checks:
            return {}
        name = added_view(table) if only_added else table
        definition = self._source.add_table_asset(name, table_name=name).add_batch_definition_whole_table("whole")
        batch = definition.get_batch()
        verdicts = [expectation_for(check, shown) for check in checks if not _has_number(check)]
        results = self._run(batch, f"{name}.verdicts", verdicts, {"result_format": "BOOLEAN_ONLY"}) if verdicts else {}
        again = [check for check in checks if _has_number(check) or not results[check.id].success]
        if again:
            detail = {"result_format": "SUMMARY", "partial_unexpected_count": SAMPLE_ROWS}
            if shown:
                detail["unexpected_index_column_names"] = list(shown)
            detailed = [expectation_for(check, shown, brings_rows=True) for check in again]
            results |= self._run(batch, f"{name}.details", detailed, detail)
        return results

    def _run(self, batch: Any, name: str, expectations: list[Any], result_format: dict[str, Any]) -> dict[str, Any]:
        suite = _great_expectations().ExpectationSuite(name=name, expectations=expectations)
        # A validation definition would besides keep suite, definition and results in stores that nobody reads.
        outcome = batch.validate(suite, result_format=result_format)
        return {result.expectation_config.meta["id"]: result for result in outcome.results}

    def _facts_of(self, table: str, columns: dict[str, str]) -> TableFacts:
        try:
            count = self.rows(f'select count(*) from "{table}"')[0][0]
        except Exception as problem:  # SQLAlchemy and DuckDB raise many kinds here; each makes the table unreadable
            return TableFacts(columns, None, str(getattr(problem, "orig", problem)))
        return TableFacts(columns, int(count))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self._source.get_engine().connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query).fetchall()]


def added_view(table: str) -> str:
    """Name of the view over the files that were added to a table."""
    return f"{table}__added"


def _has_number(check: Check) -> bool:
    """Whether a check that passed still has a number to tell."""
    return isinstance(check.rule, Measure) or (isinstance(check.rule, NotNull) and check.rule.at_least < 1)


@contextmanager
def open_database(settings: Settings, path: Path) -> Iterator[Database]:
    """Open a DuckDB file for validation; every handle is closed afterwards.

    The caller holds the warehouse lock when `path` is the warehouse.
    """
    with _ONE_AT_A_TIME, _quiet_logging():
        gx = _great_expectations()
        from great_expectations.data_context.types.base import ProgressBarsConfig
        from sqlalchemy import URL

        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        arguments = {"read_only": True, "config": duckdb_config(settings, settings.paths)}
        source = context.data_sources.add_sql(
            "duckdb",
            connection_string=URL.create("duckdb+gx", database=str(path)).render_as_string(),
            kwargs={"connect_args": arguments},
        )
        try:
            yield Database(source)
        finally:
            # GX holds two engines; either one left open makes a later connect of this process fail or see old data.
            source.get_execution_engine().engine.dispose()
            source.get_engine().dispose()


@contextmanager
def database_over(
    settings: Settings, files: Mapping[str, Path], added: Mapping[str, Sequence[Path]]
) -> Iterator[tuple[Path, dict[str, str]]]:
    """A temporary DuckDB file with one table or view for each set of Parquet files, removed afterwards.

    Args:
        settings: Where the file may lie.
        files: Table → a Parquet file, a glob pattern, or a folder that is read with all folders below it.
        added: Table → those of its files that get a view of their own (`added_view`).

    Yields:
        The file, and table → message for tables whose Parquet cannot be read. Tables without files are not in it.
    """
    spill = settings.paths.spill
    spill.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=spill, prefix="validate-") as folder:
        path = Path(folder) / "parquet.duckdb"
        unreadable: dict[str, str] = {}
        with duckdb.connect(str(path), config=duckdb_config(settings, settings.paths)) as connection:
            for table, location in files.items():
                try:
                    _bring(connection, table, location)
                    if added.get(table):
                        listed = ", ".join(_text(path) for path in added[table])
                        connection.execute(
                            f'create view "{added_view(table)}" as from {_PARQUET.format(f"[{listed}]")}'
                        )
                except duckdb.Error as problem:
                    unreadable[table] = str(problem)
        yield path, unreadable


def _bring(connection: duckdb.DuckDBPyConnection, table: str, location: Path) -> None:
    """A view over the files, or a copy where they are many and small: each pass of a suite opens every file."""
    pattern = location / "**" / "*.parquet" if location.is_dir() else location
    files = connection.execute(f"select count(*) from glob({_text(pattern)})").fetchall()[0][0]
    if not files:
        return
    source = _PARQUET.format(_text(pattern))
    rows = connection.execute(f"select count(*) from {source}").fetchall()[0][0] if files > MANY_FILES else 0
    kind = "table" if files > MANY_FILES and rows < SMALL_FILE_ROWS * files else "view"
    connection.execute(f'create {kind} "{table}" as select * from {source}')


def _text(path: Path) -> str:
    """A path as a SQL string."""
    return "'" + os.fspath(path).replace("'", "''") + "'"


def _great_expectations() -> Any:
    """The package. Its import meets deprecated `sre_*` modules, which is GX's to mend and no news to our callers."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "module 'sre_", DeprecationWarning)
        import great_expectations

    return great_expectations


@contextmanager
def _quiet_logging() -> Iterator[None]:
    """GX logs its own progress at warning level; results reach the caller as values."""
    logger = logging.getLogger("great_expectations")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
