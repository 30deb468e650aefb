"""Serving an ASGI application on the loopback interface until asked to stop.

Belongs here: the socket, the server and how both end. Does not belong here: applications (dashboards, decisions).
"""

import signal
import socket
import sys
from collections.abc import Callable
from typing import Any, Literal

HOST = "127.0.0.1"
GRACE_SECONDS = 5
BACKLOG = 2_048  # connections waiting to be accepted; uvicorn's own


class PortTaken(OSError):
    """The port cannot be used, most often because something listens on it."""


def serve_on_loopback(
    application: Any, port: int, show: Callable[[str], None], lifespan: Literal["on", "off"] = "off"
) -> None:
    """Serve until SIGINT or SIGTERM; the process then ends with exit code 0.

    Args:
        application: ASGI application.
        port: Port; 0 takes a free one.
        show: Told the address once a connection to it is accepted; it is answered when the server has started.
        lifespan: Whether the application is told of start and end.

    Raises:
        PortTaken: the port cannot be used; the message says why.
    """
    import uvicorn

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    config = uvicorn.Config(
        application, log_level="warning", access_log=False, server_header=False, proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS, lifespan=lifespan,
    )  # fmt: skip
    with listener:
        try:
            listener.bind((HOST, port))
            listener.listen(BACKLOG)
        except OSError as error:
            raise PortTaken(f"Port {port} of {HOST} cannot be used ({error.strerror}).") from error
        show(f"http://{HOST}:{listener.getsockname()[1]}")
        # uvicorn raises the signal again when it has stopped; without these the process would end as killed.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: sys.exit(0))
        uvicorn.Server(config).run(sockets=[listener])
