"""Latency of the console's pages on the current company, over loopback: warm, cold, and not modified.

Run: `.venv/bin/python benchmarks/bench_console.py [--requests N]`. Prints a markdown table; the first request of a page
after the snapshot was opened is `first`, `p50` and `p99` are full pages from memory, `304` is an unchanged page.
"""

import argparse
import socket
import statistics
import threading
import time

import httpx
import uvicorn

from dashboards.app import create_app
from dashboards.queries.base import Query
from dashboards.store import Store
from workspace.settings import load_settings

NEWEST = Query(
    "bench.newest", ("fct_orders",), "select order_id from fct_orders order by ordered_at desc, order_id limit 1"
)


def percentile(seconds: list[float], share: float) -> float:
    """Nearest-rank percentile, in milliseconds."""
    return 1000 * sorted(seconds)[min(len(seconds) - 1, int(share * len(seconds)))]


def timed(client: httpx.Client, address: str, headers: dict[str, str] | None = None) -> tuple[float, httpx.Response]:
    """Seconds of one request and its answer."""
    start = time.perf_counter()
    answer = client.get(address, headers=headers)
    return time.perf_counter() - start, answer


def measure(client: httpx.Client, address: str, count: int) -> str:
    """One row of the table."""
    first, answer = timed(client, address)
    answer.raise_for_status()
    full = [timed(client, address)[0] for _ in range(count)]
    unchanged = [timed(client, address, {"If-None-Match": answer.headers["etag"]})[0] for _ in range(count)]
    return (
        f"| `{address}` | {len(answer.content) / 1024:.0f} | {1000 * first:.1f} | {percentile(full, 0.5):.1f} | "
        f"{percentile(full, 0.99):.1f} | {1000 * statistics.median(unchanged):.1f} |"
    )


def main() -> None:
    """Serve the current company and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200)
    count = parser.parse_args().requests
    settings = load_settings()
    newest = Store(settings).open().row(NEWEST)["order_id"]
    listener = socket.create_server(("127.0.0.1", 0))
    app = create_app(settings)
    app.state.console.warm_up()
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    pages = [
        "/",
        "/?days=0",
        "/?days=0&metric=handling",
        "/quality",
        "/models",
        "/orders",
        "/orders?state=late",
        f"/orders/{newest}",
        "/about",
    ]
    origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        with httpx.Client(base_url=origin, trust_env=False, timeout=60) as client:
            print("| page | KiB | first ms | p50 ms | p99 ms | 304 ms |")
            print("|---|---|---|---|---|---|")
            for page in pages:
                print(measure(client, page, count))
    finally:
        server.should_exit = True
        thread.join()


if __name__ == "__main__":
    main()
