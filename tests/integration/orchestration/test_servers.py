"""`oi up`: three servers that start together, answer on loopback, and stop together."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

OI = Path(sys.executable).parent / "oi"


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def test_three_servers_start_answer_and_stop_on_one_ctrl_c(tmp_path: Path) -> None:
    dagster, mlflow, console = free_ports(3)
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "OI_HOME": str(tmp_path / "home"),
        "OI_DAGSTER_PORT": str(dagster), "OI_MLFLOW_PORT": str(mlflow), "OI_CONSOLE_PORT": str(console),
    }  # fmt: skip
    with subprocess.Popen([OI, "up"], env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            shown = [process.stderr.readline() for _ in range(4)]
            assert [str(port) in line for port, line in zip((dagster, mlflow, console), shown[1:], strict=True)]
            for address in (f"{dagster}/server_info", f"{mlflow}/health", f"{console}/healthz"):
                with urllib.request.urlopen(f"http://127.0.0.1:{address}", timeout=10) as answer:
                    assert answer.status == 200
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
        finally:
            process.kill()
    for port in (dagster, mlflow, console):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0, f"port {port} is still served"
