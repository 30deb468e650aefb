"""`oi up`: the local servers, until Ctrl-C."""

import signal
import time
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def up(
    seconds: Annotated[float, typer.Option(help="Stop by itself after so long; 0 waits for Ctrl-C.")] = 0.0,
) -> None:
    """Start Dagster, MLflow and the console on loopback; Ctrl-C stops all three."""
    from orchestration.cli.printing import MESSAGES
    from orchestration.lib.servers import Server, running
    from workspace.settings import load_settings

    settings = load_settings()
    signal.signal(signal.SIGTERM, signal.default_int_handler)

    def show(server: Server) -> None:
        MESSAGES.print(f"  {server.name:<8} {server.address}")

    MESSAGES.print(f"Company {settings.paths.company}. Starting three servers; Ctrl-C stops them.")
    try:
        with running(settings, show) as processes:
            deadline = time.monotonic() + seconds if seconds else float("inf")
            while time.monotonic() < deadline:
                ended = [process for process in processes if process.poll() is not None]
                if ended:
                    MESSAGES.print("A server ended by itself; stopping the others.")
                    raise typer.Exit(1)
                time.sleep(0.3)
    except KeyboardInterrupt:
        pass
    MESSAGES.print("Stopped.")
