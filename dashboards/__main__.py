"""`python -m dashboards`: serve the console on the loopback interface until SIGINT or SIGTERM.

Belongs here: starting the server. Does not belong here: the application (`dashboards.app`).
"""

import os
import sys

from dashboards.app import create_app
from workspace.loopback import PortTaken, serve_on_loopback
from workspace.settings import Settings, load_settings, quiet_environment


def serve(settings: Settings) -> int:
    """Serve until asked to stop; returns the exit code (4: the port is taken)."""
    app = create_app(settings)

    def begin(address: str) -> None:
        print(f"Console of {settings.paths.company}: {address}/ (Ctrl-C stops it)", flush=True)
        app.state.console.warm_up()

    try:
        serve_on_loopback(app, settings.console_port, begin)
    except PortTaken as error:
        print(f"{error} Stop what listens there, or set OI_CONSOLE_PORT to a free port.", file=sys.stderr)
        return 4
    return 0


if __name__ == "__main__":
    os.environ.update(quiet_environment())
    sys.exit(serve(load_settings()))
