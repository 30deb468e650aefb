"""The database on which Splink compares records: DuckDB in this process, or Spark by `OI_MATCHING_BACKEND=spark`.

Belongs here: opening it for a run and closing it. Does not belong here: what is computed on it (ml/jobs/linking).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from splink import DuckDBAPI

from workspace.settings import Settings
from workspace.warehouse import scratch_connection


class BackendMissing(RuntimeError):
    """The setting names a backend that is not installed here."""


@contextmanager
def linking_database(settings: Settings) -> Iterator[Any]:
    """Splink's database API for one run.

    Raises:
        BackendMissing: Spark is asked for, and PySpark or Java is not there.
    """
    if settings.matching_backend == "spark":
        with _spark(settings) as database:
            yield database
        return
    with scratch_connection(settings) as connection:
        yield DuckDBAPI(connection)


@contextmanager
def _spark(settings: Settings) -> Iterator[Any]:
    """A Spark session of this machine, or of the cluster that `spark-defaults.conf` names."""
    if find_spec("sqlglotc"):
        raise BackendMissing(
            "Splink's Spark dialect extends classes of sqlglot that its compiled part (sqlglotc) does not let be "
            "extended. Use an environment of its own for Spark: uv pip uninstall sqlglotc sqlglotrs, uv pip install "
            "--reinstall sqlglot; or leave OI_MATCHING_BACKEND at duckdb."
        )
    try:
        from pyspark.errors import PySparkRuntimeError
        from pyspark.sql import SparkSession
        from splink.backends.spark import SparkAPI, similarity_jar_location
    except ImportError as error:
        raise BackendMissing(
            "OI_MATCHING_BACKEND is spark, and PySpark is not installed. Install the extra: "
            "uv pip install 'order-intelligence[spark]', or leave the setting at duckdb."
        ) from error
    builder = (
        SparkSession.builder.appName("order-intelligence matching")
        .config("spark.jars", similarity_jar_location())
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", str(4 * settings.threads))
        .config("spark.default.parallelism", str(4 * settings.threads))
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
    )
    try:
        session = builder.getOrCreate()
    except PySparkRuntimeError as error:
        raise BackendMissing(
            f"Spark did not start ({error}). It needs Java 17 or later: set JAVA_HOME, or leave "
            f"OI_MATCHING_BACKEND at duckdb."
        ) from error
    try:
        checkpoints = settings.paths.ensure().spill / "spark"
        session.sparkContext.setCheckpointDir(str(checkpoints))
        yield SparkAPI(spark_session=session, break_lineage_method="persist")
    finally:
        session.stop()
