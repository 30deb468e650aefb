"""Reading the published snapshot: one open connection a version, and answers kept while the version stands.

Belongs here: opening, re-opening and caching. Does not belong here: SQL (`dashboards.queries`), or what pages make of
its answers.
"""

import re
import threading
from typing import Any

import duckdb

from dashboards.queries.base import Query
from workspace.published import Snapshot, open_current
from workspace.settings import Settings

Row = dict[str, Any]

#: Answers kept for one snapshot; a page asks about ten questions, each small.
ANSWERS_KEPT = 2_000


class TableMissing(LookupError):
    """The snapshot does not hold a table that a page needs."""

    def __init__(self, table: str) -> None:
        super().__init__(f"The published snapshot holds no table {table!r}. Run `oi run everything` to publish it.")
        self.table = table


class Reader:
    """One snapshot, open for reading. Safe to share between threads."""

    def __init__(self, snapshot: Snapshot, threads: int) -> None:
        self.snapshot = snapshot
        # Kept as long as this reader: its views open the snapshot's files anew with every question.
        self._lease = snapshot.lease()
        self._connection = snapshot.connect()
        self._connection.execute("set autoinstall_known_extensions = false")
        self._connection.execute("set autoload_known_extensions = false")
        self._connection.execute(f"set threads = {threads:d}")
        self._answers: dict[tuple[Any, ...], list[Row]] = {}
        self._lock = threading.Lock()

    def has(self, *tables: str) -> bool:
        """Whether the snapshot holds all of `tables`."""
        return all(table in self.snapshot.tables for table in tables)

    def rows(self, query: Query, **values: Any) -> list[Row]:
        """Answer `query`, from memory where it was asked before.

        Args:
            query: The statement. Values that it does not use are ignored, so that a page can pass its filter to all.
            **values: Values of its parameters.

        Raises:
            TableMissing: the snapshot lacks a table that the query reads.
        """
        for table in query.reads:
            if not self.has(table):
                raise TableMissing(table)
        used = {name: values[name] for name in sorted(query.parameters)}
        key = (query.name, *used.values())
        with self._lock:
            if key in self._answers:
                return self._answers[key]
        answer = self._ask(query, used)
        with self._lock:
            if len(self._answers) >= ANSWERS_KEPT:
                self._answers.clear()
            self._answers[key] = answer
        return answer

    def row(self, query: Query, **values: Any) -> Row:
        """The one row that `query` answers; an empty dict when it answers none."""
        rows = self.rows(query, **values)
        return rows[0] if rows else {}

    def _ask(self, query: Query, used: dict[str, Any]) -> list[Row]:
        cursor = self._connection.cursor()
        try:
            result = cursor.execute(query.sql, used)
            names = [column[0] for column in result.description or ()]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
        finally:
            cursor.close()


class Store:
    """The current snapshot of the current company. Follows `oi use` and every new publication."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reader: Reader | None = None
        self._lock = threading.Lock()

    def open(self) -> Reader:
        """The reader of the snapshot that is current now.

        Raises:
            NothingPublished: the company has no snapshot yet.
        """
        snapshot = open_current(self._settings.paths.published)
        with self._lock:
            if self._reader is None or self._reader.snapshot.folder != snapshot.folder:
                self._reader = Reader(snapshot, self._settings.threads)
            return self._reader

    def forget(self) -> None:
        """Drop the open snapshot, so that the next call opens it anew (its files were collected meanwhile)."""
        with self._lock:
            self._reader = None


def was_collected(error: duckdb.Error) -> bool:
    """Whether a query failed since the snapshot's files are gone."""
    return bool(re.search(r"No files found|No such file|Cannot open file", str(error)))
