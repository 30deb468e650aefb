"""`python -m dashboards` as a process: it serves, stops when asked, and says why when it cannot start."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from workspace.settings import Settings


def free_port() -> int:
    """A port that nobody listens on at present."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def start(settings: Settings, port: int, repository: Path) -> subprocess.Popen[str]:
    """The console in a process of its own."""
    given = {"OI_HOME": str(settings.home), "OI_COMPANY": settings.company, "OI_CONSOLE_PORT": str(port)}
    return subprocess.Popen(
        [sys.executable, "-m", "dashboards"], cwd=repository, env={**os.environ, **given}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_asked_to_stop(company: Settings, repository: Path, how: signal.Signals) -> None:
    port = free_port()
    process = start(company, port, repository)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                answer = httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False)
                break
            except httpx.ConnectError:
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.1)
        assert answer.json()["company"] == "aster"
        process.send_signal(how)
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert f"http://127.0.0.1:{port}/" in out
    assert "Traceback" not in err


def test_a_taken_port_is_named_with_the_remedy(settings: Settings, repository: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        process = start(settings, port, repository)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 4
    assert f"Port {port} of 127.0.0.1 cannot be used" in err
    assert "OI_CONSOLE_PORT" in err
