"""A private PostgreSQL cluster on loopback, for as long as a test session lasts."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

INSTALLED = Path("/usr/lib/postgresql")


@contextmanager
def cluster() -> Iterator[str]:
    """Start a cluster; gives the SQLAlchemy address of its server, without a database. Skips where there is none."""
    programs = sorted(INSTALLED.glob("*/bin"), key=lambda path: float(path.parent.name))
    if not programs:
        if os.environ.get("CI") == "true":
            pytest.fail("The ledger is tested on PostgreSQL, which is absent. Install Debian's postgresql.")
        pytest.skip("PostgreSQL is absent; install Debian's postgresql to test the ledger on it")
    home = Path(tempfile.mkdtemp(prefix="oi-postgres-"))
    # The server refuses to run as root.
    user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    if user:
        shutil.chown(home, "postgres")
    control = [*user, str(programs[-1] / "pg_ctl"), "--pgdata", str(home / "data"), "--silent", "--wait"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    try:
        _run([*control, "initdb", "--options", "--auth=trust --username=postgres --no-sync"], home)
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
        _run([*control, "start", "--log", str(home / "log"), "--options", options], home)
        yield f"postgresql+psycopg://postgres@127.0.0.1:{port}"
        _run([*control, "stop", "--mode", "immediate"], home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _run(command: list[str], home: Path) -> None:
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        pytest.fail(f"{' '.join(command)} ended with {done.returncode}: {done.stdout}{done.stderr}")
