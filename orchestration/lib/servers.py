"""The local servers of a company: Dagster, MLflow and the console, started and stopped together.

Belongs here: their command lines, waiting until they answer, stopping them. Does not belong here: what they show.
All listen on loopback only.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from orchestration.lib.event_log import BATCHES
from orchestration.lib.instance import configure_instance
from workspace.settings import Settings, quiet_environment

HOST = "127.0.0.1"
START_SECONDS = 120.0
STOP_SECONDS = 20.0


class ServerFailed(RuntimeError):
    """A server ended or did not answer in time; says where its output lies."""


@dataclass(frozen=True)
class Server:
    """One server: how it is started and where it answers."""

    name: str
    command: Sequence[str]
    port: int
    health: str

    @property
    def address(self) -> str:
        """Address of its first page."""
        return f"http://{HOST}:{self.port}"


def servers_of(settings: Settings) -> list[Server]:
    """Dagster (webserver and daemon), MLflow and the console."""
    paths, binaries = settings.paths, Path(sys.executable).parent
    return [
        Server(
            "Dagster",
            [str(binaries / "dagster"), "dev", "-m", "orchestration.definitions", "-h", HOST,
             "-p", str(settings.dagster_port)],
            settings.dagster_port, "/server_info",
        ),
        Server(
            "MLflow",
            [str(binaries / "mlflow"), "server", "--workers", "1", "--host", HOST, "--port", str(settings.mlflow_port),
             "--backend-store-uri", paths.mlflow_tracking_uri(settings),
             "--default-artifact-root", (paths.mlflow / "artifacts").as_uri()],
            settings.mlflow_port, "/health",
        ),
        Server("Console", [sys.executable, "-m", "dashboards"], settings.console_port, "/healthz"),
    ]  # fmt: skip


@contextmanager
def running(settings: Settings, on_ready: Callable[[Server], None]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Start every server, wait until each answers, and stop them all at the end, however it ends.

    Raises:
        ServerFailed: a port is taken, or a server ended or stayed silent for `START_SECONDS`.
    """
    logs = configure_instance(settings)
    environment = {
        **quiet_environment(), **BATCHES, "DAGSTER_HOME": str(logs), "OI_HOME": str(settings.home),
        "OI_COMPANY": settings.paths.company,
    }  # fmt: skip
    servers = servers_of(settings)
    for server in servers:
        _refuse_taken(server)
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for server in servers:
            with (logs / f"{server.name.lower()}.log").open("wb") as output:
                processes.append(
                    subprocess.Popen(
                        server.command, env=environment, stdout=output, stderr=output, start_new_session=True
                    )
                )
        for server, process in zip(servers, processes, strict=True):
            _wait_for(server, process, logs)
            on_ready(server)
        yield processes
    finally:
        _stop(processes)


def _refuse_taken(server: Server) -> None:
    with socket.socket() as probe:
        if probe.connect_ex((HOST, server.port)) == 0:
            raise ServerFailed(
                f"{server.name} needs port {server.port}, which another program holds. Stop it, or set "
                f"OI_{server.name.upper()}_PORT to a free port."
            )


def _wait_for(server: Server, process: subprocess.Popen[bytes], logs: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    log = logs / f"{server.name.lower()}.log"
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServerFailed(f"{server.name} ended with code {process.returncode}; its output is in {log}.")
        try:
            with urllib.request.urlopen(server.address + server.health, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise ServerFailed(f"{server.name} did not answer on port {server.port} in {START_SECONDS:g} s; see {log}.")


def _stop(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Ask every server's process group to end; kill what is left after `STOP_SECONDS`."""
    for process in processes:
        _signal(process, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    for process in processes:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            _signal(process, signal.SIGKILL)
            process.wait()
    for process in processes:
        _signal(process, signal.SIGKILL)


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
