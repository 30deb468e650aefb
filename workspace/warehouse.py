"""The embedded DuckDB warehouse: who may write, and how it is opened.

Belongs here: the writer's lock, connections, memory and spill settings. Does not belong here: SQL of the business.

DuckDB lets one process write a file. Everything that opens the file, readers included, holds `warehouse_lock`; who is
only reading results should read a published snapshot (`workspace.published`) and never wait.
"""

import fcntl
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from workspace.locks import POLL_SECONDS, Busy, exclusive, refusal
from workspace.settings import CompanyPaths, Settings

RULE = "One writer at a time may open the warehouse"


class WarehouseBusy(Busy):
    """Another process holds the warehouse and did not let go in time."""


@contextmanager
def warehouse_lock(settings: Settings, purpose: str) -> Iterator[None]:
    """Hold the right to open the warehouse file, for this process and the children it starts.

    A child that outlives its killed parent (dbt, in the middle of a statement) has the file open without the right to
    it; it is waited for as well.

    Raises:
        WarehouseBusy: another process kept it for longer than `settings.writer_wait_seconds`.
    """
    with exclusive(settings.paths.warehouse_lock, purpose, settings.writer_wait_seconds, WarehouseBusy, RULE):
        _wait_for_orphans(settings.paths.warehouse, settings.writer_wait_seconds)
        yield


def _wait_for_orphans(warehouse: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while (pid := _process_with_open(warehouse)) is not None:
        if time.monotonic() >= deadline:
            raise WarehouseBusy(refusal(RULE, f"process {pid}, whose run was killed", seconds))
        time.sleep(POLL_SECONDS)


def _process_with_open(warehouse: Path) -> int | None:
    """Another process that has the DuckDB file open; DuckDB locks it by POSIX, and the kernel names the owner."""
    if not warehouse.exists():
        return None
    # struct flock of Linux on 64 bits: type, whence, start, length, pid.
    layout = "hhqqi4x"
    with warehouse.open("rb") as stream:
        asked = struct.pack(layout, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, pid = struct.unpack(layout, fcntl.fcntl(stream.fileno(), fcntl.F_GETLK, asked))
    return None if kind == fcntl.F_UNLCK else int(pid)


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
