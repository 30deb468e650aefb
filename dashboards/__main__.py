"""`python -m dashboards`: serve the console on the loopback interface until SIGINT or SIGTERM.

Belongs here: starting the server. Does not belong here: the application (`dashboards.app`).
"""

import os
import signal
import socket
import sys

import uvicorn

from dashboards.app import create_app
from workspace.settings import Settings, load_settings, quiet_environment

HOST = "127.0.0.1"
GRACE_SECONDS = 5


def serve(settings: Settings) -> int:
    """Serve until asked to stop; returns the exit code (4: the port is taken)."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, settings.console_port))
    except OSError as error:
        print(
            f"Port {settings.console_port} of {HOST} cannot be used ({error.strerror}). Stop what listens there, "
            f"or set OI_CONSOLE_PORT to a free port.",
            file=sys.stderr,
        )
        return 4
    port = listener.getsockname()[1]
    print(f"Console of {settings.paths.company}: http://{HOST}:{port}/ (Ctrl-C stops it)", flush=True)
    app = create_app(settings)
    app.state.console.warm_up()
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS, lifespan="off",
    )  # fmt: skip
    _end_well_on(signal.SIGINT, signal.SIGTERM)
    with listener:
        uvicorn.Server(config).run(sockets=[listener])
    return 0


def _end_well_on(*signals: signal.Signals) -> None:
    """Let being asked to stop end the process with exit code 0; uvicorn raises the signal again when it has stopped."""
    for number in signals:
        signal.signal(number, lambda *_: sys.exit(0))


if __name__ == "__main__":
    os.environ.update(quiet_environment())
    sys.exit(serve(load_settings()))
