"""SQLAlchemy dialect `duckdb+gx`: DuckDB as Great Expectations can drive it.

Belongs here: the differences from `duckdb_engine.Dialect`, each with its reason. Does not belong here: how an engine is
opened and disposed (`engine.py`). Registered as an entry point in pyproject.toml; nothing imports it by name.
"""

from typing import Any

import duckdb
from duckdb_engine import Dialect, DuckDBIdentifierPreparer
from sqlalchemy.engine import reflection
from sqlalchemy.exc import NoSuchTableError
from sqlalchemy.types import NULLTYPE


class KeywordQuotingPreparer(DuckDBIdentifierPreparer):
    """Quotes every DuckDB keyword that may not stand bare as a column name.

    The stock preparer knows the fully reserved words only, so that a column called `at` or `left` is a syntax error.
    """

    def __init__(self, dialect: Any, **kwargs: Any) -> None:
        super().__init__(dialect, **kwargs)
        rows = duckdb.execute("select keyword_name from duckdb_keywords() where keyword_category <> 'unreserved'")
        self.reserved_words.update(name for (name,) in rows.fetchall())


class AutocommitDuckDBDialect(Dialect):
    """DuckDB where every statement stands alone.

    Great Expectations opens transactions around its metric queries and reads their rows after the transaction has
    ended. DuckDB drops a pending result with its transaction, which makes each metric fail with an IndexError. Readers
    of a read-only file need no transaction, so begin, commit and rollback do nothing here.
    """

    supports_statement_cache = False
    preparer = KeywordQuotingPreparer

    def do_begin(self, dbapi_connection: Any) -> None:
        """Begin nothing; see the class."""

    def do_commit(self, dbapi_connection: Any) -> None:
        """Commit nothing; see the class."""

    def do_rollback(self, dbapi_connection: Any) -> None:
        """Roll nothing back; see the class."""

    @reflection.cache
    def get_columns(
        self, connection: Any, table_name: str, schema: str | None = None, **_: Any
    ) -> list[dict[str, Any]]:  # fmt: skip
        """Columns by DuckDB's own catalogue, without their types, which no check asks Great Expectations for.

        The stock dialect asks PostgreSQL's, which DuckDB answers by joining all of its catalogue: 0.1 s, and Great
        Expectations asks once a table and run.

        Raises:
            NoSuchTableError: there is neither a table nor a view of this name.
        """
        query = (
            "select column_name, is_nullable from duckdb_columns() where table_name = ? "
            "and schema_name = coalesce(?, 'main') order by column_index"
        )
        rows = connection.exec_driver_sql(query, (table_name, schema)).fetchall()
        if not rows:
            raise NoSuchTableError(table_name)
        return [{"name": n, "type": NULLTYPE, "nullable": nullable, "default": None} for n, nullable in rows]

    @reflection.cache
    def get_pk_constraint(
        self, connection: Any, table_name: str, schema: str | None = None, **_: Any
    ) -> dict[str, Any]:  # fmt: skip
        """No key, for the same reason: what is validated declares none, and its keys are checks of the suites."""
        return {"constrained_columns": [], "name": None}
