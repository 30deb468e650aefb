"""The embedded DuckDB warehouse: who may write, and how it is opened.

Belongs here: the writer's lock, connections, memory and spill settings. Does not belong here: SQL of the business.

DuckDB lets one process write a file. Everything that opens the file, readers included, holds `warehouse_lock`; who is
only reading results should read a published snapshot (`workspace.published`) and never wait.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from workspace.settings import CompanyPaths, Settings


class WarehouseBusy(RuntimeError):
    """Another process holds the warehouse and did not let go in time."""


@contextmanager
def warehouse_lock(settings: Settings, purpose: str) -> Iterator[None]:
    """Hold the right to open the warehouse file, for this process and the children it starts.

    The lock is the kernel's (`flock`), so that it goes with its owner however the owner ends; the file's text only
    says who holds it, since when and for what.

    Raises:
        WarehouseBusy: another process kept it for longer than `settings.writer_wait_seconds`.
    """
    path = settings.paths.warehouse_lock
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as stream:
        _wait_for(stream.fileno(), path, settings.writer_wait_seconds)
        stream.truncate(0)
        stream.write(json.dumps({"pid": os.getpid(), "since": datetime.now(UTC).isoformat(), "purpose": purpose}))
        stream.flush()
        try:
            yield
        finally:
            stream.truncate(0)
            stream.flush()


def _wait_for(descriptor: int, path: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                owner = path.read_text(encoding="utf-8") or "an owner that left no note"
                raise WarehouseBusy(
                    f"One writer at a time may open the warehouse; it is held by {owner}. Waited {seconds:g} s. "
                    f"Let that run end, or raise OI_WRITER_WAIT_SECONDS."
                ) from None
            time.sleep(0.1)


@contextmanager
def open_warehouse(settings: Settings, purpose: str, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the company's warehouse under the lock, with the memory limit and spill folder set."""
    with warehouse_lock(settings, purpose):
        paths = settings.paths.ensure()
        connection = duckdb.connect(str(paths.warehouse), read_only=read_only, config=duckdb_config(settings, paths))
        try:
            yield connection
        finally:
            connection.close()


def scratch_connection(settings: Settings) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB with the same limits, for work on files that needs no warehouse."""
    return duckdb.connect(":memory:", config=duckdb_config(settings, settings.paths))


def duckdb_config(settings: Settings, paths: CompanyPaths) -> dict[str, str | bool | int | float | list[str]]:
    """DuckDB configuration shared by every connection of the platform."""
    return {
        "memory_limit": settings.memory_limit,
        "threads": settings.threads,
        "temp_directory": str(paths.spill),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
