"""`oi up`: the local servers, until Ctrl-C."""

import signal
import threading
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
    asked_to_stop = threading.Event()

    def stop(*_: object) -> None:
        asked_to_stop.set()  # the interrupt is lost where it strikes a destructor
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)

    def show(server: Server) -> None:
        MESSAGES.print(f"  {server.name:<8} {server.address}")

    MESSAGES.print(f"Company {settings.paths.company}. Starting three servers; Ctrl-C stops them.")
    try:
        with running(settings, show) as processes:
            deadline = time.monotonic() + seconds if seconds else float("inf")
            while time.monotonic() < deadline and not asked_to_stop.is_set():
                ended = [process for process in processes if process.poll() is not None]
                if ended:
                    MESSAGES.print("A server ended by itself; stopping the others.")
                    raise typer.Exit(1)
                time.sleep(0.3)
    except KeyboardInterrupt:
        pass
    MESSAGES.print("Stopped.")
